// How charts on a canvas look where a line's own look does not say: inks, letters, the room that names have.
import type { Marker } from '@ldyn/figures'
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

/** Room for names beside the lines' ends; a narrow chart of many lines leaves them to its legend. */
export const labelRoom = (width: number, lines: number): number =>
  width >= 560 ? 134 : width >= 300 && lines <= 8 ? 98 : 10

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
