import { describe, expect, it } from 'vitest'
import type { BatchShape } from '@ldyn/core'
import { random } from '../training/order.ts'
import { costOf, planBuckets, type CostModel } from './buckets.ts'

const cost: CostModel = { token: 100, pair: 1, read: 300 }
const shape = (length: number, reads: number): BatchShape => ({ rows: 4, length, reads, sequences: 8, tokens: 9 })
const total = (shapes: readonly BatchShape[]): number => shapes.reduce((n, s) => n + costOf(cost, s), 0)

describe('planBuckets', () => {
  it('gives every batch a shape that holds it, and no more shapes than asked for', () => {
    const next = random(1)
    const batches = Array.from({ length: 60 }, () =>
      shape(20 + Math.floor(next() * 300), 10 + Math.floor(next() * 100)),
    )
    for (const most of [1, 2, 3, 5]) {
      const planned = planBuckets(batches, cost, most)
      expect(new Set(planned).size).toBeLessThanOrEqual(most)
      planned.forEach((p, i) => {
        for (const key of ['rows', 'length', 'reads', 'sequences', 'tokens'] as const)
          expect(p[key]).toBeGreaterThanOrEqual(batches[i][key])
      })
    }
  })

  it('wastes less with every further shape, and finds the best cut of two kinds', () => {
    const batches = [
      ...Array.from({ length: 10 }, () => shape(40, 16)),
      ...Array.from({ length: 3 }, () => shape(400, 64)),
    ]
    const costs = [1, 2, 3].map((most) => total(planBuckets(batches, cost, most)))
    expect(costs[1]).toBeLessThan(costs[0])
    expect(costs[2]).toBeLessThanOrEqual(costs[1])
    expect(costs[1]).toBe(total(batches))
  })

  it('equals the best of all ways to cut a short list', () => {
    const next = random(5)
    const batches = Array.from({ length: 7 }, () => shape(8 * (1 + Math.floor(next() * 40)), 8))
    const sorted = [...batches].sort((a, b) => a.length - b.length)
    let best = Infinity
    for (let i = 0; i <= sorted.length; i++) {
      for (let j = i; j <= sorted.length; j++) {
        const groups = [sorted.slice(0, i), sorted.slice(i, j), sorted.slice(j)].filter((g) => g.length > 0)
        best = Math.min(
          best,
          groups.reduce((n, g) => n + g.length * costOf(cost, g.at(-1)!), 0),
        )
      }
    }
    expect(total(planBuckets(batches, cost, 3))).toBe(best)
  })

  it('plans as many batches as a long training has', () => {
    const next = random(9)
    const size = (): BatchShape => shape(20 + Math.floor(next() * 900), 10 + Math.floor(next() * 200))
    const batches = Array.from({ length: 50_000 }, size)
    const planned = planBuckets(batches, cost, 3)
    expect(new Set(planned).size).toBe(3)
    expect(planned.every((p, i) => p.length >= batches[i].length && p.reads >= batches[i].reads)).toBe(true)
  })

  it('plans nothing for nothing', () => expect(planBuckets([], cost, 3)).toEqual([]))
})
