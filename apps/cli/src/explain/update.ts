/** One update on rows of a data file, and what it does to observed rows: predicted, actual, and by direction. */
import { moduleName, moduleOf, moveProgram, type SplitBy } from '@ldyn/core'
import {
  checkpointAt,
  difference,
  disposeTree,
  encodeRows,
  loadOptimizerState,
  ProbeSet,
  StageRunner,
  stageExamples,
  stageRows,
  StepExplainer,
  tokenDefaults,
  typesOf,
  type DeviceTree,
  type ProbeResponse,
  type Row,
  type SavedCheckpoint,
  type StageConfig,
  type StepPrediction,
  type TokenMode,
  type TokenOptions,
  type Watch,
} from '@ldyn/lab'
import type { Tokenizer } from '@ldyn/models'
import { openModel, type Checkpoint } from '@ldyn/models/node'
import { leaves, type Backend } from '@ldyn/tensor'
import { CliError } from '../contract/errors.ts'
import { nearest } from '../contract/nearest.ts'
import { encodeProbes, load, typesIn } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'
import { referredRows } from '../rows/reference.ts'
import { updateSettings, type UpdateFlags } from './settings.ts'

export interface UpdateRequest extends UpdateFlags {
  readonly model: string
  readonly refModel?: string
  /** A checkpoint of a run, whose optimizer the update goes on with. Unless given the state is fresh: all zeros. */
  readonly optimizerState?: string
  /** `file#i`, as in `rows/reference.ts`. */
  readonly update: string
  readonly observe: string
  readonly types?: readonly string[]
  readonly tokens?: boolean
  /** All modules, or those named: `3.mlp`, `head`. */
  readonly layers?: boolean | readonly string[]
  /** `chosen:3`, or `3` for every response. */
  readonly watch?: readonly string[]
  readonly directions: SplitBy | 'none'
  readonly tokenMode: TokenMode
  readonly backend: Backend
  readonly progress: Reporter
  readonly warn: (text: string) => void
}

/** A watched position: what was there, and how log π of every vocabulary entry moved. */
export interface WatchedChange {
  readonly token: number
  readonly predicted: Float64Array
  readonly actual: Float64Array
}

/** One observed response; all changes are after minus before, in nats, token by token. */
export interface ExplainedResponse {
  readonly row: number
  readonly type: string
  readonly ids: Int32Array
  readonly before: Float64Array
  readonly actual: Float64Array
  readonly predicted: Float64Array
  /** The predicted change of the token's own centred logit; the rest of `predicted` is the normaliser's. */
  readonly ownLogit: Float64Array
  readonly directions: Readonly<Record<string, Float64Array>>
  /** Of Σ log π by module; and by token where both were asked for. */
  readonly layers?: Readonly<Record<string, number>>
  readonly layerTokens?: Readonly<Record<string, Float64Array>>
  readonly watched: readonly WatchedChange[]
}

export interface ExplainedUpdate {
  readonly stage: StageConfig
  readonly rows: readonly number[]
  readonly gradNorm: number
  readonly clipFactor: number
  readonly responses: readonly ExplainedResponse[]
  /** Updates that the optimizer's state had behind it; undefined where it was fresh. */
  readonly began?: number
  readonly tokenizer: Tokenizer
}

