/**
 * Where everything in a chart lies: scales, margins and the labels beside the lines' ends, moved apart until none
 * covers another. Apart from the drawing, so that a test can ask whether a point is where its number says.
 */
import { fixed, show } from './numbers.ts'
import { countedBy, type Line, type Panel } from './lines.ts'
import { bent, extent, linear, tickText, type Scale } from './scale.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

export interface EndLabel {
  readonly line: Line
  readonly text: string
  /** Behind the text, where there is room for that of every line. */
  readonly reading?: string
  /** Where the line ends, and the height at which its label is written. */
  readonly x: number
  readonly y: number
  readonly labelY: number
}

export interface Layout {
  readonly x: Scale
  readonly y: Scale
  readonly xText: readonly string[]
  readonly yText: readonly string[]
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  /** The name of the horizontal axis stands below its numbers, else behind them. */
  readonly below: boolean
  readonly ends: readonly EndLabel[]
}

/** The mean width of a letter at 11 units, over-estimated a little: without a font there is nothing to measure. */
export const LETTER = 6.1
const SAMPLE = 22
const GAP = 13

export const textWidth = (text: string): number => [...text].length * LETTER

/** A name of the horizontal axis that is longer than "evaluation" may have no room behind the numbers. */
const LONG_NAME = 10 * LETTER
const NAMES = { around: SAMPLE + 12, most: 0.45, read: 0.4, wide: textWidth }

/** The text, cut to `letters` with an ellipsis. */
export const cut = (text: string, letters: number): string => {
  const all = [...text]
  return all.length <= letters ? text : `${all.slice(0, Math.max(1, letters - 1)).join('')}…`
}

/** Heights at least `gap` apart and within [top, bottom] as far as there is room, each as near as can be to its own. */
export const spread = (
  wanted: readonly number[],
  top: number,
  bottom: number,
  gap: number,
): readonly number[] => {
  const order = [...wanted.keys()].sort((a, b) => wanted[a] - wanted[b])
  const step = wanted.length > 1 ? Math.min(gap, (bottom - top) / (wanted.length - 1)) : gap
  const placed = order.map((i) => Math.min(bottom, Math.max(top, wanted[i])))
  for (let k = 1; k < placed.length; k++) placed[k] = Math.max(placed[k], placed[k - 1] + step)
  let limit = bottom
  for (let k = placed.length - 1; k >= 0; k--) {
    placed[k] = Math.min(placed[k], limit)
    limit = placed[k] - step
  }
  const result: number[] = []
  order.forEach((i, k) => {
    result[i] = placed[k]
  })
  return result
}

/** Where the band of a line ends at a point: its own ends, else one standard error either way. */
export const bandAt = ({ mean, se, low, high }: Line, i: number): readonly [number, number] =>
  low && high ? [low[i], high[i]] : [mean[i] - (se?.[i] ?? 0), mean[i] + (se?.[i] ?? 0)]

const bandOf = (line: Line): readonly number[] => line.mean.flatMap((mean, i) => [mean, ...bandAt(line, i)])

export interface NameRoom {
  /** What stands around a name: a piece of its line before it, room behind it. */
  readonly around: number
  /** Shares of the width that names may take, and names with their readings. */
  readonly most: number
  readonly read: number
  /** How wide a text is. */
  readonly wide: (text: string) => number
}

/**
 * Names beside the lines' ends, and the room that they need: with their readings where those of all lines fit, and
 * cut only where a name would take the plot's room.
 */
export const namesIn = (
  lines: readonly Pick<Line, 'label' | 'reading'>[],
  width: number,
  { around, most, read, wide }: NameRoom,
) => {
  const roomFor = (texts: readonly string[]): number => Math.ceil(around + Math.max(0, ...texts.map(wide)))
  const full = roomFor(lines.map(({ label, reading }) => (reading === undefined ? label : `${label} ${reading}`)))
  if (full <= read * width) return { room: full, names: lines.map(({ label: text, reading }) => ({ text, reading })) }
  const room = Math.min(roomFor(lines.map(({ label }) => label)), Math.floor(most * width))
  const fitted = (label: string): string => {
    let [text, letters] = [label, [...label].length]
    while (letters > 1 && wide(text) > room - around) text = cut(label, --letters)
    return text
  }
  return { room, names: lines.map(({ label }) => ({ text: fitted(label), reading: undefined })) }
}

