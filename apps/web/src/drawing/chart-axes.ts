// Axes of a chart on a canvas: where the plot lies, both scales with their ticks, and the ticks' text. Scales and ticks
// are those of @ldyn/figures, so that the page has the axes of the SVG that is saved of it.
import { bent, brief, linear, tickText, type Scale } from '@ldyn/figures'
import { stepRange, valueRange, windowFor, type CurvePanel, type Window } from './align.ts'
import { AXIS_ROOM, FOOT_ROOM, HEAD_ROOM, nameColumn, type NameColumn } from './chart-look.ts'

/** What decides where the axes lie; sizes of the whole chart in CSS pixels. */
export interface AxesState {
  readonly panel: CurvePanel
  readonly zoom: readonly [number, number] | undefined
  readonly logX: boolean
  readonly width: number
  readonly height: number
}

/** The plot's place in the chart. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface Axes {
  readonly box: Box
  readonly names: NameColumn['names']
  readonly window: Window
  /** From values to CSS pixels of the chart. */
  readonly x: Scale
  readonly y: Scale
  readonly xText: readonly string[]
  readonly yText: readonly string[]
  /** The horizontal axis the other way. */
  readonly valueAt: (x: number) => number
}

const lowest = ({ lines }: CurvePanel): number =>
  lines.reduce(
    (least, { mean, low }) =>
      [mean, low ?? []].reduce((a, values) => values.reduce((b, x) => Math.min(b, x), a), least),
    Infinity,
  )

/** A logarithm needs all values above 0; undefined where the axis is linear. */
const bendOf = (panel: CurvePanel): { readonly bend: 'log' | 'asinh'; readonly least: number } | undefined => {
  if (!panel.logY) return undefined
  const least = panel.lines.length === 0 ? 0 : lowest(panel)
  return { bend: least > 0 ? 'log' : 'asinh', least }
}

/** The window of the horizontal axis. */
const windowOf = ({ zoom, panel }: Pick<AxesState, 'zoom' | 'panel'>): Window => {
  if (!zoom) return stepRange(panel.lines)
  const [from, to] = windowFor(panel, zoom)
  // A stretch of steps may take no time at all.
  return to > from ? { from, to } : stepRange(panel.lines)
}

const across = ({ panel, logX }: AxesState, { from, to }: Window, left: number, right: number): Scale => {
  // asinh is logarithmic from a few steps on and has a place for step 0.
  if (logX) return bent([from, to], [left, right], 'asinh', 34)
  // There are no half updates.
  return linear([from, to], [left, right], Math.max(2, Math.round((right - left) / 58)), panel.axis ? {} : { least: 1 })
}

const upwards = ({ panel }: AxesState, window: Window, bottom: number, top: number): Scale => {
  const [low, high] = valueRange(panel, window)
  // Logarithms of what is positive; else asinh, which is logarithmic far from 0 on both sides of it.
  const bend = bendOf(panel)
  if (!bend) return linear([low, high], [bottom, top], Math.max(3, Math.round((bottom - top) / 42)))
  return bent([bend.bend === 'log' && low <= 0 ? bend.least * 0.9 : low, high], [bottom, top], bend.bend, 24)
}

/** Numbers of a bent axis have sizes of their own. */
const eachAlone = (ticks: readonly number[]): readonly string[] => ticks.map(tick => tickText([tick])[0])

/** Tokens and examples count in thousands and millions; updates are written out. */
const alike = (ticks: readonly number[], counted: boolean): readonly string[] =>
  counted && Math.max(...ticks) >= 1e5 ? ticks.map(brief) : tickText(ticks)

export const axesOf = (state: AxesState): Axes => {
  const { panel, width, height, logX } = state
  const { room, names } = nameColumn(panel.lines, width)
  const box = {
    left: AXIS_ROOM,
    top: HEAD_ROOM,
    width: Math.max(1, width - AXIS_ROOM - room),
    height: Math.max(1, height - HEAD_ROOM - FOOT_ROOM),
  }
  const window = windowOf(state)
  const x = across(state, window, box.left, box.left + box.width)
  const y = upwards(state, window, box.top + box.height, box.top)
  const [there, back] = logX ? [Math.asinh, Math.sinh] : [(value: number) => value, (value: number) => value]
  const [from, to] = [there(window.from), there(window.to)]
  return {
    box,
    names,
    window,
    x,
    y,
    xText: logX ? eachAlone(x.ticks) : alike(x.ticks, panel.axis !== undefined),
    yText: panel.logY ? eachAlone(y.ticks) : tickText(y.ticks),
    valueAt: at => back(from + ((at - box.left) / box.width) * (to - from)),
  }
}
