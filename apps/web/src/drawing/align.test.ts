import { looks } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { pointAt, smooth, stepRange, valueRange, type CurveLine, type CurvePanel } from './align.ts'

const line = (
  steps: readonly number[],
  mean: readonly number[],
  own: Partial<CurveLine> = {},
): CurveLine => ({
  key: 'a',
  label: 'a',
  look: looks.chosen,
  steps,
  stages: steps.map(() => 'sft'),
  mean,
  ...own,
})

describe('lines on one axis', () => {
  it('reach as far as values and bands in the window do', () => {
    const panel = {
      lines: [line([0, 1, 2], [1, 5, 3], { se: [0.5, 1, 0] })],
      band: 'se',
    } as unknown as CurvePanel
    expect(valueRange(panel, { from: 0, to: 1 })[1]).toBeCloseTo(6 + 5.5 * 0.05)
    expect(valueRange({ ...panel, zero: true }, { from: 0, to: 1 })[0]).toBeLessThanOrEqual(0)
    expect(valueRange({ ...panel, lines: [] }, { from: 0, to: 1 })).toEqual([0, 1])
    expect(stepRange([line([3], [1])])).toEqual({ from: 2.5, to: 3.5 })
  })
})

it('the value at a step is the last one known there', () => {
  expect([-1, 0, 4, 5, 9, 10, 99].map(step => pointAt([0, 5, 10], step))).toEqual([-1, 0, 0, 1, 1, 2, 2])
})

it('a debiased average of a constant is the constant, and of the first value that value', () => {
  expect(smooth([7, 7, 7], 0.9).every(value => Math.abs(value - 7) < 1e-12)).toBe(true)
  expect(smooth([3, 100], 0.99)[0]).toBeCloseTo(3, 12)
})
