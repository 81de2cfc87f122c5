import { describe, expect, it } from 'vitest'
import { bootstrap, drawsFor } from './bootstrap.ts'

const values = Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.7) * 5 - 20)
const mean = (list: readonly number[]): number => list.reduce((sum, x) => sum + x, 0) / list.length

describe('the bootstrap interval of a mean', () => {
  it('is the same each time, bit for bit', () => {
    expect(bootstrap(values)).toEqual(bootstrap(values))
    // Numbers of another size between do not matter: what is drawn depends on how many there are alone.
    const first = bootstrap(values)
    bootstrap(values.slice(0, 7))
    expect(bootstrap(values)).toEqual(first)
  })

  it('holds the mean, and is near to 1.96 standard errors either way', () => {
    const m = mean(values)
    const s = Math.sqrt(values.reduce((sum, x) => sum + (x - m) ** 2, 0) / (values.length - 1))
    const [low, high] = bootstrap(values)
    expect(low).toBeLessThan(m)
    expect(high).toBeGreaterThan(m)
    expect((high - low) / ((2 * 1.96 * s) / Math.sqrt(values.length))).toBeGreaterThan(0.85)
    expect((high - low) / ((2 * 1.96 * s) / Math.sqrt(values.length))).toBeLessThan(1.15)
  })

  it('moves with its values and stays within them', () => {
    const [low, high] = bootstrap(values)
    const moved = bootstrap(values.map(x => 2 * x + 7))
    expect(moved[0]).toBeCloseTo(2 * low + 7, 9)
    expect(moved[1]).toBeCloseTo(2 * high + 7, 9)
    expect(low).toBeGreaterThanOrEqual(Math.min(...values))
    expect(high).toBeLessThanOrEqual(Math.max(...values))
  })

  it('is the value itself where there is one, and draws less often where there are many', () => {
    expect(bootstrap([-3])).toEqual([-3, -3])
    expect([drawsFor(12), drawsFor(200), drawsFor(500)]).toEqual([1000, 400, 200])
  })
})
