// Lines on one axis of steps: what a figure is made of, where it lies, and which point holds at a step. Steps may
// repeat where one stage ends and the next begins.
import type { Line, Panel } from '@ldyn/figures'

/** A line of a figure; where its axis does not count updates, the update of each point stands beside it. */
export interface CurveLine extends Line {
  readonly updates?: readonly number[]
  /** The response type that it is of. */
  readonly type?: string
}

/** Another measure of how far training is: examples, tokens, minutes. `at` never falls. */
export interface Axis {
  readonly name: string
  readonly at: (step: number) => number
  readonly stepAt: (x: number) => number
}

/** Something that happened at a step. */
export interface Mark {
  readonly step: number
  readonly kind: 'checkpoint' | 'warning' | 'resume' | 'note'
  readonly text: string
}

export interface CurvePanel extends Panel {
  readonly lines: readonly CurveLine[]
  /** What the band around a line is, in words; undefined where none is drawn. */
  readonly band?: string
  /** What the lines' `steps` are, where they are not updates; the cursor and the zoom stay steps of the first run. */
  readonly axis?: Axis
  readonly marks?: readonly Mark[]
  /** The vertical axis logarithmic; where values are not positive, asinh, which is so far from 0 on both sides. */
  readonly logY?: boolean
  /** Lowest and highest value of the vertical axis, for figures side by side. */
  readonly range?: readonly [number, number]
}

/** What the band is, in words, where there is one: lines of single values have none, whatever was asked for. */
export const bandOf = ({ band, lines }: Pick<CurvePanel, 'band' | 'lines'>): string | undefined =>
  lines.some(({ n }) => n !== 1) ? band : undefined

/** A window of steps on the panel's own axis. */
export const windowFor = (
  { axis }: Pick<CurvePanel, 'axis'>,
  [from, to]: readonly [number, number],
): readonly [number, number] => (axis ? [axis.at(from), axis.at(to)] : [from, to])

/** The updates of a line's points. */
export const updatesOf = ({ updates, steps }: CurveLine): readonly number[] => updates ?? steps

/**
 * Steps of the cursor at which a line has its points: its own updates, or where it is of another run than the panel's
 * axis, the updates of that one at the same places.
 */
export const cursorSteps = ({ axis }: Pick<CurvePanel, 'axis'>, line: CurveLine): readonly number[] =>
  axis === undefined
    ? line.steps
    : line.steps.map((x, i) => {
        const own = line.updates?.[i]
        return own !== undefined && axis.at(own) === x ? own : Math.round(axis.stepAt(x))
      })

export interface Window {
  readonly from: number
  readonly to: number
}

/** Lowest and highest of what is drawn within a window, bands included, with room; [0, 1] where there is nothing. */
export const valueRange = (panel: CurvePanel, { from, to }: Window): readonly [number, number] => {
  if (panel.range) return panel.range
  let [low, high] = panel.zero ? [0, 0] : [Infinity, -Infinity]
  for (const { steps, mean, se, low: lows, high: highs } of panel.lines) {
    for (let i = 0; i < steps.length; i++) {
      if (steps[i] < from || steps[i] > to) continue
      const [a, b] =
        panel.band === undefined
          ? [mean[i], mean[i]]
          : lows && highs
            ? [Math.min(lows[i], mean[i]), Math.max(highs[i], mean[i])]
            : [mean[i] - (se?.[i] ?? 0), mean[i] + (se?.[i] ?? 0)]
      if (a < low) low = a
      if (b > high) high = b
    }
  }
  if (low > high) return [0, 1]
  const room = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.1 || 1
  return [low - room, high + room]
}

/** First and last step of all lines; [0, 1] where there are none. */
export const stepRange = (lines: readonly CurveLine[]): Window => {
  let [from, to] = [Infinity, -Infinity]
  for (const { steps } of lines) {
    if (steps.length === 0) continue
    from = Math.min(from, steps[0])
    to = Math.max(to, steps.at(-1)!)
  }
  if (from > to) return { from: 0, to: 1 }
  return from === to ? { from: from - 0.5, to: to + 0.5 } : { from, to }
}

/** The point of a line that holds at a step: the last one at or before it (with `before`, before it); −1 for none. */
export const pointAt = (steps: readonly number[], step: number, before = false): number => {
  let [low, high] = [0, steps.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (before ? steps[middle] < step : steps[middle] <= step) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Exponential moving average with its bias from the beginning divided out; `weight` is the share of the past. */
export const smooth = (values: readonly number[], weight: number): readonly number[] => {
  let [sum, norm] = [0, 0]
  return values.map(value => {
    sum = sum * weight + value * (1 - weight)
    norm = norm * weight + (1 - weight)
    return sum / norm
  })
}
