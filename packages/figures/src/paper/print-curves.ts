/** Curves in print: thin axes, bands of the standard error, lines told apart by dash and marker beside colour. */
import { tag } from '../markup.ts'
import { extent, linear, tickText, type Scale } from '../scale.ts'
import { spread } from '../chart-layout.ts'
import {
  AXIS_LINE,
  dashOf,
  GREY,
  GRID_LINE,
  INK,
  line,
  markerPath,
  PALE,
  SMALL,
  TEXT,
  text,
  weight,
  type Point,
} from './ink.ts'
import { path } from '../markup.ts'
import type { Curve, CurvesPanel } from './model.ts'
import { fitted, labelWidth, widthOf } from './signs.ts'

export interface Box {
  readonly width: number
  readonly height: number
}

export interface Frame {
  readonly x: Scale
  readonly y: Scale
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

export const HEADING = 11
const UNDER = 21
const LEADER = 5
const END_GAP = 8.2

/** Axes with ticks and labels around a frame: shared by curves and steps. */
export const axes = (
  { x, y, left, right, top, bottom }: Frame,
  { xLabel, yLabel }: { readonly xLabel: string; readonly yLabel: string },
  xText: readonly string[],
  yText: readonly Parameters<typeof text>[2][],
): string => {
  const small = { 'font-size': SMALL }
  const across = bottom - top + HEADING
  return [
    ...y.ticks.flatMap((tick, i) => [
      line([left, y.at(tick)], [right, y.at(tick)], { stroke: PALE, 'stroke-width': GRID_LINE }),
      text(left - 2.5, y.at(tick) + 2.4, yText[i], { ...small, 'text-anchor': 'end' }),
    ]),
    line([left, top], [left, bottom], { stroke: INK, 'stroke-width': AXIS_LINE }),
    line([left, bottom], [right, bottom], { stroke: INK, 'stroke-width': AXIS_LINE }),
    ...x.ticks.flatMap((tick, i) => [
      line([x.at(tick), bottom], [x.at(tick), bottom + 2], { stroke: INK, 'stroke-width': AXIS_LINE }),
      text(x.at(tick), bottom + 9, xText[i], { ...small, 'text-anchor': 'middle' }),
    ]),
    text((left + right) / 2, bottom + 18, fitted(xLabel, TEXT, right - left + 30), {
      'text-anchor': 'middle',
    }),
    tag(
      'g',
      { transform: `translate(6.5 ${((top + bottom) / 2).toFixed(2)}) rotate(-90)` },
      text(0, 0, fitted(yLabel, TEXT, across), { 'text-anchor': 'middle' }),
    ),
  ].join('')
}

const reach = ({ y, error }: Curve): readonly number[] =>
  error ? y.flatMap((value, i) => [value - error[i], value + error[i]]) : y

/** Throws RangeError where a value is not finite or no curve has any. */
export const frameOf = (
  panel: CurvesPanel,
  { width, height }: Box,
): Frame & { readonly yText: readonly string[] } => {
  const [top, bottom] = [HEADING + 3, height - UNDER]
  const yDomain = extent([...panel.curves.flatMap(reach), ...(panel.zero ? [0] : [])])
  const y = linear(yDomain, [bottom, top + 2], Math.max(3, Math.round((bottom - top) / 22)), { pad: 0.04 })
  const yText = tickText(y.ticks)
  const left = 13 + Math.max(...yText.map((tick) => widthOf(tick, SMALL)))
  const ends = panel.ends
    ? LEADER + 2 + Math.max(...panel.curves.map(({ label }) => labelWidth(label, SMALL)))
    : 9
  const right = width - Math.min(ends, width * 0.34)
  const places = panel.curves.flatMap(({ x }) => [...x])
  const xDomain = extent(places)
  const x = linear(
    // Room around a single point does not reach before the first update.
    xDomain[0] < 0 && !places.some((place) => place < 0) ? [0, xDomain[1]] : xDomain,
    [left, right],
    Math.max(2, Math.round((right - left) / 34)),
    {
      least: 1,
    },
  )
  return { x, y, yText, left, right, top, bottom }
}

const MOST_MARKERS = 6

/** At most six points, and others for each curve, so that markers of near lines do not cover each other. */
const marked = (n: number, nth: number): readonly number[] => {
  if (n <= MOST_MARKERS + 2) return [...Array(n).keys()]
  const step = (n - 1) / (MOST_MARKERS - 1)
  const shift = (step * (nth % 5)) / 5
  return [...new Set(Array.from({ length: MOST_MARKERS }, (_, i) => Math.round(i * step + shift)))].filter(
    (i) => i < n,
  )
}

const drawn = ({ x, y, error, look, thin = false }: Curve, nth: number, frame: Frame): string => {
  const points = x.map((at, i): Point => [frame.x.at(at), frame.y.at(y[i])])
  const band =
    error && x.length > 1 && error.some((e) => e > 0)
      ? tag('path', {
          d: `${path([
            ...x.map((at, i): Point => [frame.x.at(at), frame.y.at(y[i] + error[i])]),
            ...x.map((at, i): Point => [frame.x.at(at), frame.y.at(y[i] - error[i])]).reverse(),
          ])}Z`,
          fill: look.light,
          'fill-opacity': 0.14,
        })
      : ''
  const stroke = tag('path', {
    d: path(points),
    fill: 'none',
    stroke: look.light,
    'stroke-width': thin ? 0.6 : weight(look.width),
    'stroke-dasharray': dashOf(look.dash),
    'stroke-linejoin': 'round',
  })
  const markers = thin
    ? ''
    : tag('path', {
        d: marked(points.length, nth)
          .map((i) => markerPath(look.marker, points[i], 1.7))
          .join(''),
        fill: look.light,
      })
  return band + stroke + markers
}

const stageMarks = ({ stages }: CurvesPanel, { x, left, right, top, bottom }: Frame): string => {
  const shown = stages.filter(({ step }) => step <= x.domain[1])
  if (shown.length < 2) return ''
  return shown
    .map(({ step, name }, i) => {
      const at = Math.max(left, x.at(step))
      const end = i + 1 < shown.length ? x.at(shown[i + 1].step) : right
      const rule =
        i > 0 && step > x.domain[0]
          ? line([at, top - 2], [at, bottom], {
              stroke: GREY,
              'stroke-width': AXIS_LINE,
              'stroke-dasharray': '2 1.5',
            })
          : ''
      const name_ = widthOf('…', SMALL) * 2 > end - at ? '' : fitted(name, SMALL, end - at - 4)
      return rule + (name_ === '' ? '' : text(at + 2, top + 5, name_, { 'font-size': SMALL, fill: GREY }))
    })
    .join('')
}

const endNames = ({ curves }: CurvesPanel, { x, y, right, top, bottom }: Frame, width: number): string => {
  const ends = curves.map((curve) => [x.at(curve.x.at(-1)!), y.at(curve.y.at(-1)!)] as const)
  const heights = spread(
    ends.map(([, at]) => at),
    top + 3,
    bottom - 1,
    END_GAP,
  )
  return curves
    .map(({ label, look }, i) => {
      const [from, at] = ends[i]
      const room = width - right - LEADER - 1
      const name = typeof label === 'string' ? fitted(label, SMALL, room) : label
      return (
        line([from, at], [right + LEADER - 1, heights[i]], { stroke: look.light, 'stroke-width': 0.35 }) +
        text(right + LEADER, heights[i] + 2.4, name, { 'font-size': SMALL, fill: look.light })
      )
    })
    .join('')
}

export const curvesPrint = (panel: CurvesPanel, box: Box): string => {
  const frame = frameOf(panel, box)
  const { y, left, right } = frame
  const zero = panel.zero && y.domain[0] <= 0 && y.domain[1] >= 0
  return [
    axes(frame, panel, tickText(frame.x.ticks), frame.yText),
    zero ? line([left, y.at(0)], [right, y.at(0)], { stroke: GREY, 'stroke-width': AXIS_LINE }) : '',
    stageMarks(panel, frame),
    // What is listed first lies on top.
    ...panel.curves.map((curve, i) => drawn(curve, i, frame)).reverse(),
    panel.ends ? endNames(panel, frame, box.width) : '',
  ].join('')
}
