// Bars from zero, a row a thing and a bar a run: what moved, and how far. A bar that is far longer than the others is
// cut, with two strokes through it, and its number says how long it is: the axis is that of the others.
import { linear, signed, tag, textWidth, tickText, type Look } from '@ldyn/figures'
import { colour, line, svg, text, type Ink, type Size } from './ink.ts'

export interface BarRow {
  readonly name: string
  readonly look: Look
  /** By run; the first is filled, the second hollow. */
  readonly values: readonly number[]
  /** Its bars may be cut. */
  readonly long?: boolean
}

const [ROW, BAR, TOP, FOOT] = [20, 13, 6, 34]

/** How high the picture of so many rows is, with so many bars each. */
export const heightOf = (rows: number, bars = 1): number => TOP + FOOT + rows * rowOf(bars)
const rowOf = (bars: number): number => Math.max(ROW, bars * BAR + 7)

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
  const left = Math.min(width * 0.45, Math.max(...rows.map(({ name }) => textWidth(name))) + 12)
  const [room, base] = [58, height - FOOT]
  const shown = rows.filter(({ long }) => !long).flatMap(({ values }) => values)
  const all = [0, ...(shown.length > 0 ? shown : rows.flatMap(({ values }) => values))]
  const [low, high] = [Math.min(...all), Math.max(...all)]
  // Room for the numbers: at the left only where a bar goes there.
  const start = left + (low < 0 || rows.some(({ values }) => values.some(value => value < 0)) ? room : 4)
  const wanted = Math.max(2, Math.round((width - room - start) / 50))
  const x = linear([low, high === low ? low + 1 : high], [start, width - room], wanted)
  const parts: string[] = []
  const labels = tickText(x.ticks)
  x.ticks.forEach((tick, i) => {
    parts.push(line(x.at(tick), TOP, x.at(tick), base, tick === 0 ? ink.edge : ink.line))
    parts.push(text(x.at(tick), base + 14, labels[i], ink.muted, 'middle'))
  })
  parts.push(text(width - 4, height - 4, unit, ink.muted, 'end'))
  const most = Math.max(...rows.map(({ values }) => values.length))
  let top = TOP
  for (const { name, look, values } of rows) {
    const tall = rowOf(most)
    parts.push(text(left - 6, top + tall / 2 + 4, name, ink.ink, 'end'))
    values.forEach((value, v) => {
      const y = top + (tall - values.length * BAR) / 2 + v * BAR
      const at = Math.min(width - room, Math.max(start, x.at(value)))
      const stroke = colour(look, ink)
      const [from, to] = [Math.min(at, x.at(0)), Math.max(at, x.at(0))]
      const box = { x: from, y: y + 1, width: Math.max(1, to - from), height: BAR - 3 }
      parts.push(
        tag('rect', v === 0 ? { ...box, fill: stroke } : { ...box, fill: ink.paper, stroke, 'stroke-width': 1.6, 'stroke-dasharray': '3 2' }),
      )
      if (at !== x.at(value)) {
        for (const d of [12, 17])
          parts.push(line(at + d + 3, y - 1, at + d - 3, y + BAR - 1, ink.paper, { 'stroke-width': 2 }))
      }
      const beyond = value < 0 ? at - 5 : at + 5
      parts.push(text(beyond, y + BAR - 3, write(value), ink.ink, value < 0 ? 'end' : 'start'))
    })
    top += tall
  }
  return svg(size, alt, parts)
}