/** Lays a panel out. Throws RangeError where a value is not finite or there is none. */
export const layOut = (panel: Panel, size: Size, heading = 0): Layout => {
  const { lines } = panel
  const top = 38 + heading
  // A long name of the horizontal axis has a line of its own below the numbers.
  const below = textWidth(panel.xName ?? countedBy(lines)) > LONG_NAME
  const bottom = size.height - (below ? 38 : 24)
  const yDomain = extent([...lines.flatMap(bandOf), ...(panel.zero ? [0] : [])])
  const y = panel.bends?.y
    ? bent(yDomain, [bottom, top + 6], panel.bends.y, 24)
    : linear(yDomain, [bottom, top + 6], Math.max(3, Math.round((bottom - top) / 42)), { pad: 0.04 })
  // Numbers of a bent axis have sizes of their own.
  const yText = panel.bends?.y ? y.ticks.map((tick) => tickText([tick])[0]) : tickText(y.ticks)
  const left = Math.max(30, ...yText.map((text) => textWidth(text) + 9))
  const { names, room } = namesIn(lines, size.width, NAMES)
  const right = size.width - Math.max(44, room)
  const places = lines.flatMap((line) => [...line.steps])
  const xDomain = extent(places)
  // Room around a single point does not reach before the first update.
  const span: readonly [number, number] =
    xDomain[0] < 0 && !places.some((place) => place < 0) ? [0, xDomain[1]] : xDomain
  const x = panel.bends?.x
    ? bent(span, [left, right], panel.bends.x, 34)
    : linear(
        span,
        [left, right],
        Math.max(2, Math.round((right - left) / 58)),
        // There are no half updates.
        panel.xName === undefined ? { least: 1 } : {},
      )
  const at = lines.map((line) => {
    const last = line.steps.length - 1
    return { x: x.at(line.steps[last]), y: y.at(line.mean[last]) }
  })
  const heights = spread(
    at.map((end) => end.y),
    top + 6,
    bottom - 4,
    GAP,
  )
  const ends = lines.map((line, i): EndLabel => ({
    line,
    ...names[i],
    x: at[i].x,
    y: at[i].y,
    labelY: heights[i],
  }))
  const xText = panel.bends?.x ? x.ticks.map((tick) => tickText([tick])[0]) : tickText(x.ticks)
  return { x, y, xText, yText, left, right, top, bottom, below, ends }
}

/** Evaluations by step, each with what every line holds there: one hover strip, one row of the table. */
export interface Row {
  readonly step: number
  readonly stage: string
  /** By line; undefined where it has no value here. */
  readonly values: readonly ({ readonly mean: number; readonly se?: number } | undefined)[]
}

/** The panel's numbers by step and stage, in order: exactly those that are drawn. */
export const rowsOf = ({ lines }: Panel): readonly Row[] => {
  const rows = new Map<string, Row & { values: ({ mean: number; se?: number } | undefined)[] }>()
  const order: { key: string; step: number; nth: number }[] = []
  lines.forEach((line, l) =>
    line.steps.forEach((step, i) => {
      const key = JSON.stringify([step, line.stages[i]])
      let row = rows.get(key)
      if (!row) {
        row = { step, stage: line.stages[i], values: lines.map(() => undefined) }
        rows.set(key, row)
        order.push({ key, step, nth: i })
      }
      row.values[l] = { mean: line.mean[i], ...(line.se && { se: line.se[i] }) }
    }),
  )
  return order.sort((a, b) => a.step - b.step || a.nth - b.nth).map(({ key }) => rows.get(key)!)
}

/** For those who cannot see the chart: what is drawn, in what unit, range, and where each line begins and ends. */
export const describe = ({ lines, stages, says, unit, xName }: Panel): string => {
  const steps = lines.flatMap((line) => [...line.steps])
  const [first, last] = steps.length > 0 ? endsOf(steps) : [0, 0]
  const text = (place: number): string =>
    xName === undefined || Number.isInteger(place) ? fixed(place, 0) : show(place)
  const [counted, all] = [countedBy(lines), countedBy(lines, 's')]
  const at = (step: number): string => (xName === undefined ? `${counted} ${text(step)}` : `${text(step)} ${xName}`)
  const span = `${text(first)} to ${text(last)}`
  const where = [
    xName === undefined ? `${all[0].toUpperCase()}${all.slice(1)} ${span}` : `From ${span} ${xName}`,
    ...(stages.length > 1 ? [stages.slice(1).map(({ step, name }) => `${name} begins at ${at(step)}`).join(', ')] : []),
  ]
  const paths = lines.map(({ key, reading, mean }) => {
    const name = reading === undefined ? key : `${key} (${reading})`
    return `${name} from ${show(mean[0])} to ${show(mean.at(-1)!)}`
  })
  return `${says} Axis: ${unit}. ${where.join('; ')}. ${paths.join('; ')}.`
}

const endsOf = (values: readonly number[]): readonly [number, number] =>
  values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity])