/** Throws CliError and what opening and reading throw. */
export async function explainUpdate(request: UpdateRequest): Promise<ExplainedUpdate> {
  const { backend, progress, warn } = request
  await using checkpoint = await openModel(request.model)
  const { model } = checkpoint
  const layers = wantedLayers(request.layers, checkpoint)
  const tokenizer = await checkpoint.tokenizer()
  const tokens: TokenOptions = { ...tokenDefaults(model.context), mode: request.tokenMode }
  const learned = await referredRows(request.update, '--update', tokenizer)
  const { stage, warnings } = updateSettings(request, learned.length)
  warnings.forEach(warn)
  const { rows: encoded } = encodeRows(stageRows(stage, learned), typesOf(stage), tokenizer, tokens)
  const examples = stageExamples(stage, encoded, tokens.maxLength)

  const observed = await referredRows(request.observe, '--observe', tokenizer)
  const types = typesIn(observed, request.types)
  const probeRows = encodeProbes(observed, types, tokenizer, tokens, warn)
  using probes = new ProbeSet(backend, model, probeRows, {
    watch: (responses) => watchOf(request.watch ?? [], responses),
  })
  if (probes.responses.length === 0)
    throw new CliError({
      code: 'LD2003',
      what: 'the observed rows have no response to follow',
      where: `--observe ${request.observe}`,
      fix: 'name a row with responses, or other --types',
    })
  const all = examples.map((_, i) => i)
  const oneUpdate = { ...stage, batch: request.batch ?? Math.max(1, examples.length) }
  const kept = request.optimizerState === undefined ? undefined : await keptAt(request.optimizerState)
  using runner = new StageRunner({
    ...{ backend, model, stage: oneUpdate, examples, seed: 0, order: [all] },
    began: kept?.update,
  })

  const params = await load(checkpoint, backend, progress)
  const reference =
    request.refModel === undefined || !runner.hasReference
      ? await runner.reference(params)
      : await referenceOf(request.refModel, checkpoint, request, (at) => runner.reference(at))
  const state = kept
    ? await loadOptimizerState(backend, kept.directory, runner.stateSpecs)
    : await runner.freshState()
  using explainer = new StepExplainer(backend, model, probes)
  const weights = { params, state }
  const labelOf = (example: number): string => String(encoded[examples[example].row].row.row)
  const { prediction, delta } = await explainer.predict(
    { parts: runner.partsOf(0), inputs: (batch) => runner.batchInputs(batch, reference), weights, fresh: !kept },
    {
      by: request.directions,
      labelOf,
      modules: layers !== undefined,
      report: (task, done, total) => progress.update({ task, done, total, unit: 'steps' }),
    },
  )
  const layerTokens =
    layers && request.tokens ? await byLayerAndToken(probes, checkpoint, params, delta, layers, progress) : undefined
  disposeTree(state)
  explainer[Symbol.dispose]()
  const after = await moved(backend, checkpoint, params, delta)
  const actual = await probes.evaluate(after)
  disposeTree(after)
  const responses = probes.responses.map(
    ({ example, type, ids }, i): ExplainedResponse => ({
      row: observed[example].row,
      type,
      ids,
      before: prediction.before.logp[i],
      actual: difference([actual.logp[i]], [prediction.before.logp[i]])[0],
      predicted: prediction.predicted.logp[i],
      ownLogit: prediction.predicted.own[i],
      directions: Object.fromEntries([...prediction.directions].map(([name, values]) => [name, values[i]])),
      ...layersOf(prediction, i, layers ?? [], layerTokens),
      watched: probes.watch.flatMap(({ response, token }, w) =>
        response === i
          ? [
              {
                token,
                predicted: prediction.predicted.watched[w],
                actual: difference([actual.watched[w]], [prediction.before.watched[w]])[0],
              },
            ]
          : [],
      ),
    }),
  )
  const { gradNorm, clipFactor } = prediction
  return {
    ...{ stage: oneUpdate, rows: rowsOf(learned), gradNorm, clipFactor, responses, tokenizer },
    began: kept?.update,
  }
}

async function keptAt(directory: string): Promise<SavedCheckpoint> {
  const kept = await checkpointAt(directory)
  if (kept) return kept
  throw new CliError({
    code: 'LD2003',
    what: 'there is no optimizer state',
    where: `--optimizer-state ${directory}`,
    why: 'it is no checkpoint of ldyn train: it has no whole checkpoint.json',
    fix: 'name a directory such as runs/first/checkpoints/000200-dpo, or leave the option out: the state then is fresh',
  })
}

const rowsOf = (rows: readonly Row[]): number[] => rows.map(({ row }) => row)

async function referenceOf<T>(
  path: string,
  like: Checkpoint,
  { backend, progress }: Pick<UpdateRequest, 'backend' | 'progress'>,
  use: (params: DeviceTree) => Promise<T>,
): Promise<T> {
  await using reference = await openModel(path)
  const { mustMatch } = await import('@ldyn/lab')
  mustMatch(like, reference)
  const params = await load(reference, backend, progress)
  const found = await use(params)
  disposeTree(params)
  return found
}

