/**
 * A job: everything that a training run is made of, what it reports while it goes on, and what can be known of it
 * before it runs.
 */
import { BAND_METRICS, type BandMetric } from '@ldyn/core'
import type { Tokenizer } from '@ldyn/models'
import type { Checkpoint } from '@ldyn/models/node'
import { layOutProbes, metrics, type Metric, type Probes, type ProbeTokens } from '@ldyn/runs'
import type { NewRun } from '@ldyn/runs'
import { leaves, type Backend } from '@ldyn/tensor'
import { Evaluator } from '../observing/evaluator.ts'
import { planDefaults, type PlanOptions } from '../packing/plan.ts'
import type { DecomposeOptions } from '../explaining/decompose.ts'
import type { WatchOptions } from '../observing/watcher.ts'
import { DataError, type Row } from '../rows/row.ts'
import {
  encodeEach,
  encodeRows,
  type Encoded,
  type EncodedRow,
  type Sequence,
  type TokenOptions,
} from '../tokens/tokenise.ts'
import { stageExamples, stageRows, typesOf, type StageConfig } from './stage.ts'
import { lossOf } from './losses.ts'
import { StageRunner } from './stage-runner.ts'

/** A job wherever it runs and is kept: in Node with a directory, or in a page. */
export interface SessionJob {
  readonly backend: Backend
  readonly checkpoint: Pick<Checkpoint, 'model' | 'tensors' | 'path' | 'hash'>
  readonly tokenizer: Tokenizer
  readonly data: readonly Row[]
  readonly stages: readonly StageConfig[]
  readonly tokens: TokenOptions
  readonly seed: number
  /** Rows to watch, and which of their responses. */
  readonly probes: { readonly rows: readonly Row[]; readonly types: readonly string[] }
  readonly observe: {
    readonly every: number
    readonly first: boolean
    readonly tokens: boolean
    /** Also the probability by bands of ranks (core's BAND_METRICS), as further metrics of the run. */
    readonly bands?: boolean
    /** Updates are taken apart, for the first probe rows; not unless given. */
    readonly decompose?: DecomposeOptions
    /** The next-token distribution at a few positions is kept at every evaluation; not unless given. */
    readonly watch?: WatchOptions
  }
  /** A checkpoint every so many updates and at the end of each stage; of the former the newest `keep` stay. */
  readonly save: { readonly every: number; readonly keep: number }
  readonly plan?: PlanOptions
  /** What goes into run.json beside what is known here. */
  readonly about: Pick<NewRun, 'id' | 'created' | 'argv' | 'config' | 'environment' | 'datasets'> & {
    readonly git?: NewRun['git']
    readonly defaults?: NewRun['defaults']
    readonly tokenizerHash: string
  }
  readonly report?: (event: TrainEvent) => void
  /** Asked between updates: true stops after a checkpoint. A promise is waited for: that is how a page pauses. */
  readonly shouldStop?: () => boolean | Promise<boolean>
}

export interface TrainJob extends SessionJob {
  /** The run's directory. */
  readonly out: string
  readonly checkpoint: Checkpoint
  readonly resume: boolean
}

export type TrainEvent =
  | { readonly type: 'load'; readonly done: number; readonly total: number }
  | { readonly type: 'resume'; readonly step: number; readonly directory?: string }
  | {
      readonly type: 'stage'
      readonly stage: string
      readonly updates: number
      readonly examples: number
      readonly shapes: number
    }
  | { readonly type: 'reference'; readonly stage: string; readonly done: number; readonly total: number }
  | {
      readonly type: 'update'
      readonly stage: string
      readonly step: number
      readonly steps: number
      readonly seconds: number
      readonly values: Readonly<Record<string, number>>
    }
  | { readonly type: 'evaluate'; readonly step: number; readonly done: number; readonly total: number }
  | {
      readonly type: 'evaluation'
      readonly step: number
      readonly stage: string
      readonly seconds: number
      readonly logp: Readonly<Record<string, number>>
    }
  | {
      readonly type: 'checkpoint'
      readonly step: number
      readonly directory: string
      readonly seconds: number
    }
  | { readonly type: 'warning'; readonly code: string; readonly message: string }

/** Names of what is on file of every probe response. */
export const metricsOf = ({ observe }: Pick<SessionJob, 'observe'>): readonly (Metric | BandMetric)[] =>
  observe.bands ? [...metrics, ...BAND_METRICS] : metrics

