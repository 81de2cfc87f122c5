// Bars from zero, a row a thing and a bar a run or a reading: what moved, and how far; the first filled, the second
// hollow. A bar that is far longer than the others is cut, with two strokes through it, and its number says how long it
// is: the axis is that of the others.
import { cut, escape, LETTER, signed, tag, textWidth, type Look } from '@ldyn/figures'
import { colour, line, svg, text, type Drawing, type Ink, type Size } from './ink.ts'
import { across } from './ticks.ts'

export interface BarRow {
  readonly name: string
  readonly look: Look
  /** The first is filled, the second hollow. */
  readonly values: readonly number[]
  /** Its bars may be cut. */
  readonly long?: boolean
}

const [ROW, BAR, TOP, FOOT] = [20, 13, 6, 34]
/** Where there is more height than is needed, bars are no thicker than this. */
const THICKEST = 22

const rowOf = (bars: number): number => Math.max(ROW, bars * BAR + 7)
const barsIn = (rows: readonly Pick<BarRow, 'values'>[]): number => Math.max(1, ...rows.map(({ values }) => values.length))

/** How high the picture of so many rows is, with so many bars each. */
export const heightOf = (rows: number, bars = 1): number => TOP + FOOT + rows * rowOf(bars)

/** The row at this height of a picture, which is `height` high; undefined above the first and below the last. */
export const rowAt = (y: number, rows: number, height: number): number | undefined => {
  const row = Math.floor((y - TOP) / ((height - TOP - FOOT) / rows))
  return row >= 0 && row < rows ? row : undefined
}

/** Names at the left of rows: the room that they take, at most that share of the width, and each cut to it. */
export const nameColumn = (names: readonly string[], width: number, share = 0.4) => {
  const left = Math.min(width * share, Math.max(0, ...names.map(textWidth)) + 12)
  const letters = Math.floor((left - 10) / LETTER)
  return {
    left,
    /** The name that ends where the rows begin; whole in its hint where it is cut. */
    draw: (name: string, y: number, ink: Ink): string => {
      const shown = text(left - 6, y, cut(name, letters), ink.ink, 'end')
      return cut(name, letters) === name ? shown : tag('g', {}, [tag('title', {}, escape(name)), shown])
    },
  }
}

export interface RowsText {
  readonly unit: string
  /** The picture in a few words. */
  readonly alt: string
  /** How a value is written beside its bar: with its sign unless given. */
  readonly write?: (value: number) => string
}

export const drawRows = (
  rows: readonly BarRow[],
  { unit, alt, write = signed }: RowsText,
  size: Size,
  ink: Ink,
): string => {
  const { width, height } = size
  const base = height - FOOT
  const names = nameColumn(rows.map(({ name }) => name), width)
  const every = rows.flatMap(({ values }) => values)
  const shown = rows.filter(({ long }) => !long).flatMap(({ values }) => values)
  const all = [0, ...(shown.length > 0 ? shown : every)]
  const [low, high] = [Math.min(...all), Math.max(...all)]
  // Room for the numbers, on the sides to which bars go.
  const room = (side: readonly number[]): number => Math.max(16, ...side.map(value => textWidth(write(value)) + 10))
  const start = names.left + room(every.filter(value => value < 0))
  const end = width - room(every.filter(value => value >= 0))
  const x = across([low, high === low ? low + 1 : high], [start, end])
  const parts: string[] = []
  x.ticks.forEach((tick, i) => {
    parts.push(line(x.at(tick), TOP, x.at(tick), base, tick === 0 ? ink.edge : ink.line))
    parts.push(text(x.at(tick), base + 14, x.labels[i], ink.muted, 'middle'))
  })
  parts.push(text(width - 4, height - 4, unit, ink.muted, 'end'))
  const most = barsIn(rows)
  const tall = (base - TOP) / Math.max(1, rows.length)
  const thick = Math.min(THICKEST, Math.max(BAR, (tall - 7) / most))
  rows.forEach(({ name, look, values }, r) => {
    const top = TOP + r * tall
    parts.push(names.draw(name, top + tall / 2 + 4, ink))
    values.forEach((value, v) => {
      const y = top + (tall - values.length * thick) / 2 + v * thick
      const at = Math.min(end, Math.max(start, x.at(value)))
      const stroke = colour(look, ink)
      const [from, to] = [Math.min(at, x.at(0)), Math.max(at, x.at(0))]
      const box = { x: from, y: y + 1, width: Math.max(1, to - from), height: thick - 3 }
      parts.push(
        tag('rect', v === 0 ? { ...box, fill: stroke } : { ...box, fill: ink.paper, stroke, 'stroke-width': 1.6, 'stroke-dasharray': '3 2' }),
      )
      if (at !== x.at(value)) {
        for (const d of [12, 17])
          parts.push(line(at + d + 3, y - 1, at + d - 3, y + thick - 1, ink.paper, { 'stroke-width': 2 }))
      }
      const beyond = value < 0 ? at - 5 : at + 5
      parts.push(text(beyond, y + thick / 2 + 3.5, write(value), ink.ink, value < 0 ? 'end' : 'start'))
    })
  })
  return svg(size, alt, parts)
}

/** The picture of these rows: as high as they need, or `least`. */
export const rowsDrawing = (rows: readonly BarRow[], words: RowsText, least = 0): Drawing => ({
  height: () => Math.max(least, heightOf(rows.length, barsIn(rows))),
  draw: (size, ink) => drawRows(rows, words, size, ink),
})
