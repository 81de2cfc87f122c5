// Axes of a chart on a canvas: scales, round ticks, and their text. Ticks stand at 1, 2 or 5 times a power of ten,
// which is what their labels can say exactly.
import { brief, niceTicks, tickText } from '@ldyn/figures'
import type uPlot from 'uplot'
import { stepRange, valueRange, windowFor, type CurvePanel, type Window } from './align.ts'
import { AXIS_ROOM, fontOf, inks } from './chart-look.ts'

/** What decides where the axes lie. */
export interface AxesState {
  readonly panel: CurvePanel
  readonly dark: boolean
  readonly zoom: readonly [number, number] | undefined
  readonly logX: boolean
  readonly height: number
}

const roundFrom = (low: number, high: number): number[] =>
  Array.from({ length: high - low + 1 }, (_, i) => low + i).flatMap(power =>
    [1, 2, 5].map(digit => Number(`${digit}e${power}`)),
  )
const WHOLE = roundFrom(0, 9)
const ROUND = roundFrom(-15, 12)

/** 1, 2 and 5 times powers of ten. */
const powers = (low: number, high: number): number[] =>
  roundFrom(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))).filter(x => x >= low && x <= high)

const lowest = ({ lines }: CurvePanel): number =>
  lines.reduce(
    (least, { mean, low }) =>
      [mean, low ?? []].reduce((a, values) => values.reduce((b, x) => Math.min(b, x), a), least),
    Infinity,
  )

/** A logarithm needs all values above 0. */
export const isLogarithmic = ({ panel }: Pick<AxesState, 'panel'>): boolean =>
  panel.logY === true && panel.lines.length > 0 && lowest(panel) > 0

/** The window of the horizontal axis. */
export const windowOf = ({ zoom, panel }: Pick<AxesState, 'zoom' | 'panel'>): Window => {
  if (!zoom) return stepRange(panel.lines)
  const [from, to] = windowFor(panel, zoom)
  // A stretch of steps may take no time at all.
  return to > from ? { from, to } : stepRange(panel.lines)
}

export const rangeOf = (state: AxesState): readonly [number, number] => {
  const [low, high] = valueRange(state.panel, windowOf(state))
  return low <= 0 && isLogarithmic(state) ? [lowest(state.panel) * 0.9, high] : [low, high]
}

/** `state` gives the latest; the shape of the axes is that of `first`. */
export const axesFor = (
  first: AxesState,
  state: () => AxesState & { readonly window: Window; readonly range: readonly [number, number] },
): Pick<uPlot.Options, 'scales' | 'axes'> => {
  const { muted, grid, axis } = inks[first.dark ? 'dark' : 'light']
  const { panel } = first
  const font = fontOf(11)
  const ticksAcross = (splits: number[]): string[] =>
    panel.axis
      ? Math.max(...splits) >= 1e5
        ? splits.map(brief)
        : [...tickText(splits)]
      : splits.map(x => (Number.isInteger(x) ? String(x).replace('-', '−') : ''))
  return {
    scales: {
      // asinh is logarithmic from a few steps on and has a place for step 0.
      x: {
        time: false,
        distr: first.logX ? 4 : 1,
        range: () => {
          const { from, to } = state().window
          return [from, to]
        },
      },
      // Logarithms of what is positive; else asinh, which is logarithmic far from 0 on both sides of it.
      y: {
        distr: !panel.logY ? 1 : isLogarithmic(first) ? 3 : 4,
        range: () => {
          const [low, high] = state().range
          return [low, high]
        },
      },
    },
    axes: [
      {
        stroke: muted,
        font,
        grid: { show: false },
        ticks: { stroke: axis, size: 4, width: 1 },
        size: 26,
        // There are no half updates.
        incrs: panel.axis ? ROUND : WHOLE,
        values: (_, splits) => ticksAcross(splits),
      },
      {
        stroke: muted,
        font,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        size: AXIS_ROOM,
        ...(panel.logY
          ? {
              // Powers of ten alone say little of less than a decade and a half.
              splits: (_u: uPlot, _i: number, low: number, high: number) =>
                low > 0 && high / low > 30
                  ? powers(low, high)
                  : [...niceTicks(low, high, Math.max(3, Math.round(first.height / 45)))],
            }
          : { incrs: ROUND }),
        values: (_, splits) =>
          panel.logY
            ? splits.map(value => (value === null ? '' : tickText([value])[0]))
            : [...tickText(splits)],
      },
    ],
  }
}
