/**
 * What-ifs of `ldyn diagnose`: the model, data and settings that a run of ours was made with, or those that are given,
 * and the predictions of lab's diagnosing/what-ifs.ts with them.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  disposeTree,
  encodeRows,
  mustMatch,
  predictWhatIfs,
  readRows,
  stageRows,
  tokenDefaults,
  type Row,
  type StageConfig,
  type StageDiagnosis,
  type WhatIfs,
} from '@ldyn/lab'
import type { Tokenizer } from '@ldyn/models'
import { openModel } from '@ldyn/models/node'
import type { RunManifest } from '@ldyn/runs'
import type { Backend } from '@ldyn/tensor'
import { layerOf } from '../config/assignments.ts'
import { resolve, stageConfig, tokenOptions } from '../config/resolve.ts'
import { CliError } from '../contract/errors.ts'
import { updateSettings } from '../explain/settings.ts'
import { encodeProbes, load, typesIn } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'
import { referredRows } from '../rows/reference.ts'
import type { Subject } from './subject.ts'

export interface WhatIfFlags {
  readonly whatIfs?: boolean
  readonly model?: string
  readonly refModel?: string
  readonly data?: string
  readonly probe?: string
  readonly pairs: number
  readonly limit: number
  readonly loss?: string
  readonly lr?: number
  readonly optimizer?: string
  readonly beta?: number
}

/** What the predictions are made with, and where each came from, in words. */
export interface Sources {
  readonly model: string
  readonly reference: string | undefined
  readonly data: string
  readonly probe: string
  readonly stage: StageConfig
  readonly says: readonly string[]
}

/** A toy's run (ldyn sim) has no model and no config of a training. */
const isSimulated = (config: RunManifest['config']): boolean =>
  typeof config === 'object' && config !== null && 'sim' in config

