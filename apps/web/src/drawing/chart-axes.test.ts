import { describe, expect, it } from 'vitest'
import type { Line } from '@ldyn/figures'
import type { CurvePanel } from './align.ts'
import { axesOf, type AxesState } from './chart-axes.ts'

const look = { light: '#000', dark: '#fff', dash: '', marker: 'circle', width: 2 } as const
const line = (steps: readonly number[], mean: readonly number[]): Line => ({
  key: 'chosen',
  label: 'chosen',
  steps,
  stages: steps.map(() => 'dpo'),
  mean,
  look,
})
const panel = (lines: readonly Line[], more: Partial<CurvePanel> = {}): CurvePanel =>
  ({ id: 'p', title: 't', says: '', unit: 'nats', stages: [], lines, ...more }) as CurvePanel
const state = (of: CurvePanel, more: Partial<AxesState> = {}): AxesState => ({
  panel: of,
  zoom: undefined,
  logX: false,
  width: 800,
  height: 300,
  ...more,
})
const told = panel([line([0, 40, 120], [-90, -70, -60])])

describe('axes of a chart', () => {
  it('span the window from the plot’s left to its right, and back', () => {
    const { box, x, valueAt, window } = axesOf(state(told))
    expect(window).toEqual({ from: 0, to: 120 })
    expect([x.at(0), x.at(120)]).toEqual([box.left, box.left + box.width])
    for (const value of [0, 17, 60, 120]) expect(valueAt(x.at(value))).toBeCloseTo(value, 9)
  })

  it('leave room above and below the values, and grow upwards', () => {
    const { box, y } = axesOf(state(told))
    expect(y.at(-60)).toBeGreaterThan(box.top)
    expect(y.at(-90)).toBeLessThan(box.top + box.height)
    expect(y.at(-60)).toBeLessThan(y.at(-90))
  })

  it('have whole updates alone, as many as there is room for', () => {
    const few = axesOf(state(panel([line([0, 2], [1, 2])])))
    expect(few.xText).toEqual(['0', '1', '2'])
    expect(axesOf(state(told, { width: 300 })).x.ticks.length).toBeLessThan(axesOf(state(told)).x.ticks.length)
  })

  it('show what is zoomed to', () => {
    const { window, x } = axesOf(state(told, { zoom: [30, 50] }))
    expect(window).toEqual({ from: 30, to: 50 })
    for (const tick of x.ticks) expect(tick).toBeGreaterThanOrEqual(30)
  })

  it('are logarithmic along steps with a place for step 0, and told from pixels as well', () => {
    const { x, valueAt, box } = axesOf(state(panel([line([0, 1000], [1, 2])]), { logX: true }))
    expect(x.at(0)).toBe(box.left)
    expect(x.at(10) - x.at(1)).toBeGreaterThan(x.at(1000) - x.at(991))
    for (const value of [0, 3, 200]) expect(valueAt(x.at(value))).toBeCloseTo(value, 6)
  })

  it('are logarithmic upwards where all is positive, else far from 0 on both sides of it', () => {
    const positive = axesOf(state(panel([line([0, 1, 2], [0.01, 1, 100])], { logY: true })))
    expect(positive.y.at(0.1) - positive.y.at(1)).toBeCloseTo(positive.y.at(1) - positive.y.at(10), 6)
    expect(positive.yText).toContain('10')
    const both = axesOf(state(panel([line([0, 1, 2], [-100, 0, 100])], { logY: true })))
    expect(both.y.at(-10) - both.y.at(0)).toBeCloseTo(both.y.at(0) - both.y.at(10), 6)
    expect(both.yText).toContain('0')
  })

  it('count tokens in thousands', () => {
    const axis = { name: 'tokens', at: (step: number) => step * 5000, stepAt: (x: number) => x / 5000 }
    const { xText } = axesOf(state(panel([line([0, 600_000], [1, 2])], { axis })))
    expect(xText.some(text => /k|M/.test(text))).toBe(true)
  })
})