/** θ + Δθ; θ and Δθ are consumed. */
async function moved(
  backend: Backend,
  { model }: Checkpoint,
  params: DeviceTree,
  delta: DeviceTree,
): Promise<DeviceTree> {
  using executable = await backend.compile(moveProgram({ model }), { donate: ['params'] })
  const out = (await executable.run({ params, delta, t: 1 })) as unknown as { readonly params: DeviceTree }
  disposeTree(delta)
  return out.params
}

function layersOf(
  { modules }: StepPrediction,
  response: number,
  wanted: readonly string[],
  tokens?: ReadonlyMap<string, readonly Float64Array[]>,
): Pick<ExplainedResponse, 'layers' | 'layerTokens'> {
  if (!modules) return {}
  return {
    layers: Object.fromEntries(
      Object.entries(summedByName(modules[response])).filter(([name]) => wanted.includes(name)),
    ),
    ...(tokens
      ? { layerTokens: Object.fromEntries([...tokens].map(([name, values]) => [name, values[response]])) }
      : {}),
  }
}

/** Tensors of one module added up, under its name. */
export function summedByName(parts: readonly { module: ReturnType<typeof moduleOf>; change: number }[]) {
  const sums: Record<string, number> = {}
  for (const { module, change } of parts) sums[moduleName(module)] = (sums[moduleName(module)] ?? 0) + change
  return sums
}

/** By module and token: a jvp for every module, since a vjp gives sums only. A tied head counts as embedding. */
async function byLayerAndToken(
  probes: ProbeSet,
  { model }: Checkpoint,
  params: DeviceTree,
  delta: DeviceTree,
  wanted: readonly string[],
  progress: Reporter,
): Promise<Map<string, readonly Float64Array[]>> {
  const names = leaves(model.params).map(({ path }) => moduleName(moduleOf(path)))
  const all = [...new Set(names)].filter((name) => wanted.includes(name))
  const found = new Map<string, readonly Float64Array[]>()
  for (const [i, name] of all.entries()) {
    found.set(name, await probes.masked(params, delta, names.map((n) => (n === name ? 1 : 0))))
    progress.update({ task: 'layers by token', done: i + 1, total: all.length, unit: 'modules' })
  }
  return found
}

/** Names of the modules to show; undefined for none. Throws CliError for one that the model has not. */
export function wantedLayers(
  asked: UpdateRequest['layers'],
  { model }: Pick<Checkpoint, 'model'>,
): readonly string[] | undefined {
  if (asked === undefined || asked === false) return undefined
  const paths = leaves(model.params).map(({ path }) => path)
  const names = [...new Set([...paths, 'head'].map((path) => moduleName(moduleOf(path))))]
  if (asked === true) return names
  const missing = asked.find((name) => !names.includes(name))
  if (missing === undefined) return asked
  const near = nearest(missing, names)
  throw new CliError({
    code: 'LD2003',
    what: `the model has no layer '${missing}'`,
    where: '--layers',
    why: `it has ${names.length} modules, from ${names[0]} to ${names.at(-1)}`,
    fix: near ? `did you mean ${near}?` : 'name modules as in 3.attention, 3.mlp, 3.norm, embedding, norm, head',
  })
}

/** Throws CliError for what is no position, and for a type that is not observed. */
export function watchOf(asked: readonly string[], responses: readonly ProbeResponse[]): Watch[] {
  return asked.flatMap((text) => {
    const [, type, digits] = /^(?:(.+):)?(\d+)$/.exec(text.trim()) ?? []
    if (digits === undefined)
      throw new CliError({
        code: 'LD2003',
        what: `--watch takes positions, and '${text}' is none`,
        where: '--watch',
        fix: 'give chosen:3 for token 3 of the chosen response, or 3 for all; tokens count from 0',
      })
    const found = responses.flatMap((r, response) =>
      type === undefined || r.type === type ? [{ response, token: Number(digits) }] : [],
    )
    if (found.length === 0) {
      const types = [...new Set(responses.map((r) => r.type))]
      const near = nearest(type, types)
      throw new CliError({
        code: 'LD2003',
        what: `no observed response is of type '${type}'`,
        where: `--watch ${text}`,
        fix: near ? `did you mean ${near}:${digits}?` : `observed are ${types.join(', ')}`,
      })
    }
    return found
  })
}
