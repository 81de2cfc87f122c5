/**
 * Buckets: programs have static shapes, so batches are rounded up to a few of them. All batches of a job are known
 * before it begins, so the few shapes are chosen to waste the least: sort by length, cut the order into at most k
 * groups, give each group the largest size that occurs in it (dynamic programming over the cuts).
 */
import type { BatchShape } from '@ldyn/core'

/** Relative cost of a batch of this shape: input tokens, attention's square, and the head's reads. */
export interface CostModel {
  /** FLOPs a token of the layers, a pair of positions of attention, a read of the head. */
  readonly token: number
  readonly pair: number
  readonly read: number
}

export const costOf = (m: CostModel, s: BatchShape): number =>
  s.rows * s.length * m.token + s.rows * s.length ** 2 * m.pair + s.reads * m.read

const roundUp = (n: number, step: number): number => Math.ceil(n / step) * step

/** The smallest shape that holds both. */
const union = (a: BatchShape, b: BatchShape): BatchShape => ({
  rows: Math.max(a.rows, b.rows),
  length: Math.max(a.length, b.length),
  reads: Math.max(a.reads, b.reads),
  sequences: Math.max(a.sequences, b.sequences),
  tokens: Math.max(a.tokens, b.tokens),
})

const rounded = (s: BatchShape): BatchShape => ({
  ...s,
  length: roundUp(s.length, 8),
  reads: roundUp(s.reads, 8),
})

/** Classes that the cuts are chosen among: enough to waste little, few enough to plan 100 000 batches at once. */
const CLASSES = 200

/**
 * For every batch the shape that it runs in; at most `most` different ones. `sequences` and `tokens` cost next to
 * nothing and are the same for all.
 */
export function planBuckets(batches: readonly BatchShape[], cost: CostModel, most: number): BatchShape[] {
  if (batches.length === 0) return []
  const whole = batches.reduce(union)
  const even = batches.map((s) => rounded({ ...s, sequences: whole.sequences, tokens: whole.tokens }))
  const order = even.map((_, i) => i).sort((a, b) => even[a].length - even[b].length || even[a].reads - even[b].reads)
  const step = Math.ceil(order.length / CLASSES)
  const count = Math.ceil(order.length / step)
  const classes = Array.from({ length: count }, (_, c) => order.slice(c * step, (c + 1) * step))
  const sizes = classes.map((members) => members.map((i) => even[i]).reduce(union))
  const shapes = new Array<BatchShape>(batches.length)
  for (const [from, to] of cheapestCuts(sizes, classes.map((members) => members.length), cost, most)) {
    const shape = sizes.slice(from, to).reduce(union)
    for (const batch of classes.slice(from, to).flat()) shapes[batch] = shape
  }
  return shapes
}

/** Cuts a list of sizes, each standing for `counts` batches, into at most `most` runs of least total cost. */
function cheapestCuts(
  sizes: readonly BatchShape[],
  counts: readonly number[],
  cost: CostModel,
  most: number,
): [from: number, to: number][] {
  const n = sizes.length
  // best[j]: least cost of the first j classes in the groups so far; cuts[k][j]: where the last of k+1 groups begins.
  let best = Array.from({ length: n + 1 }, (_, j) => (j === 0 ? 0 : Infinity))
  const cuts: Int32Array[] = []
  for (let k = 0; k < Math.min(most, n); k++) {
    const next = new Array<number>(n + 1).fill(Infinity)
    const cut = new Int32Array(n + 1)
    next[0] = 0
    for (let j = 1; j <= n; j++) {
      let group = sizes[j - 1]
      let batches = 0
      for (let i = j - 1; i >= 0; i--) {
        group = union(group, sizes[i])
        batches += counts[i]
        const total = best[i] + batches * costOf(cost, group)
        if (total < next[j]) {
          next[j] = total
          cut[j] = i
        }
      }
    }
    cuts.push(cut)
    best = next
  }
  const groups: [number, number][] = []
  for (let k = cuts.length - 1, j = n; j > 0; k--) {
    groups.push([cuts[k][j], j])
    j = cuts[k][j]
  }
  return groups
}
