/** Bars, heat-maps and distributions in print. A cell says its number, so that a grey copy loses nothing. */
import { coordinate, tag } from '../markup.ts'
import { extent, linear, tickText } from '../scale.ts'
import { AXIS_LINE, GREY, GRID_LINE, INK, line, PALE, SMALL, TEXT, text, type Point } from './ink.ts'
import { path } from '../markup.ts'
import type { BarsPanel, HeatPanel, Label, StepsPanel } from './model.ts'
import { axes, HEADING, type Box } from './print-curves.ts'
import { fitted, labelWidth, widthOf } from './signs.ts'

const cutLabel = (label: Label, size: number, most: number): Label =>
  typeof label === 'string' ? fitted(label, size, most) : label

const BAR_ROOM = 8.4

export const barsHeight = ({ bars }: BarsPanel): number => HEADING + 3 + bars.length * BAR_ROOM + 21

/** Horizontal bars from 0, one a line, with its name before it and whiskers of one standard error. */
export const barsPrint = ({ bars, xLabel }: BarsPanel, { width, height }: Box): string => {
  const [top, bottom] = [HEADING + 3, height - 21]
  const left = Math.min(width * 0.4, 4 + Math.max(...bars.map(({ label }) => labelWidth(label, SMALL))))
  const right = width - 5
  const domain = extent([0, ...bars.flatMap(({ value, error = 0 }) => [value - error, value + error])])
  const x = linear(domain, [left, right], Math.max(2, Math.round((right - left) / 30)), { pad: 0.03 })
  const room = (bottom - top) / bars.length
  const ticks = tickText(x.ticks)
  return [
    ...x.ticks.flatMap((tick, i) => [
      line([x.at(tick), top], [x.at(tick), bottom], { stroke: PALE, 'stroke-width': GRID_LINE }),
      text(x.at(tick), bottom + 9, ticks[i], { 'font-size': SMALL, 'text-anchor': 'middle' }),
    ]),
    ...bars.flatMap(({ label, value, error, look }, i) => {
      const y = top + (i + 0.5) * room
      const [from, to] = [x.at(Math.min(0, value)), x.at(Math.max(0, value))]
      return [
        text(left - 2.5, y + 2.4, cutLabel(label, SMALL, left - 3), {
          'font-size': SMALL,
          'text-anchor': 'end',
        }),
        tag('rect', {
          x: from,
          y: y - room * 0.36,
          width: Math.max(0.3, to - from),
          height: room * 0.72,
          fill: look.light,
        }),
        error === undefined || error === 0
          ? ''
          : line([x.at(value - error), y], [x.at(value + error), y], { stroke: INK, 'stroke-width': 0.6 }),
      ]
    }),
    line([x.at(0), top], [x.at(0), bottom], { stroke: INK, 'stroke-width': AXIS_LINE }),
    line([left, bottom], [right, bottom], { stroke: INK, 'stroke-width': AXIS_LINE }),
    text((left + right) / 2, bottom + 18, fitted(xLabel, TEXT, right - left + 20), {
      'text-anchor': 'middle',
    }),
  ].join('')
}

type Rgb = readonly [number, number, number]
// ColorBrewer's RdYlBu, which the paper's map has, from blue (−1) over pale yellow (0) to red (+1); and its Blues.
const DIVERGING: readonly Rgb[] = [
  [49, 54, 149],
  [69, 117, 180],
  [116, 173, 209],
  [171, 217, 233],
  [224, 243, 248],
  [255, 255, 191],
  [254, 224, 144],
  [253, 174, 97],
  [244, 109, 67],
  [215, 48, 39],
  [165, 0, 38],
]
const SEQUENTIAL: readonly Rgb[] = [
  [255, 255, 255],
  [222, 235, 247],
  [198, 219, 239],
  [158, 202, 225],
  [107, 174, 214],
  [66, 146, 198],
  [33, 113, 181],
  [8, 69, 148],
]

/** `share` in [0, 1] along the colours. */
const colourAt = (colours: readonly Rgb[], share: number): Rgb => {
  const at = Math.min(1, Math.max(0, share)) * (colours.length - 1)
  const [from, to] = [colours[Math.floor(at)], colours[Math.ceil(at)]]
  const mix = (i: 0 | 1 | 2): number => Math.round(from[i] + (to[i] - from[i]) * (at - Math.floor(at)))
  return [mix(0), mix(1), mix(2)]
}
const css = ([r, g, b]: Rgb): string => `rgb(${r},${g},${b})`
const dark = ([r, g, b]: Rgb): boolean => 0.299 * r + 0.587 * g + 0.114 * b < 130

