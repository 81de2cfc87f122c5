/**
 * The plan of a job: which sequences go into which batch, in which of a few shapes, filled and ready to run.
 * Everything is known before the first run, so that compile times, memory and duration can be told beforehand.
 */
import type { BatchShape, CausalLM } from '@ldyn/core'
import { leaves, sizeOf } from '@ldyn/tensor'
import type { EncodedRow, Sequence } from '../tokens/tokenise.ts'
import { costOf, planBuckets, type CostModel } from './buckets.ts'
import { pack, type Packing } from './pack.ts'

/** Forward FLOPs of a model, split as batches spend them: 2 a weight and token, 4·width·layers a pair of positions. */
export function costModel(model: CausalLM): CostModel {
  const specs = leaves(model.params)
  const inLayers = specs
    .filter(({ path }) => path.startsWith('layers.'))
    .reduce((n, { value }) => n + sizeOf(value.shape), 0)
  const layers = new Set(specs.flatMap(({ path }) => (path.startsWith('layers.') ? [path.split('.')[1]] : []))).size
  return { token: 2 * inLayers, pair: 4 * model.width * layers, read: 2 * model.vocab * model.width }
}

export interface PlannedBatch {
  readonly packing: Packing
  readonly shape: BatchShape
  /** Which example every sequence of the batch came from, and its type. */
  readonly members: readonly { readonly example: number; readonly sequence: Sequence }[]
}

export interface Plan {
  readonly batches: readonly PlannedBatch[]
  readonly shapes: readonly BatchShape[]
  /** Forward FLOPs of one pass over all batches, padding included, and without it. */
  readonly flops: number
  readonly necessaryFlops: number
  /** Input tokens, padding not counted. */
  readonly tokens: number
}

export interface PlanOptions {
  /** Different shapes, that is compiled programs, at most. */
  readonly maxShapes: number
  /** Input tokens in one packed row, at most, where more than one response shares it. */
  readonly maxRowLength: number
  /** Off: every response repeats its prompt, as the plain twin that packing is compared with. */
  readonly packed: boolean
}

export const planDefaults: PlanOptions = { maxShapes: 3, maxRowLength: 1024, packed: true }

/** A batch for every group of examples; an example is a list of sequences (a pair, a target, a probe row). */
export function planBatches(
  groups: readonly (readonly { readonly example: number; readonly sequences: readonly Sequence[] }[])[],
  cost: CostModel,
  options: PlanOptions = planDefaults,
): Plan {
  const packed = groups.map((group) => {
    const members = group.flatMap(({ example, sequences }) => sequences.map((sequence) => ({ example, sequence })))
    return {
      members,
      packing: pack(
        members.map((m) => m.sequence),
        { maxLength: options.maxRowLength, shared: options.packed },
      ),
    }
  })
  const planned = planBuckets(
    packed.map((b) => b.packing.shape),
    cost,
    options.maxShapes,
  )
  const shapes = [...new Set(planned)]
  const batches = packed.map((b, i) => ({ ...b, shape: planned[i] }))
  const total = (size: (b: PlannedBatch) => BatchShape): number =>
    batches.reduce((n, b) => n + costOf(cost, size(b)), 0)
  return {
    batches,
    shapes,
    flops: total((b) => b.shape),
    necessaryFlops: total((b) => b.packing.shape),
    tokens: packed.reduce(
      (n, b) =>
        n +
        b.packing.rows.reduce(
          (k, r) => k + r.prompt.length + r.responses.reduce((l, x) => l + x.ids.length - 1, 0),
          0,
        ),
      0,
    ),
  }
}

/**
 * Groups for an evaluation, in which order does not matter: rows of like length together, about
 * `tokensPerRun` input tokens in each (enough to keep matrix products busy, few enough to fit).
 */
export function groupForEvaluation(
  rows: readonly EncodedRow[],
  tokensPerRun = 2048,
): { example: number; sequences: readonly Sequence[] }[][] {
  const sized = rows
    .map(({ sequences }, example) => ({ example, sequences, shape: pack(sequences).shape }))
    .filter((r) => r.sequences.length > 0)
    .sort((a, b) => a.shape.length - b.shape.length)
  const groups: (typeof sized)[] = []
  let room = 0
  for (const row of sized) {
    const size = row.shape.rows * row.shape.length
    if (size > room || groups.length === 0) {
      groups.push([])
      room = tokensPerRun
    }
    groups.at(-1)!.push(row)
    room -= size
  }
  return groups
}
