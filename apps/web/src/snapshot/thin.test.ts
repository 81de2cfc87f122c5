import { describe, expect, it } from 'vitest'
import { keptEvenly, keptPoints, keptRows } from './thin.ts'

const n = 1000
const stages = Array.from({ length: n }, (_, i) => (i < 300 ? 'sft' : 'dpo'))
const jump = (i: number): number => Math.sin(i * 12.9898) * 43758.5453
const noisy = Float64Array.from({ length: n }, (_, i) => jump(i) - Math.floor(jump(i)))

describe('fewer points', () => {
  it('hold the lowest and highest of every stretch, and the ends of stages', () => {
    const most = 100
    const kept = keptPoints(stages, noisy, most)
    expect(kept.length).toBeLessThanOrEqual(most)
    for (const edge of [0, 299, 300, n - 1]) expect(kept).toContain(edge)
    const stretches = Math.floor((most - new Set([0, 299, 300, n - 1]).size) / 2)
    for (let s = 0; s < stretches; s++) {
      const [from, to] = [Math.floor((s * n) / stretches), Math.floor(((s + 1) * n) / stretches)]
      const all = noisy.subarray(from, to)
      const there = kept.filter(i => i >= from && i < to).map(i => noisy[i])
      expect([Math.min(...there), Math.max(...there)]).toEqual([Math.min(...all), Math.max(...all)])
    }
  })

  it('hold the extremes of every curve over the whole', () => {
    const other = noisy.map((value, i) => (i === 617 ? 99 : -value))
    expect(keptRows(stages, [noisy, other], [noisy], 50)).toContain(617)
  })

  it('are all points where there are few', () => {
    expect(keptPoints(stages.slice(0, 5), noisy, 10)).toEqual([0, 1, 2, 3, 4])
    expect(keptEvenly(3, 10)).toEqual([0, 1, 2])
    expect(keptEvenly(101, 5)).toEqual([0, 25, 50, 75, 100])
  })
})
