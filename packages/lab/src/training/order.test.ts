import { describe, expect, it } from 'vitest'
import { orderUpdates, random, shuffled } from './order.ts'

const base = { examples: 10, batch: 4, shuffle: true, dropLast: true, seed: 3 }

describe('orderUpdates', () => {
  it('is the same for the same seed and another for another', () => {
    expect(orderUpdates({ ...base, updates: 9 })).toEqual(orderUpdates({ ...base, updates: 9 }))
    expect(orderUpdates({ ...base, updates: 9 })).not.toEqual(orderUpdates({ ...base, updates: 9, seed: 4 }))
  })

  it('sees every example once a pass, in another order each time, up to a last batch that is not full', () => {
    const passes = orderUpdates({ ...base, epochs: 2 })
    expect(passes.map((u) => u.length)).toEqual([4, 4, 4, 4])
    expect(new Set(passes.slice(0, 2).flat()).size).toBe(8)
    expect(passes.slice(0, 2)).not.toEqual(passes.slice(2))
    const whole = orderUpdates({ ...base, epochs: 1, dropLast: false })
    expect(whole.map((u) => u.length)).toEqual([4, 4, 2])
    expect([...whole.flat()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it("keeps the file's order where it is not to shuffle", () => {
    expect(orderUpdates({ ...base, shuffle: false, updates: 3 })).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [0, 1, 2, 3],
    ])
  })

  it('has no update where a batch cannot be filled', () => {
    expect(orderUpdates({ ...base, examples: 3, updates: 5 })).toEqual([])
    expect(orderUpdates({ ...base, examples: 0, epochs: 1 })).toEqual([])
  })
})

describe('random', () => {
  it('is uniform on [0, 1) to what 100 000 draws can tell', () => {
    const next = random(11)
    const bins = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) bins[Math.floor(next() * 10)]++
    for (const n of bins) expect(Math.abs(n - 10_000)).toBeLessThan(500)
  })
  it('shuffles into every order about equally often', () => {
    const next = random(2)
    const seen = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const key = shuffled([1, 2, 3], next).join('')
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
    expect(seen.size).toBe(6)
    for (const n of seen.values()) expect(Math.abs(n - 1000)).toBeLessThan(150)
  })
})