/** Everything about a job that can be known before it runs. */
export interface PreparedJob {
  readonly runners: readonly StageRunner[]
  readonly evaluator: Evaluator | undefined
  readonly probes: Probes | undefined
  readonly probeRows: readonly EncodedRow[]
  /** For every stage the data row of each of its examples. */
  readonly exampleRows: readonly (readonly number[])[]
  readonly steps: number
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

/** Tokenises, plans and checks a job; computes nothing. Throws DataError where the data does not fit the stages. */
export function prepare(job: SessionJob): PreparedJob {
  const {
    backend,
    checkpoint: { model },
    tokenizer,
    stages,
    tokens,
    seed,
    plan = planDefaults,
  } = job
  const names = stages.map((s) => s.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice)
    throw new DataError(`two stages are named '${twice}'`, { fix: 'give each stage a name of its own' })
  const warnings: { code: string; message: string }[] = []
  const noteOverflow = (what: string, { dropped, truncated }: Encoded): void => {
    const limit = `${tokens.maxLength} tokens with their prompt`
    if (truncated > 0)
      warnings.push({ code: 'truncated', message: `${what}: ${truncated} responses are cut to ${limit}` })
    if (dropped > 0)
      warnings.push({
        code: 'dropped',
        message: `${what}: ${dropped} rows have more than ${limit} and are left out`,
      })
  }
  const exampleRows: number[][] = []
  const runners = stages.map((stage) => {
    const data = encodeRows(stageRows(stage, job.data), typesOf(stage), tokenizer, tokens)
    noteOverflow(`stage '${stage.name}'`, data)
    const examples = stageExamples(stage, data.rows, tokens.maxLength)
    exampleRows.push(examples.map(({ row }) => data.rows[row].row.row))
    const runner = new StageRunner({
      backend,
      model,
      stage,
      examples,
      seed,
      plan,
    })
    if (runner.updates === 0) {
      throw new DataError(`stage '${stage.name}' has no update to make`, {
        why: `${job.data.length} rows, ${stage.batch * stage.accumulate} examples an update`,
        fix: 'lower batch, or set dropLast to false',
      })
    }
    return runner
  })
  // Each probe response is encoded by itself, so that its tokens do not depend on which others are watched; one that
  // does not fit is absent from its row.
  const perType = job.probes.types.map((type) => encodeEach(job.probes.rows, type, tokenizer, tokens))
  perType.forEach((each, t) => noteOverflow(`probes of type '${job.probes.types[t]}'`, each))
  const probeRows = job.probes.rows.map((row, i) => ({
    row,
    sequences: perType.flatMap(({ byRow }) => byRow[i] ?? []),
  }))
  const texts = new Map<number, string>()
  const textOfToken = (id: number): string => {
    const known = texts.get(id) ?? tokenizer.decode([id])
    texts.set(id, known)
    return known
  }
  const lengths = probeRows.map((r) => new Map(r.sequences.map((s) => [s.type, s.response.length])))
  const probes =
    job.probes.rows.length === 0
      ? undefined
      : layOutProbes(
          job.probes.rows.map((row, i) => ({
            prompt: row.prompt,
            group: String(row.row),
            responses: Object.fromEntries(job.probes.types.map((type) => [type, row.responses[type] ?? ''])),
            ...(job.observe.tokens && { tokens: tokensOf(probeRows[i].sequences, textOfToken) }),
          })),
          job.probes.types,
          (row, type) => lengths[row].get(type) ?? 0,
        )
  return {
    runners,
    evaluator: probes && new Evaluator(backend, model, probeRows, { ...plan, bands: job.observe.bands }),
    probes,
    probeRows,
    exampleRows,
    steps: runners.reduce((n, r) => n + r.updates, 0),
    warnings,
  }
}

/** What stands in run.json of a job. */
export function newRunOf(job: SessionJob, { probes, runners }: PreparedJob): NewRun {
  const { name, capabilities } = job.backend
  const { tokenizerHash, ...about } = job.about
  const params = leaves(job.checkpoint.model.params).reduce(
    (n, { value }) => n + value.shape.reduce((a, b) => a * b, 1),
    0,
  )
  return {
    ...about,
    seed: job.seed,
    backend: { name, device: capabilities.device, version: capabilities.version },
    model: { path: job.checkpoint.path, hash: job.checkpoint.hash, params },
    tokenizer: { hash: tokenizerHash },
    stages: job.stages.map((stage, i) => ({
      name: stage.name,
      loss: lossOf(stage.loss).name,
      updates: runners[i].updates,
    })),
    columns: { metrics: probes ? metricsOf(job) : [], tokens: probes && job.observe.tokens ? ['logp'] : [] },
  }
}

/** The responses of a row as the model sees them, by type. */
const tokensOf = (
  sequences: readonly Sequence[],
  textOf: (id: number) => string,
): Readonly<Record<string, ProbeTokens>> =>
  Object.fromEntries(
    sequences.map(({ type, response }) => [type, { ids: [...response], text: [...response].map(textOf) }]),
  )