const SLANT = 40
const SIN = Math.sin((SLANT / 180) * Math.PI)
const HEAD_MOST = 62
const CELL = 12.5

const widest = (items: readonly { readonly label: Label }[]): number =>
  Math.max(...items.map(({ label }) => labelWidth(label, SMALL)))
/** Room under the map for column names: level where all of them fit, else slanted. */
const slanted = ({ columns }: HeatPanel, cell: number): boolean => widest(columns) > cell - 2
const under = (panel: HeatPanel): number => Math.min(HEAD_MOST, widest(panel.columns)) * SIN + 12

export const heatHeight = (panel: HeatPanel): number =>
  HEADING + 3 + panel.rows.length * CELL + under(panel) + (panel.xLabel === '' ? 0 : 9)

export const heatPrint = (panel: HeatPanel, { width, height }: Box): string => {
  const { rows, columns, values, scale, xLabel, yLabel, unit } = panel
  const known = values.flat().filter((value) => value !== undefined)
  const largest = Math.max(...known.map(Math.abs), 1e-12)
  const left = 12 + Math.min(width * 0.3, widest(rows))
  // Room for the scale, its numbers and what they are.
  const right = width - (unit === '' ? 28 : 37)
  const slant = slanted(panel, (right - left) / columns.length)
  const [top, bottom] = [HEADING + 3, height - (slant ? under(panel) : 12) - (xLabel === '' ? 0 : 9)]
  const [cw, ch] = [(right - left) / columns.length, (bottom - top) / rows.length]
  const shareOf = (value: number): number =>
    scale === 'diverging' ? (value / largest + 1) / 2 : value / largest
  const colours = scale === 'diverging' ? DIVERGING : SEQUENTIAL
  const digits =
    largest >= 100 ? 0 : largest >= 10 ? 1 : Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(largest))))
  const numbered = cw >= widthOf(`−0.${'0'.repeat(digits)}`, 6) + 1.5 && ch >= 7
  const cells = rows.flatMap((_, r) =>
    columns.map((_column, c) => {
      const value = values[r][c]
      const [x, y] = [left + c * cw, top + r * ch]
      if (value === undefined) {
        return text(x + cw / 2, y + ch / 2 + 2.2, '–', {
          'font-size': SMALL,
          'text-anchor': 'middle',
          fill: GREY,
        })
      }
      const colour = colourAt(colours, shareOf(value))
      const shown = value.toFixed(digits)
      return (
        tag('rect', { x, y, width: cw + 0.05, height: ch + 0.05, fill: css(colour) }) +
        (numbered
          ? text(
              x + cw / 2,
              y + ch / 2 + 2.1,
              (Number(shown) === 0 ? shown.replace('-', '') : shown).replace('-', '−'),
              {
                'font-size': 6,
                'text-anchor': 'middle',
                fill: dark(colour) ? '#ffffff' : INK,
              },
            )
          : '')
      )
    }),
  )
  const names = rows.map(({ label }, r) =>
    text(left - 2.5, top + (r + 0.5) * ch + 2.4, cutLabel(label, SMALL, width * 0.3), {
      'font-size': SMALL,
      'text-anchor': 'end',
    }),
  )
  const heads = columns.map(({ label }, c) =>
    !slant
      ? text(left + (c + 0.5) * cw, bottom + 9, label, { 'font-size': SMALL, 'text-anchor': 'middle' })
      : tag(
          'g',
          {
            transform: `translate(${coordinate(left + (c + 0.5) * cw + 2)} ${coordinate(bottom + 6.5)}) rotate(-${SLANT})`,
          },
          text(0, 0, cutLabel(label, SMALL, HEAD_MOST), { 'font-size': SMALL, 'text-anchor': 'end' }),
        ),
  )
  const steps = 24
  const barHeight = Math.min(bottom - top, 90)
  const ends = scale === 'diverging' ? [largest, 0, -largest] : [largest, largest / 2, 0]
  const bar = Array.from({ length: steps }, (_, i) =>
    tag('rect', {
      x: right + 5,
      y: top + (i * barHeight) / steps,
      width: 5,
      height: barHeight / steps + 0.1,
      fill: css(colourAt(colours, 1 - i / (steps - 1))),
    }),
  )
  const [tallText] = [tickText([...ends].reverse())]
  return [
    ...cells,
    tag('rect', {
      x: left,
      y: top,
      width: right - left,
      height: bottom - top,
      fill: 'none',
      stroke: INK,
      'stroke-width': AXIS_LINE,
    }),
    ...names,
    ...heads,
    ...bar,
    ...ends.map((end, i) =>
      text(
        right + 11.5,
        top + 4.5 + (i * (barHeight - 4.5)) / 2,
        shortTick(end, tallText[ends.length - 1 - i]),
        { 'font-size': 6 },
      ),
    ),
    xLabel === ''
      ? ''
      : text((left + right) / 2, slant ? height - 3 : bottom + 18, fitted(xLabel, TEXT, width - 20), {
          'text-anchor': 'middle',
        }),
    tag(
      'g',
      { transform: `translate(6.5 ${coordinate((top + bottom) / 2)}) rotate(-90)` },
      text(0, 0, fitted(yLabel, TEXT, bottom - top + 10), { 'text-anchor': 'middle' }),
    ),
    tag(
      'g',
      { transform: `translate(${coordinate(width - 1)} ${coordinate(top + barHeight + 3)}) rotate(-90)` },
      text(0, 0, unit === '' ? '' : fitted(unit, 6, barHeight - 6), {
        'font-size': 6,
        'text-anchor': 'start',
        fill: GREY,
      }),
    ),
  ].join('')
}
const shortTick = (value: number, fallback: string): string =>
  Math.abs(value) >= 1000 ? fallback : String(Number(value.toPrecision(2))).replace('-', '−')

