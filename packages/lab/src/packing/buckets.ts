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

/**
 * For every batch the shape that it runs in; at most `most` different ones. `sequences` and `tokens` cost next to
 * nothing and are the same for all.
 */
export function planBuckets(batches: readonly BatchShape[], cost: CostModel, most: number): BatchShape[] {
  if (batches.length === 0) return []
  const whole = batches.reduce(union)
  const even = batches.map((s) => rounded({ ...s, sequences: whole.sequences, tokens: whole.tokens }))
  const order = even
    .map((_, i) => i)
    .sort((a, b) => even[a].length - even[b].length || even[a].reads - even[b].reads)
  const n = order.length
  // span[i][j]: the shape of group order[i..j]; best[k][j]: least cost of the first j batches in k groups.
  let best = Array.from({ length: n + 1 }, (_, j) => (j === 0 ? 0 : Infinity))
  const cuts: Int32Array[] = []
  for (let k = 0; k < Math.min(most, n); k++) {
    const next = new Array<number>(n + 1).fill(Infinity)
    const cut = new Int32Array(n + 1)
    next[0] = 0
    for (let j = 1; j <= n; j++) {
      let group = even[order[j - 1]]
      for (let i = j - 1; i >= 0; i--) {
        group = union(group, even[order[i]])
        const total = best[i] + (j - i) * costOf(cost, group)
        if (total < next[j]) {
          next[j] = total
          cut[j] = i
        }
      }
    }
    cuts.push(cut)
    best = next
  }
  const shapes = new Array<BatchShape>(n)
  for (let k = cuts.length - 1, j = n; j > 0; k--) {
    const i = cuts[k][j]
    const group = order.slice(i, j)
    const shape = group.map((b) => even[b]).reduce(union)
    for (const b of group) shapes[b] = shape
    j = i
  }
  return shapes
}
