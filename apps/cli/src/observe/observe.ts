/** A checkpoint's view of a probe set, one observation a response, in the order of rows and types. */
import { BAND_METRICS, type BandMetric } from '@ldyn/core'
import {
  bandsOf,
  disposeTree,
  encodeEach,
  Evaluator,
  WATCHED_TYPES,
  planDefaults,
  readRows,
  summarise,
  tokenDefaults,
  uploadAll,
  type DeviceTree,
  type EncodedRow,
  type Row,
  type TokenMode,
  type TokenObservation,
  type TokenOptions,
} from '@ldyn/lab'
import type { Parameter, Tokenizer } from '@ldyn/models'
import { openModel, type Checkpoint } from '@ldyn/models/node'
import { leaves, type Backend } from '@ldyn/tensor'
import { CliError } from '../contract/errors.ts'
import { nearest } from '../contract/nearest.ts'
import type { Reporter } from '../progress/reporter.ts'

/** One line of `observe --jsonl` (contracts.md §4). Sums in nats and means, as `ldyn help metrics` says. */
export interface Observation {
  readonly schema: 'ldyn.observe/1'
  readonly model: string
  readonly row: number
  readonly type: string
  readonly tokens: number
  readonly logp: number
  readonly argmax_logp: number
  readonly rest_logp: number
  readonly energy: number
  readonly p_e: number
  readonly a_norm: number
  readonly entropy: number
  readonly token_logps?: readonly number[]
  /** With `bands`: means over tokens of the probability of each band of ranks; with `tokens` too, of every token. */
  readonly mass?: Readonly<Record<BandMetric, number>>
  readonly token_mass?: readonly (readonly number[])[]
}

export interface ObserveRequest {
  readonly model: string
  readonly probe: string
  readonly backend: Backend
  readonly limit?: number
  readonly types?: readonly string[]
  readonly tokens?: boolean
  readonly bands?: boolean
  readonly tokenMode: TokenMode
  readonly maxLength?: number
  readonly overflow: TokenOptions['overflow']
  readonly progress: Reporter
  readonly warn: (text: string) => void
}

/** Throws what reading the model and the data throws, and CliError LD6001 for a model whose numbers are not finite. */
export async function observe(request: ObserveRequest): Promise<Observation[]> {
  const { model: path, backend, progress } = request
  await using checkpoint = await openModel(path)
  const tokenizer = await checkpoint.tokenizer()
  const rows = await readRows(request.probe, { tokenizer, limit: request.limit })
  const types = typesIn(rows, request.types)
  const encoded = encodeProbes(
    rows,
    types,
    tokenizer,
    tokenOptionsOf(request, checkpoint.model.context),
    request.warn,
  )
  const params = await load(checkpoint, backend, progress)
  try {
    using evaluator = new Evaluator(backend, checkpoint.model, encoded, { ...planDefaults, bands: request.bands })
    const total = encoded.reduce((n, row) => n + row.sequences.length, 0)
    const found: Observation[] = []
    progress.update({ task: 'evaluate', done: 0, total, unit: 'responses' })
    for await (const group of evaluator.evaluate(params)) {
      for (const observed of group)
        found.push(
          observation(path, rows[observed.example], observed, checkpoint.model.vocab, request.tokens),
        )
      progress.update({ task: 'evaluate', done: found.length, total, unit: 'responses' })
    }
    const rank = new Map(types.map((type, i) => [type, i]))
    return found.sort((a, b) => a.row - b.row || rank.get(a.type)! - rank.get(b.type)!)
  } finally {
    disposeTree(params)
  }
}

const tokenOptionsOf = (
  { tokenMode, maxLength, overflow }: ObserveRequest,
  context: number,
): TokenOptions => {
  const defaults = tokenDefaults(context)
  return {
    ...defaults,
    mode: tokenMode,
    overflow,
    maxLength: Math.min(maxLength ?? defaults.maxLength, context),
  }
}

/** The types to follow: those asked for, or the watched ones. Throws CliError for one that no row has. */
export function typesIn(rows: readonly Row[], asked?: readonly string[]): string[] {
  const present = new Set(rows.flatMap((row) => Object.keys(row.responses)))
  if (!asked) return WATCHED_TYPES.filter((type) => present.has(type))
  const missing = asked.find((type) => !present.has(type))
  if (missing === undefined) return [...new Set(asked)]
  const near = nearest(missing, present)
  throw new CliError({
    code: 'LD2003',
    what: `no row has a response of type '${missing}'`,
    where: '--types',
    fix: near ? `did you mean ${near}?` : `the file has ${[...present].join(', ')}`,
  })
}

/** Every response by itself, so that its tokens depend on no other; warns of what did not fit. */
export function encodeProbes(
  rows: readonly Row[],
  types: readonly string[],
  tokenizer: Tokenizer,
  options: TokenOptions,
  warn: (text: string) => void,
): EncodedRow[] {
  const each = types.map((type) => encodeEach(rows, type, tokenizer, options))
  each.forEach(({ dropped, truncated }, i) => {
    if (truncated > 0)
      warn(
        `${truncated} responses of type '${types[i]}' are cut to ${options.maxLength} tokens with their prompt`,
      )
    if (dropped > 0)
      warn(
        `${dropped} responses of type '${types[i]}' have more than ${options.maxLength} tokens with their prompt and are left out`,
      )
  })
  return rows.map((row, i) => ({ row, sequences: each.flatMap(({ byRow }) => byRow[i] ?? []) }))
}

/** A checkpoint's parameters on the backend, with progress. */
export async function load(
  checkpoint: Checkpoint,
  backend: Backend,
  progress: Reporter,
): Promise<DeviceTree> {
  const total = leaves(checkpoint.model.params).length
  async function* counted(): AsyncGenerator<Parameter> {
    let done = 0
    for await (const parameter of checkpoint.tensors()) {
      progress.update({ task: 'load', done: ++done, total, unit: 'tensors' })
      yield parameter
    }
  }
  return uploadAll(backend, counted())
}

function observation(
  model: string,
  row: Row,
  observed: TokenObservation,
  vocab: number,
  withTokens = false,
): Observation {
  const m = finite(model, row, observed, () => summarise(observed, vocab))
  const mass = bandsOf(observed)
  return {
    schema: 'ldyn.observe/1',
    model,
    row: row.row,
    type: observed.type,
    tokens: m.tokens,
    logp: m.logp,
    argmax_logp: m.argmax_logp,
    rest_logp: m.rest_logp,
    energy: m.energy,
    p_e: m.p_e,
    a_norm: m.a_norm,
    entropy: m.entropy,
    ...(withTokens ? { token_logps: [...observed.logp] } : {}),
    ...(mass ? { mass } : {}),
    ...(mass && withTokens ? { token_mass: byToken(observed) } : {}),
  }
}

/** One list of five for every token. */
const byToken = ({ ids, mass }: TokenObservation): number[][] =>
  Array.from(ids, (_, t) => [...mass!.slice(t * BAND_METRICS.length, (t + 1) * BAND_METRICS.length)])

/** responseMetrics raises RangeError for a number that is not finite; here it is known whose it is. */
function finite<T>(model: string, row: Row, { type }: TokenObservation, compute: () => T): T {
  try {
    return compute()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CliError(
      {
        code: 'LD6001',
        what: `the model gives a number that is not finite for '${type}'`,
        where: `${model}, ${row.where}`,
        why: error.message,
        fix: 'check the checkpoint: its weights may hold NaN, or overflow where they are stored in half precision',
      },
      { cause: error },
    )
  }
}
