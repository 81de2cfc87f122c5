import { looks } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import {
  align,
  alignAny,
  drawnPoints,
  pointAt,
  smooth,
  stepRange,
  valueRange,
  type CurveLine,
  type CurvePanel,
} from './align.ts'

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

describe('points to draw', () => {
  const steps = Array.from({ length: 10_000 }, (_, i) => i)
  const values = steps.map(i => (Math.sin(i * 12.9898) * 43758.5453) % 1)

  it('hold the exact lowest and highest of every stretch, at most two a pixel', () => {
    const kept = drawnPoints(steps, values, { from: 0, to: 9999 }, 400)
    expect(kept.length).toBeLessThanOrEqual(800)
    for (let s = 0; s < 400; s++) {
      const part = values.slice(s * 25, (s + 1) * 25)
      const drawn = kept.filter(i => i >= s * 25 && i < (s + 1) * 25).map(i => values[i])
      expect(Math.max(...drawn)).toBe(Math.max(...part))
      expect(Math.min(...drawn)).toBe(Math.min(...part))
    }
  })

  it('are all there is once few enough are in the window, with one beyond either edge', () => {
    expect(drawnPoints(steps, values, { from: 100, to: 110 }, 400)).toEqual(
      Array.from({ length: 13 }, (_, i) => 99 + i),
    )
    expect(drawnPoints([], [], { from: 0, to: 1 }, 400)).toEqual([])
    expect(drawnPoints([5], [1], { from: 0, to: 1 }, 400)).toEqual([0])
  })
})

describe('lines on one axis', () => {
  it('keep their own steps; what one lacks is empty', () => {
    const { xs, ys, points } = align(
      [line([0, 10, 20], [1, 2, 3]), line([0, 5, 20], [4, 5, 6])],
      { from: 0, to: 20 },
      100,
    )
    expect(xs).toEqual([0, 5, 10, 20])
    expect(ys).toEqual([
      [1, null, 2, 3],
      [4, 5, null, 6],
    ])
    expect([...points[1]]).toEqual([0, 1, -1, 2])
  })

  it('have two places where a stage ends and the next begins at one step', () => {
    const { xs, ys } = align([line([0, 20, 20, 40], [1, 2, 3, 4]), line([20], [9])], { from: 0, to: 40 }, 100)
    expect(xs).toEqual([0, 20, 20, 40])
    expect(ys).toEqual([
      [1, 2, 3, 4],
      [null, 9, null, null],
    ])
  })

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

describe('lines of the same steps', () => {
  it('are joined as lines of any steps are', () => {
    const steps = [0, 5, 5, 10, 15, 40, 41]
    const lines = [0, 1, 2].map(k =>
      line([...steps], steps.map((step, i) => step * k + i), k === 2 ? { smoothed: steps } : {}),
    )
    for (const [from, to] of [
      [0, 41],
      [5, 15],
      [6, 9],
      [16, 30],
      [-5, -1],
      [41, 90],
      [50, 60],
    ]) {
      const [found, any] = [align(lines, { from, to }, 100), alignAny(lines, { from, to }, 100)]
      expect(found.xs, `${from} to ${to}`).toEqual(any.xs)
      expect(found.ys).toEqual(any.ys)
      expect(found.points.map(points => [...points])).toEqual(any.points.map(points => [...points]))
      expect([found.total, found.drawn]).toEqual([any.total, any.drawn])
    }
  })
})