/** A stage as a run of ours was told to train it; undefined for an imported log and a simulation. */
export function stageOf(
  { config, imported }: RunManifest,
  name: string,
  rows: number,
): StageConfig | undefined {
  if (imported || isSimulated(config)) return undefined
  try {
    const found = resolve([layerOf(config, () => 'run.json')]).stages.find((stage) => stage.name === name)
    return found && stageConfig(found, rows)
  } catch (error) {
    // A run that was not trained from a config (a simulation, another program's) has settings of its own.
    if (error instanceof CliError) return undefined
    throw error
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Checkpoints of a run that are still there, by step. */
const checkpointsOf = async ({
  run,
  directory,
}: Subject): Promise<readonly { step: number; path: string }[]> => {
  if (directory === undefined) return []
  const all = run.events.flatMap((event) =>
    event.type === 'checkpoint' ? [{ step: event.s, path: join(directory, event.path) }] : [],
  )
  const there = await Promise.all(all.map(({ path }) => exists(join(path, 'config.json'))))
  return all.filter((_, i) => there[i]).sort((a, b) => a.step - b.step)
}

/** Throws CliError for what neither the run nor the flags say. */
export async function sourcesOf(
  subject: Subject,
  stage: StageDiagnosis,
  flags: WhatIfFlags,
): Promise<Sources> {
  const { manifest } = subject
  const says: string[] = []
  const own = !manifest.imported
  const since = stage.findings.find((one) => one.since !== undefined)?.since?.step ?? stage.steps?.[1] ?? 0
  const before = (await checkpointsOf(subject)).filter(({ step }) => step <= since)
  const started = own ? manifest.model.path : undefined
  const atStart = before.findLast(({ step }) => step <= (stage.steps?.[0] ?? 0))?.path ?? started
  const model = flags.model ?? before.at(-1)?.path ?? started
  if (model === undefined) throw missing('--model', 'the checkpoint at which to predict')
  const data = flags.data ?? (own ? manifest.datasets[0]?.path : undefined)
  if (data === undefined) throw missing('--data', 'pairs to take an update on')
  const probe = flags.probe ?? (own ? manifest.datasets[1]?.path : undefined) ?? data.replace(/#[^#]*$/, '')
  const reference = flags.refModel ?? (flags.model === undefined && model !== atStart ? atStart : undefined)
  const recorded = stageOf(manifest, stage.stage, flags.pairs)
  const settings = (): StageConfig =>
    updateSettings(
      {
        loss: flags.loss ?? 'dpo',
        lr: flags.lr ?? 5e-7,
        optimizer: flags.optimizer ?? 'rmsprop',
        beta: flags.beta,
        maxGradNorm: 10,
      },
      flags.pairs,
    ).stage
  const asked = flags.loss !== undefined || flags.optimizer !== undefined
  const base =
    recorded && !asked ? { ...recorded, ...(flags.lr !== undefined && { lr: flags.lr }) } : settings()
  says.push(
    `at ${model}`,
    reference === undefined ? 'against itself as the reference' : `against the reference ${reference}`,
    `one update on ${data.includes('#') ? data : `the first ${flags.pairs} pairs of ${data}`}, from a fresh optimizer state`,
    ...(base.optimizer.name === 'rmsprop'
      ? ['RMSprop’s rate times √(1 − α), so that its first step has the size of later ones']
      : []),
    `followed on ${probe === data ? 'its own first rows' : probe}`,
  )
  if (!recorded || asked) says.push(`${base.loss.name}, ${base.optimizer.name}, learning rate ${base.lr}`)
  return { model, reference, data, probe, stage: base, says }
}

const missing = (flag: string, what: string): CliError =>
  new CliError({
    code: 'LD2003',
    what: `what-ifs need ${flag}, ${what}`,
    where: 'ldyn diagnose',
    why: 'a recorded log does not say where its model and data are',
    fix: 'give --model <checkpoint> and --data <pairs.jsonl>',
  })

/** Types worth following where a probe set has many: one of each kind. */
const FOLLOWED = ['chosen', 'rejected', 'irr_train', 'irr_test', 'random_permute']

/** Throws CliError and what opening and reading throw. */
export async function whatIfs(
  sources: Sources,
  { pairs, limit }: WhatIfFlags,
  { manifest }: Subject,
  { backend, progress, warn }: { backend: Backend; progress: Reporter; warn: (text: string) => void },
): Promise<WhatIfs> {
  const { model: path, reference, data, probe, stage } = sources
  await using checkpoint = await openModel(path)
  const { model } = checkpoint
  const tokenizer = await checkpoint.tokenizer()
  const defaults = tokenDefaults(model.context)
  const tokens = manifest.imported
    ? defaults
    : tokenOptions(resolve([layerOf(manifest.config, () => 'run.json')]), defaults)
  const learned = await rowsOf(data, pairs, tokenizer)
  const { rows: encoded } = encodeRows(stageRows(stage, learned), ['chosen', 'rejected'], tokenizer, tokens)
  if (encoded.length === 0) {
    throw new CliError({
      code: 'LD3101',
      what: 'no pair of the data fits the model',
      where: data,
      why: `the context is ${tokens.maxLength} tokens`,
    })
  }
  const watched = await readRows(probe, { tokenizer, limit })
  const types = typesIn(watched).filter((type) => FOLLOWED.includes(type))
  const probes = encodeProbes(watched, types, tokenizer, tokens, warn)
  const params = await load(checkpoint, backend, progress)
  const referred = reference === undefined ? undefined : await referenceParams(reference)
  try {
    return await predictWhatIfs({
      backend,
      model,
      params,
      reference: referred,
      data: encoded,
      probes,
      base: stage,
      report: (task, done, total) => progress.update({ task, done, total, unit: 'updates' }),
    })
  } finally {
    disposeTree(params)
    if (referred) disposeTree(referred)
  }

  async function referenceParams(from: string) {
    await using other = await openModel(from)
    mustMatch(checkpoint, other)
    return await load(other, backend, progress)
  }
}

const rowsOf = (data: string, pairs: number, tokenizer: Tokenizer): Promise<readonly Row[]> =>
  data.includes('#') ? referredRows(data, '--data', tokenizer) : readRows(data, { tokenizer, limit: pairs })