/** The two distributions as outlines, before filled in grey. */
export const stepsPrint = (panel: StepsPanel, { width, height }: Box): string => {
  const { before, after, log, marks } = panel
  const [top, bottom] = [HEADING + 3, height - 21]
  const known = extent([...before, ...after, ...(log ? [] : [0])])
  // Powers of ten alone are written at a logarithmic axis: there is one at least.
  const domain = log && Math.ceil(known[0]) > known[1] ? ([Math.floor(known[0]), Math.ceil(known[1])] as const) : known
  const y = linear(domain, [bottom, top + 4], Math.max(3, Math.round((bottom - top) / 22)), {
    pad: log ? 0.04 : 0,
    ...(log && { least: 1 }),
  })
  const yText: readonly Label[] = log
    ? y.ticks.map((tick): Label => ({ base: '10', sup: String(tick).replace('-', '−'), upright: true }))
    : tickText(y.ticks)
  const left = 14 + Math.max(...yText.map((tick) => labelWidth(tick, SMALL)))
  const right = width - 9
  const n = before.length
  const x = linear([0, n], [left, right], Math.max(2, Math.round((right - left) / 34)), { least: 1 })
  const floor = y.at(log ? y.domain[0] : 0)
  const outline = (values: readonly number[]): readonly Point[] =>
    values.flatMap((value, i): Point[] => [
      [x.at(i), y.at(value)],
      [x.at(i + 1), y.at(value)],
    ])
  const few = n <= 12
  return [
    axes({ x: few ? { ...x, ticks: [] } : x, y, left, right, top, bottom }, panel, tickText(x.ticks), yText),
    ...(few
      ? panel.places.map((place, i) =>
          text(x.at(i + 0.5), bottom + 9, place, { 'font-size': 6.4, 'text-anchor': 'middle' }),
        )
      : []),
    tag('path', {
      d: `${path([[left, floor], ...outline(before), [right, floor]])}Z`,
      fill: '#bdbdbd',
      'fill-opacity': 0.55,
    }),
    tag('path', { d: path(outline(before)), fill: 'none', stroke: GREY, 'stroke-width': 0.6 }),
    tag('path', { d: path(outline(after)), fill: 'none', stroke: '#0072B2', 'stroke-width': 0.9 }),
    ...marks.map(({ at, text: says, up }) => {
      const tip = x.at(at + 0.5)
      const [from, to] = up ? [top + 12, top + 4] : [top + 4, top + 12]
      const arrow = path([
        [tip, from],
        [tip, to],
        [tip - 2, to + (up ? 3 : -3)],
        [tip, to],
        [tip + 2, to + (up ? 3 : -3)],
      ])
      const beyond = tip + 4 + widthOf(says, SMALL) > right
      return (
        tag('path', { d: arrow, fill: 'none', stroke: INK, 'stroke-width': 0.8 }) +
        text(beyond ? tip - 4 : tip + 4, top + 10, says, {
          'font-size': SMALL,
          'text-anchor': beyond ? 'end' : 'start',
        })
      )
    }),
  ].join('')
}
