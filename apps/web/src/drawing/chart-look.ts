// How charts on a canvas look where a line's own look does not say: inks, letters, the room that names have.
import { namesIn, textWidth, type Line, type Marker } from '@ldyn/figures'
import type { Mark } from './align.ts'

const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'

/** Of numbers and names, in pixels of the canvas. */
export const fontOf = (size: number, bold = false): string => `${bold ? '600 ' : ''}${size}px ${FAMILY}`

export const inks = {
  light: { ink: '#1d2430', muted: '#5b6472', grid: '#e8ebf0', axis: '#9aa3b0', caution: '#8a5300' },
  dark: { ink: '#e6e9ef', muted: '#a3acba', grid: '#242a34', axis: '#5d6675', caution: '#e9b35b' },
} as const

/** What a mark looks like at the foot of the plot; colour only repeats what its letter says. */
export const markLook: Readonly<Record<Mark['kind'], { readonly letter: string; readonly caution: boolean }>> = {
  checkpoint: { letter: 'C', caution: false },
  warning: { letter: '!', caution: true },
  resume: { letter: 'R', caution: true },
  note: { letter: 'N', caution: false },
}

/** Around the plot: on its left for numbers, above it for stages, below it for steps. */
export const [AXIS_ROOM, HEAD_ROOM, FOOT_ROOM] = [54, 20, 26]

/** CSS pixels of a name's letters. */
const NAME = 11
let measure: CanvasRenderingContext2D | null | undefined
const widths = new Map<string, number>()

/** How wide a name is, in CSS pixels; without a canvas (tests) as wide as SVG figures take letters to be. */
export const nameWidth = (text: string): number => {
  let width = widths.get(text)
  if (width === undefined) {
    measure ??= globalThis.document?.createElement('canvas').getContext('2d')
    if (measure) measure.font = fontOf(NAME)
    width = measure?.measureText(text).width ?? textWidth(text)
    widths.set(text, width)
  }
  return width
}

/** From the plot to a name, with a piece of its line between them. */
export const NAME_LEAD = 32

/** More names than this stand so close that words behind them would run together. */
const MOST_READ = 14

/** What a narrow chart leaves to many names, as a share of its width. */
const MANY = 0.24

export interface NameColumn {
  /** Right of the plot; without names what is left there for the last number of the axis. */
  readonly room: number
  /** By line; undefined where the chart leaves them to its legend. */
  readonly names?: readonly { readonly text: string; readonly reading?: string }[]
}

/** Names that a chart's height has room for: of more none could be read. */
const MOST_NAMED = 32

/** The names beside the lines' ends. A narrow chart of many lines, and one of very many, leaves them to its legend. */
export const nameColumn = (lines: readonly Pick<Line, 'label' | 'reading'>[], width: number): NameColumn => {
  const read = lines.length > MOST_READ ? 0 : 0.3
  const column = namesIn(lines, width, { around: NAME_LEAD + 6, most: 0.42, read, wide: nameWidth })
  const crowded = width < 560 && lines.length > 8 && column.room > MANY * width
  return width < 300 || lines.length === 0 || lines.length > MOST_NAMED || crowded ? { room: 10 } : column
}

const corners: Readonly<Record<'diamond' | 'triangle', readonly (readonly [number, number])[]>> = {
  diamond: [
    [0, -1.35],
    [1.35, 0],
    [0, 1.35],
    [-1.35, 0],
  ],
  triangle: [
    [0, -1.2],
    [1.15, 0.9],
    [-1.15, 0.9],
  ],
}

/** Begins the path of a marker around a place. */
export const markerPath = (
  context: CanvasRenderingContext2D,
  marker: Marker,
  x: number,
  y: number,
  r: number,
): void => {
  context.beginPath()
  if (marker === 'circle') context.arc(x, y, r, 0, 2 * Math.PI)
  else if (marker === 'square') context.rect(x - r, y - r, 2 * r, 2 * r)
  else {
    for (const [dx, dy] of corners[marker === 'diamond' ? 'diamond' : 'triangle'])
      context.lineTo(x + dx * r, y + dy * r)
    context.closePath()
  }
}

/** "6 3" as lengths on a canvas of so many pixels a CSS pixel. */
export const dashOf = (dash: string, ratio: number): number[] =>
  dash === '' ? [] : dash.split(' ').map(length => Number(length) * ratio)
