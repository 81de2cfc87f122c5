import { expect, it } from 'vitest'
import { atOnce } from '../data/sliced.ts'
import { scaleFor, scaleOf } from './colour-limits.ts'

it('limits are not set by a single outlier, and by nothing for no values', () => {
  const values = [...Array.from({ length: 999 }, (_, i) => i / 999), 1e6]
  expect(scaleFor(values, true).limit).toBeLessThan(1.01)
  expect(scaleFor([], true)).toMatchObject({ limit: 1 })
  expect(scaleFor([0, 0], true).limit).toBe(1)
})

it('the limit is the 99th percentile, whatever the order and however many are alike', () => {
  for (const n of [1, 2, 3, 100, 101, 1000]) {
    const values = Array.from({ length: n }, (_, i) => ((i * 7919) % n) - n / 2)
    const sizes = values.map(Math.abs).sort((a, b) => a - b)
    expect(scaleFor(values, true).limit).toBe(sizes[Math.ceil((n - 1) * 0.99)] || sizes.at(-1) || 1)
    expect(
      scaleFor(
        Array.from({ length: n }, () => 3),
        true,
      ).limit,
    ).toBe(3)
    expect(scaleFor([...values, NaN, -Infinity], true).limit).toBe(scaleFor(values, true).limit)
  }
})

it('numbers of more digits than a float32 has are told apart', () => {
  const values = Array.from({ length: 200 }, (_, i) => 1 + ((i * 37) % 200) * 1e-12)
  expect(scaleFor(values, true).limit).toBe(1 + 198 * 1e-12)
  expect(scaleFor(Float32Array.from(values), true).limit).toBe(1)
})

it('an unsigned scale reaches from the first to the 99th percentile, below 0 as well', () => {
  const values = Array.from({ length: 501 }, (_, i) => ((i * 211) % 501) - 250)
  expect(scaleFor(values, false)).toEqual({ signed: false, low: -245, limit: 245 })
})

it('several matrices have one scale, and one that is taken from what is off their diagonals', () => {
  const [a, b] = [
    [900, 1, 2, 900],
    [800, 3, -4, 800],
  ]
  expect(atOnce(scaleOf([a, b], true, false, 3)).limit).toBe(4)
  expect(atOnce(scaleOf([a, b], true)).limit).toBe(900)
  expect(atOnce(scaleOf([[5]], true, true, 2))).toEqual({ signed: true, limit: 1, low: 0 })
})

it('is found in pieces, none of them long', () => {
  const work = scaleOf([new Float32Array(1 << 18).fill(2)], true)
  let turns = 0
  let step = work.next()
  for (; !step.done; step = work.next()) turns++
  expect(step.value.limit).toBe(2)
  expect(turns).toBe(8)
})
