import type { DecompositionLine } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { carriersOf, causesOf, fallOf } from './causes.ts'

const update = (
  s: number,
  moved: readonly (readonly [type: string, actual: number, directions: Record<string, number>])[],
): DecompositionLine => ({
  s,
  t: 0,
  stage: 'dpo',
  rows: [17],
  lr: 1e-4,
  grad_norm: 1,
  clip_factor: 1,
  residual: 0,
  probes: moved.map(([type, actual, directions], row) => ({
    row,
    type,
    actual,
    predicted: Object.values(directions).reduce((sum, x) => sum + x, 0),
    directions,
  })),
})
const updates = [
  update(10, [['chosen', 5, { chosen: 5 }]]),
  update(20, [
    ['chosen', -4, { '17 chosen': 1, '17 rejected': -6 }],
    ['rejected', -9, { '17 rejected': -9 }],
    ['chosen', -2, { '17 chosen': 1, '17 rejected': -2 }],
  ]),
  update(30, [['chosen', 0.5, { '3 chosen': 0.5 }]]),
  update(40, [['chosen', -1, { '17 rejected': -0.5, 'carry-over': -0.5 }]]),
]

describe('what moved a type', () => {
  it('counts the updates after the first step up to the last, as means over what was followed', () => {
    const causes = causesOf({ updates }, 'chosen', 10, 40)!
    expect(causes.updates.map(({ step, actual }) => [step, actual])).toEqual([
      [20, -3],
      [40, -1],
      [30, 0.5],
    ])
    expect(causes.actual).toBe(-3.5)
    expect(causes.rows).toEqual([0, 2])
  })

  it('has parts that add up to what was predicted, and examples where they were told apart', () => {
    const causes = causesOf({ updates }, 'chosen', 10, 40)!
    expect(causes.parts).toEqual([
      { name: 'rejected', value: -4.5 },
      { name: 'carry-over', value: -0.5 },
      { name: 'chosen', value: 1.5 },
    ])
    expect(causes.parts.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(causes.predicted, 12)
    expect(causes.examples).toEqual([
      { row: 17, value: -3.5 },
      { row: 3, value: 0.5 },
    ])
  })

  it('is not known where no update was taken apart, or none followed the type', () => {
    expect(causesOf({ updates }, 'chosen', 40, 80)).toBeUndefined()
    expect(causesOf({ updates }, 'irr_train', 0, 80)).toBeUndefined()
  })

  it('names the fewest updates that carry most of what went the same way', () => {
    const causes = causesOf({ updates }, 'chosen', 10, 40)!
    // −3 of −4: three quarters.
    expect(carriersOf(causes, 0.7)).toMatchObject({ share: 0.75, of: 3, updates: [{ step: 20 }] })
    expect(carriersOf(causes, 0.9)!.updates.map(({ step }) => step)).toEqual([20, 40])
  })
})

it('the longest fall is from a high to the lowest value after it', () => {
  expect(fallOf([0, 3, 1, 4, 2, -1, 5])).toEqual({ from: 3, to: 5, by: 5 })
  expect(fallOf([1, 2, 3])).toBeUndefined()
  expect(fallOf([])).toBeUndefined()
})
