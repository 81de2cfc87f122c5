/** What print is drawn with: points and greys, text in 8 and 7 point, lines of stated widths. 1 unit is 1 pt. */
import { coordinate, path, tag, type Attributes } from '../markup.ts'
import type { Marker } from '../response-types.ts'
import type { Label } from './model.ts'
import { labelMarkup } from './signs.ts'

/** Arimo is what `ldyn plot --png` draws with; all of these have the same widths. */
export const FONT = "Helvetica, Arial, Arimo, 'Liberation Sans', sans-serif"
export const TEXT = 8
export const SMALL = 7
export const INK = '#1a1a1a'
export const GREY = '#777777'
export const PALE = '#e3e3e3'
export const AXIS_LINE = 0.5
export const GRID_LINE = 0.35

export type Point = readonly [x: number, y: number]

export const text = (
  x: number,
  y: number,
  label: Label,
  own: Attributes & { 'font-size'?: number } = {},
): string => tag('text', { x, y, ...own }, labelMarkup(label, own['font-size'] ?? TEXT))

export const line = (from: Point, to: Point, own: Attributes): string =>
  tag('line', { x1: from[0], y1: from[1], x2: to[0], y2: to[1], ...own })

/** Closed shapes of about the same area around (x, y); told apart without colour. */
export const markerPath = (marker: Marker, [x, y]: Point, r: number): string => {
  const ring = (points: readonly Point[]): string =>
    `${path(points.map(([dx, dy]) => [x + dx * r, y + dy * r]))}Z`
  switch (marker) {
    case 'circle':
      return `M${coordinate(x - r)} ${coordinate(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`
    case 'square':
      return ring([
        [-0.9, -0.9],
        [0.9, -0.9],
        [0.9, 0.9],
        [-0.9, 0.9],
      ])
    case 'triangle':
      return ring([
        [0, -1.25],
        [1.15, 0.85],
        [-1.15, 0.85],
      ])
    case 'diamond':
      return ring([
        [0, -1.3],
        [1.3, 0],
        [0, 1.3],
        [-1.3, 0],
      ])
  }
}

/** A sample of a line for legends and for the ends of curves. */
export const sample = (
  x: number,
  y: number,
  width: number,
  look: { light: string; dash: string; marker: Marker; width: number },
): string =>
  line([x, y], [x + width, y], {
    stroke: look.light,
    'stroke-width': weight(look.width),
    'stroke-dasharray': dashOf(look.dash),
  }) + tag('path', { d: markerPath(look.marker, [x + width / 2, y], 1.7), fill: look.light })

/** Widths of the screen as points in print. */
export const weight = (screen: number): number => (screen > 2 ? 1.2 : 0.85)

export const dashOf = (dash: string): string | undefined =>
  dash === ''
    ? undefined
    : dash
        .split(' ')
        .map((n) => coordinate(Number(n) * 0.55))
        .join(' ')
