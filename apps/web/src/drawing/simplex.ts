// Three shares of one whole as a place in a triangle: a corner is all of it; and the way from step to step.
import { cut, escape, LETTER, show, tag, textWidth } from '@ldyn/figures'
import { line, over, svg, text, type Drawing, type Ink, type Size } from './ink.ts'
import { along, placeNames } from './place-names.ts'

export type Three = readonly [number, number, number]

export interface SimplexInput {
  /** Of the top, left and right corner. */
  readonly names: readonly string[]
  readonly points: readonly { readonly step: number; readonly p: Three }[]
  /** Places in `points`. */
  readonly then: number
  readonly now: number
}

type Place = readonly [x: number, y: number]
type Corners = readonly [Place, Place, Place]

const [EDGE, HEAD, FOOT, MOST] = [14, 22, 24, 330]
/** Of an equilateral triangle, by its side. */
const TALL = Math.sqrt(3) / 2

export const cornersIn = ({ width, height }: Size): Corners => {
  const side = Math.min(width - 2 * EDGE, (height - HEAD - FOOT) / TALL)
  const [middle, bottom] = [width / 2, HEAD + side * TALL]
  return [[middle, HEAD], [middle - side / 2, bottom], [middle + side / 2, bottom]]
}

/** Where the shares of what the three have together lie. */
export const placeIn = (p: Three, corners: Corners): Place => {
  const sum = p[0] + p[1] + p[2]
  const at = (k: 0 | 1): number => p.reduce((n, x, i) => n + (x / sum) * corners[i][k], 0)
  return [at(0), at(1)]
}

const drawSimplex = ({ names, points, then, now }: SimplexInput, size: Size, ink: Ink): string => {
  const corners = cornersIn(size)
  const [top, left, right] = corners
  const parts: string[] = []
  // A share of a quarter, a half and three quarters of each corner.
  for (const share of [0.25, 0.5, 0.75])
    for (const [a, b, c] of [[0, 1, 2], [1, 0, 2], [2, 0, 1]]) {
      const end = (other: number): Place => {
        const p = [0, 0, 0]
        ;[p[a], p[other]] = [share, 1 - share]
        return placeIn(p as unknown as Three, corners)
      }
      const [[x1, y1], [x2, y2]] = [end(b), end(c)]
      parts.push(line(x1, y1, x2, y2, ink.line, { 'stroke-dasharray': share === 0.5 ? undefined : '2 3' }))
    }
  parts.push(tag('path', { d: `M${corners.map(corner => corner.join(' ')).join('L')}Z`, fill: 'none', stroke: ink.edge }))
  // Two names share the foot: each has half of it.
  const half = Math.floor((size.width / 2 - 6) / LETTER)
  const foot = (name: string, [x, y]: Place, anchor: 'start' | 'end'): string => {
    const shown = cut(name, half)
    // Under its corner, as far as the edge lets it.
    const out = Math.min(textWidth(shown) / 2, 40)
    const at = anchor === 'start' ? Math.max(2, x - out) : Math.min(size.width - 2, x + out)
    return text(at, y + 16, shown, ink.ink, anchor)
  }
  parts.push(
    text(top[0], top[1] - 8, cut(names[0], Math.floor(size.width / LETTER) - 2), ink.ink, 'middle'),
    foot(names[1], left, 'start'),
    foot(names[2], right, 'end'),
  )
  const places = points.map(({ p }) => placeIn(p, corners))
  const d = `M${places.map(place => place.map(one => one.toFixed(1)).join(' ')).join('L')}`
  parts.push(tag('path', { d, fill: 'none', stroke: ink.muted, 'stroke-width': 1.3 }))
  places.forEach(([x, y], i) => {
    const told = `step ${points[i].step}: ${points[i].p.map((p, k) => `${names[k]} ${show(p)}`).join(', ')}`
    parts.push(tag('circle', { cx: x, cy: y, r: 2, fill: ink.ink }, tag('title', {}, escape(told))))
  })
  const [a, b] = [places[then], places[now]]
  parts.push(
    tag('circle', { cx: a[0], cy: a[1], r: 5, fill: 'none', stroke: ink.accent, 'stroke-width': 2 }),
    tag('circle', { cx: b[0], cy: b[1], r: 5.5, fill: ink.accent }),
  )
  const ends = then === now ? [now] : [then, now]
  const spots = ends.map(i => ({ x: places[i][0], y: places[i][1], radius: 5.5, name: `step ${points[i].step}` }))
  const box = { left: 2, right: size.width - 2, top: 2, bottom: left[1] + 2 }
  placeNames(spots, box, { lines: along(places) }).forEach((placed, i) => {
    if (placed.leader) parts.push(line(...placed.leader, ink.edge))
    parts.push(text(placed.x, placed.y, spots[i].name, ink.ink, placed.anchor, over(ink)))
  })
  return svg(size, `Simplex of ${names.join(', ')}`, parts)
}

/** Throws RangeError where a share is no number. */
export const simplexDrawing = (input: SimplexInput): Drawing => ({
  height: (width, room) => HEAD + FOOT + TALL * Math.min(width - 2 * EDGE, Math.max(MOST, (room - HEAD - FOOT) / TALL)),
  draw: (size, ink) => drawSimplex(input, size, ink),
  fileWidth: 480,
})
