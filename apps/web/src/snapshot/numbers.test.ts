import { describe, expect, it } from 'vitest'
import { codedBytes, decodeNumbers, encodeNumbers } from './numbers.ts'

/** Mulberry32: the same numbers every time. */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** Rows that wander from very different beginnings, by steps of size `step`. */
const wandering = (rows: number, width: number, step: number, seed: number): Float32Array => {
  const next = random(seed)
  const values = new Float32Array(rows * width)
  for (let c = 0; c < width; c++) {
    let value = -(10 ** (next() * 4 - 1))
    for (let r = 0; r < rows; r++) values[r * width + c] = value += (next() - 0.5) * step
  }
  return values
}

describe('numbers of a snapshot', () => {
  it.each([1e-30, 1e-6, 0.1, 3, 500, 1e20])('come back within 11 bits of their change: steps of %s', step => {
    for (const [rows, width] of [[1, 7], [2, 1], [40, 13], [5, 300]]) {
      const values = wandering(rows, width, step, rows * width)
      const coded = encodeNumbers(values, width, 'f16', 'r/probe/logp.f32')
      expect(coded.data.length).toBe(codedBytes(coded))
      const back = decodeNumbers(coded)
      let worst = 0
      const largest = 2 ** (coded.exponent! + 15)
      values.forEach((value, i) => {
        const from = rows > 1 ? values[i % width] : 0
        const error = Math.abs(back[i] - value)
        worst = Math.max(worst, error)
        // Half a unit of the float16, half of that of the float32 which the sum is, and below 2^-29 of the largest
        // change half of the smallest float16.
        const bound = Math.abs(value - from) * 2 ** -11 + Math.abs(value) * 2 ** -24 + largest * 2 ** -40
        expect(error).toBeLessThanOrEqual(bound * 1.0001)
      })
      expect(coded.worst).toBe(worst)
    }
  })

  it('come back to the bit as f32, and the first row does as f16', () => {
    const values = wandering(9, 5, 2, 3)
    expect(decodeNumbers(encodeNumbers(values, 5, 'f32', 'x'))).toEqual(values)
    expect(decodeNumbers(encodeNumbers(values, 5, 'f16', 'x')).subarray(0, 5)).toEqual(values.subarray(0, 5))
    expect(decodeNumbers(encodeNumbers(new Float32Array(0), 1, 'f16', 'x'))).toEqual(new Float32Array(0))
  })

  it('have no error at all where nothing changed', () => {
    const coded = encodeNumbers(Float32Array.of(-3.3, 7.7, -3.3, 7.7), 2, 'f16', 'x')
    expect(coded.worst).toBe(0)
    expect(decodeNumbers(coded)).toEqual(Float32Array.of(-3.3, 7.7, -3.3, 7.7))
  })

  it.each([NaN, Infinity, -Infinity])('that are %s are refused, with their place', bad => {
    for (const precision of ['f16', 'f32'] as const) {
      expect(() => encodeNumbers(Float32Array.of(1, 2, 3, 4, bad, 6), 2, precision, 'a/probe/logp.f32')).toThrow(
        expect.objectContaining({ code: 'non-finite', where: 'a/probe/logp.f32, row 2, column 0' }),
      )
    }
  })
})
