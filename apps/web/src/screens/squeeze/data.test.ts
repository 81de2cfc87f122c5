import { expect, it } from 'vitest'
import { gains, squeezeIndex, type Mass } from './data.ts'

const mass: Mass = {
  type: 'chosen',
  n: 1,
  steps: [0, 5],
  stages: ['dpo', 'dpo'],
  own: undefined,
  means: [
    [0.4, 0.6],
    [0.3, 0.2],
    [0.2, 0.1],
    [0.05, 0.06],
    [0.05, 0.04],
  ],
}

it('what bands gain adds up to nothing', () => {
  expect(gains(mass, 0, 1).reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 12)
  expect(gains(mass, 1, 1)).toEqual([0, 0, 0, 0, 0])
})

it('the index is the likeliest token’s share of all that was gained', () => {
  expect(squeezeIndex(gains(mass, 0, 1))).toBeCloseTo(0.2 / 0.21, 12)
  expect(squeezeIndex(gains(mass, 1, 0))).toBeUndefined()
  expect(squeezeIndex([0, 0, 0, 0, 0])).toBeUndefined()
})
