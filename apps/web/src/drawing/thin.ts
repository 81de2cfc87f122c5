// What of a line is drawn in a window: at most about two points a pixel, and those are the exact lowest and highest
// of each stretch (ux.md R1), never a sample. Every chart that is live asks this for each of its lines ten times a
// second, so lines that share their steps are cut once.
import { envelope } from '@ldyn/figures'
import { pointAt, type CurveLine, type Window } from './align.ts'

/** Points [first, last] of a line, one beyond either end of the window included so that lines reach its edges. */
interface Cut {
  readonly first: number
  readonly last: number
  /** Points within the window itself. */
  readonly inside: number
}

const cutOf = (steps: readonly number[], { from, to }: Window): Cut => {
  const [before, at] = [pointAt(steps, from, true), pointAt(steps, to)]
  return { first: Math.max(0, before), last: Math.min(steps.length - 1, at + 1), inside: Math.max(0, at - before) }
}

const counted = (first: number, last: number): readonly number[] => {
  const found: number[] = []
  for (let i = first; i <= last; i++) found.push(i)
  return found
}

const keptOf = (values: readonly number[], { first, last }: Cut, pixels: number): readonly number[] => {
  const limit = Math.max(4, Math.floor(pixels) * 2)
  if (last - first + 1 <= limit) return counted(first, last)
  return envelope(values, limit, first, last + 1)
}

/** Indices of the points to draw in a window that is so many pixels wide. */
export const drawnPoints = (
  steps: readonly number[],
  values: readonly number[],
  window: Window,
  pixels: number,
): readonly number[] => keptOf(values, cutOf(steps, window), pixels)

export interface Thinned {
  /** By line, indices of the points that are drawn. */
  readonly points: readonly (readonly number[])[]
  /** Points that there are in the window, and that are drawn, of all lines. */
  readonly total: number
  readonly drawn: number
}

export const thin = (lines: readonly CurveLine[], window: Window, pixels: number): Thinned => {
  const cuts = new Map<readonly number[], { readonly cut: Cut; readonly all: readonly number[] | undefined }>()
  let [total, drawn] = [0, 0]
  const points = lines.map(({ steps, mean }) => {
    let known = cuts.get(steps)
    if (!known) {
      const cut = cutOf(steps, window)
      const few = cut.last - cut.first + 1 <= Math.max(4, Math.floor(pixels) * 2)
      cuts.set(steps, (known = { cut, all: few ? counted(cut.first, cut.last) : undefined }))
    }
    const { cut, all } = known
    total += cut.inside
    if (all) {
      drawn += cut.inside
      return all
    }
    const kept = keptOf(mean, cut, pixels)
    for (const i of kept) if (steps[i] >= window.from && steps[i] <= window.to) drawn++
    return kept
  })
  return { points, total, drawn }
}

/** A band's edge as a filled shape: of each stretch of points the one that reaches farthest, the ends always. */
export const edgeOf = (
  points: readonly number[],
  reach: (point: number) => number,
  most: number,
): readonly number[] => {
  const stretches = Math.max(2, Math.floor(most))
  if (points.length <= stretches + 2) return points
  const kept = [points[0]]
  for (let s = 0; s < stretches; s++) {
    const from = 1 + Math.floor((s * (points.length - 2)) / stretches)
    const to = 1 + Math.floor(((s + 1) * (points.length - 2)) / stretches)
    let best = from
    for (let k = from + 1; k < to; k++) if (reach(points[k]) > reach(points[best])) best = k
    kept.push(points[best])
  }
  kept.push(points[points.length - 1])
  return kept
}

/** Points so far apart, in pixels, are all drawn; of closer ones those at which a line turns by more than this. */
const [ROOMY, SLACK] = [3, 0.2]

/** Gives the points of a line that is so many pixels long, from left to right: all, or where they crowd its corners. */
export const outline = (
  points: readonly number[],
  x: (point: number) => number,
  y: (point: number) => number,
  pixels: number,
  point: (x: number, y: number) => void,
): void => {
  if (points.length * ROOMY >= pixels) corners(points, x, y, SLACK, point)
  else for (const i of points) point(x(i), y(i))
}

/**
 * Gives the corners of a line from left to right: of points that lie straight behind one another, within `slack`
 * above and below, the first and the last. What is left out is nowhere farther than that from what is drawn.
 */
export const corners = (
  points: readonly number[],
  x: (point: number) => number,
  y: (point: number) => number,
  slack: number,
  corner: (x: number, y: number) => void,
): void => {
  if (points.length === 0) return
  // From the last corner, slopes that pass near enough to every point since.
  let [fromX, fromY, low, high] = [x(points[0]), y(points[0]), -Infinity, Infinity]
  let [lastX, lastY] = [fromX, fromY]
  corner(fromX, fromY)
  for (let k = 1; k < points.length; k++) {
    const [nextX, nextY] = [x(points[k]), y(points[k])]
    const wide = nextX - fromX
    const slope = (nextY - fromY) / wide
    if (!(wide > 0) || slope < low || slope > high) {
      if (k > 1) corner(lastX, lastY)
      ;[fromX, fromY, low, high] = [lastX, lastY, -Infinity, Infinity]
      const own = nextX - fromX
      if (own > 0) [low, high] = [(nextY - slack - fromY) / own, (nextY + slack - fromY) / own]
      // Straight up or down there is no slope: the next point begins anew.
      else [low, high] = [Infinity, -Infinity]
    } else {
      low = Math.max(low, (nextY - slack - fromY) / wide)
      high = Math.min(high, (nextY + slack - fromY) / wide)
    }
    ;[lastX, lastY] = [nextX, nextY]
  }
  if (points.length > 1) corner(lastX, lastY)
}
