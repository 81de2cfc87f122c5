// Lines on one axis of steps, for drawing: at most about two points a pixel, and those are the exact lowest and
// highest of each stretch (ux.md R1), never a sample. Steps may repeat where one stage ends and the next
// begins.
import { envelope, type Line, type Panel } from '@ldyn/figures'

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

/** Indices of the points to draw in a window, one beyond either end included so that lines reach the edges. */
export const drawnPoints = (
  steps: readonly number[],
  values: readonly number[],
  { from, to }: Window,
  pixels: number,
): readonly number[] => {
  // The last point before the window, and the first one after it.
  const first = Math.max(0, pointAt(steps, from, true))
  const last = Math.min(steps.length - 1, pointAt(steps, to) + 1)
  const count = last - first + 1
  if (count <= 0) return []
  const limit = Math.max(4, Math.floor(pixels) * 2)
  if (count <= limit) return Array.from({ length: count }, (_, i) => first + i)
  return envelope(values.slice(first, last + 1), limit).map(i => first + i)
}

export interface Aligned {
  readonly xs: readonly number[]
  /** By line, one value an x; null where the line has no point. */
  readonly ys: readonly (readonly (number | null)[])[]
  /** By line, which point of the line each x is; −1 for none. */
  readonly points: readonly Int32Array[]
  /** Points that there are in the window, and that are drawn, of all lines. */
  readonly total: number
  readonly drawn: number
}

/** The lines of a panel in a window of the axis, on common steps. */
export const align = (lines: readonly CurveLine[], window: Window, pixels: number): Aligned =>
  alignShared(lines, window, pixels) ?? alignAny(lines, window, pixels)

/**
 * The lines of one run have the same steps, and where none is too many for the pixels nothing has to be joined: the
 * columns are the lines themselves. A run that grows is drawn ten times a second this way.
 */
const alignShared = (lines: readonly CurveLine[], window: Window, pixels: number): Aligned | undefined => {
  if (lines.length === 0) return undefined
  const { steps } = lines[0]
  const first = Math.max(0, pointAt(steps, window.from, true))
  const end = Math.min(steps.length, pointAt(steps, window.to) + 2)
  if (end <= first || end - first > Math.max(4, Math.floor(pixels) * 2)) return undefined
  for (const { steps: others } of lines) {
    if (others === steps) continue
    if (others.length !== steps.length) return undefined
    for (let i = 0; i < steps.length; i++) if (others[i] !== steps[i]) return undefined
  }
  const places = Int32Array.from({ length: end - first }, (_, i) => first + i)
  const inside = Math.max(0, pointAt(steps, window.to) - pointAt(steps, window.from, true))
  return {
    xs: steps.slice(first, end),
    ys: lines.map(line => (line.smoothed ?? line.mean).slice(first, end)),
    points: lines.map(() => places),
    total: inside * lines.length,
    drawn: inside * lines.length,
  }
}

/** As `align`, for lines of any steps. */
export const alignAny = (lines: readonly CurveLine[], window: Window, pixels: number): Aligned => {
  const kept = lines.map(line => drawnPoints(line.steps, line.mean, window, pixels))
  const inside = lines.map(({ steps }) =>
    Math.max(0, pointAt(steps, window.to) - pointAt(steps, window.from, true)),
  )
  // A step that a line has twice gets two places, in order.
  const most = new Map<number, number>()
  lines.forEach((line, l) => {
    const here = new Map<number, number>()
    for (const i of kept[l]) here.set(line.steps[i], (here.get(line.steps[i]) ?? 0) + 1)
    for (const [step, n] of here) most.set(step, Math.max(most.get(step) ?? 0, n))
  })
  const xs: number[] = []
  const placeOf = new Map<number, number>()
  for (const step of [...most.keys()].sort((a, b) => a - b)) {
    placeOf.set(step, xs.length)
    for (let n = most.get(step)!; n > 0; n--) xs.push(step)
  }
  const points = lines.map(() => new Int32Array(xs.length).fill(-1))
  const ys = lines.map((line, l) => {
    const column: (number | null)[] = new Array<number | null>(xs.length).fill(null)
    let [lastStep, nth] = [NaN, 0]
    for (const i of kept[l]) {
      const step = line.steps[i]
      nth = step === lastStep ? nth + 1 : 0
      lastStep = step
      const place = placeOf.get(step)! + nth
      column[place] = (line.smoothed ?? line.mean)[i]
      points[l][place] = i
    }
    return column
  })
  return {
    xs,
    ys,
    points,
    total: inside.reduce((sum, n) => sum + n, 0),
    drawn: kept.reduce(
      (sum, indices, l) =>
        sum + indices.filter(i => lines[l].steps[i] >= window.from && lines[l].steps[i] <= window.to).length,
      0,
    ),
  }
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
