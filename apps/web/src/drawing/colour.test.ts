import { expect, it } from 'vitest'
import { SIGNED, stepOf } from './colour.ts'

it('a signed scale has 0 in the middle and is the same size on both sides', () => {
  for (const linear of [undefined, 0.01]) {
    const scale = { signed: true, limit: 4, low: 0, linear }
    expect([-9, -4, 4, 9].map(value => stepOf(value, scale))).toEqual([0, 0, 255, 255])
    expect(stepOf(0, scale)).toBe(128)
    for (const x of [0.01, 0.5, 3])
      expect(stepOf(x, scale) - 127.5).toBeCloseTo(127.5 - stepOf(-x, scale), -0.5)
  }
  expect([...SIGNED.subarray(0, 3)]).toEqual([0x67, 0, 0x1f])
})

it('a logarithmic scale grows with the value and tells small ones apart', () => {
  const scale = { signed: true, limit: 1, low: 0, linear: 0.001 }
  const steps = [0.001, 0.01, 0.1, 1].map(value => stepOf(value, scale))
  expect(steps).toEqual([...steps].sort((a, b) => a - b))
  expect(new Set(steps).size).toBe(4)
})
