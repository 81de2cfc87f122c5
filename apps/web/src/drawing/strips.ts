// Strips: a row a response type and a tick a probe, the middle half as a box and the mean as a dot.
import { escape, show, tag, textWidth, type Look } from '@ldyn/figures'
import { colour, line, svg, text, type Drawing, type Ink, type Size } from './ink.ts'
import { nameColumn } from './row-bars.ts'
import { across } from './ticks.ts'

export interface StripRow {
  readonly name: string
  readonly look: Look
  /** Finite, one a probe. */
  readonly values: Float64Array
  /** Those of the probes in focus stand out. */
  readonly chosen: Float64Array
}

const [FOOT, RIGHT] = [36, 12]
/** Rows of few types stand further apart. */
const [LEAST, MOST, WHOLE] = [22, 34, 250]
const rowOf = (rows: number, room: number): number =>
  Math.min(MOST, Math.max(LEAST, Math.max(WHOLE, room - FOOT) / rows))

/**
 * One tick a value, all in one path. A run that is live writes thousands of numbers here at every tick: tenths of a
 * pixel, as whole numbers, for a path that is drawn a tenth as wide.
 */
const ticksPath = (values: Float64Array, x: (value: number) => number, top: number, tall: number): string => {
  let path = ''
  for (let k = 0; k < values.length; k++) path += `M${Math.round(10 * x(values[k]))} ${top}v${tall}`
  return path
}

const drawStrips = (rows: readonly StripRow[], unit: string, size: Size, ink: Ink): string => {
  const { width } = size
  const names = nameColumn(rows.map(({ name }) => name), width)
  let [low, high] = [Infinity, -Infinity]
  for (const { values } of rows)
    for (const value of values) {
      if (value < low) low = value
      if (value > high) high = value
    }
  const room = high > low ? (high - low) * 0.03 : 1
  const x = across([low - room, high + room], [names.left, width - RIGHT])
  const row = (size.height - FOOT) / rows.length
  const foot = size.height - FOOT
  const parts: string[] = []
  x.ticks.forEach((tick, i) => {
    parts.push(line(x.at(tick), 0, x.at(tick), foot, ink.line))
    parts.push(text(x.at(tick), foot + 14, x.labels[i], ink.muted, 'middle'))
  })
  parts.push(text(Math.max(width - 4, textWidth(unit)), foot + 32, unit, ink.muted, 'end'))
  rows.forEach(({ name, look, values, chosen }, r) => {
    const y = Math.round((r + 0.5) * row)
    const stroke = colour(look, ink)
    const sorted = values.slice().sort()
    const [from, to] = [0.25, 0.75].map(q => x.at(sorted[Math.round((sorted.length - 1) * q)]))
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const scaled = { transform: 'scale(.1 1)', fill: 'none', stroke }
    parts.push(
      names.draw(name, y + 4, ink),
      tag('rect', { x: from, width: Math.max(1, to - from), y: y - 5, height: 10, fill: stroke, opacity: 0.16 }),
      tag('path', { ...scaled, d: ticksPath(values, x.at, y - 5, 10), 'stroke-width': 10, opacity: 0.6 }),
      chosen.length === 0
        ? ''
        : tag('path', { ...scaled, d: ticksPath(chosen, x.at, y - 9, 18), 'stroke-width': 24 }),
      tag('circle', { cx: x.at(mean), cy: y, r: 3.4, fill: stroke, stroke: ink.paper, 'stroke-width': 1.2 }, [
        tag('title', {}, escape(`${name}: mean ${show(mean)}`)),
      ]),
    )
  })
  return svg(size, 'Every probe at this step, by response type', parts)
}

/** Throws RangeError where a value is no number. */
export const stripsDrawing = (rows: readonly StripRow[], unit: string): Drawing => ({
  height: (_, room) => rows.length * rowOf(rows.length, room) + FOOT,
  draw: (size, ink) => drawStrips(rows, unit, size, ink),
})
