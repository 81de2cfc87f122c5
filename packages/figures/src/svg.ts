/**
 * Line charts as SVG, written by hand: nothing is needed to make or to view one.
 *
 * Colours stand as attributes, so that every viewer and every print shows the light figure; where a style sheet is
 * understood and the screen is dark, the rules of `chartStyle` replace them. Beside colour every line has a dash, a
 * marker and its name at its end. Each step is a strip that shows its numbers when pointed at.
 */
import { bandAt, cut, describe, layOut, LETTER, rowsOf, textWidth, type Layout, type Size } from './chart-layout.ts'
import { coordinate, escape, path, tag, type Attributes } from './markup.ts'
import { show, withError } from './numbers.ts'
import { countedBy, type Line, type Panel } from './lines.ts'
import { looks, spareLook, type Look, type Marker } from './response-types.ts'

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
const INK = '#1d2430'
const MUTED = '#5b6472'
const GRID = '#e4e7ec'
const AXIS = '#9aa3b0'
export const HEADING = 22

const cssName = (look: Look): string => look.light.slice(1).toLowerCase()

/** Rules for dark screens and for pointing; a page has them once, a file that stands alone brings them along. */
export const chartStyle = (): string => {
  const all = [...Object.values(looks), ...Array.from({ length: 6 }, (_, i) => spareLook(i))]
  const dark = new Map(all.map((look) => [cssName(look), look.dark]))
  const rules = [...dark].map(
    ([name, colour]) => `.chart .s-${name}{stroke:${colour}}.chart .f-${name}{fill:${colour}}`,
  )
  return [
    '.chart .hair{opacity:0}.chart .step:hover .hair{opacity:1}',
    '@media screen and (prefers-color-scheme:dark){',
    '.chart .ink{fill:#e6e9ef}.chart .muted{fill:#a3acba}.chart .grid{stroke:#2a303b}.chart .axis{stroke:#5d6675}',
    '.chart .paper{fill:#14171d}.chart .halo{stroke:#14171d}',
    ...rules,
    '}',
  ].join('\n')
}

const text = (x: number, y: number, content: string, own: Attributes = {}): string =>
  tag('text', { x, y, class: 'ink', fill: INK, ...own }, escape(content))

/** A marker around a place, as the path of an SVG. */
export const markerPath = (marker: Marker, x: number, y: number, r: number): string => {
  switch (marker) {
    case 'circle':
      return `M${coordinate(x - r)} ${coordinate(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`
    case 'square':
      return `${path([
        [x - r, y - r],
        [x + r, y - r],
        [x + r, y + r],
        [x - r, y + r],
      ])}Z`
    case 'triangle':
      return `${path([
        [x, y - r * 1.2],
        [x + r * 1.15, y + r * 0.9],
        [x - r * 1.15, y + r * 0.9],
      ])}Z`
    case 'diamond':
      return `${path([
        [x, y - r * 1.35],
        [x + r * 1.35, y],
        [x, y + r * 1.35],
        [x - r * 1.35, y],
      ])}Z`
  }
}

/** Where the name of the horizontal axis begins: behind it, and behind its last number. */
const beside = (x: Layout['x'], xText: readonly string[], right: number): number =>
  Math.max(right + 12, ...x.ticks.slice(-1).map((tick) => x.at(tick) + textWidth(xText.at(-1)!) / 2 + 8))

const axes = (
  { x, y, xText, yText, left, right, top, bottom, below }: Layout,
  panel: Panel,
  heading: number,
): string =>
  [
    text(0, heading + 12, panel.unit, { class: 'muted', fill: MUTED }),
    ...y.ticks.flatMap((tick, i) => [
      tag('line', { class: 'grid', x1: left, x2: right, y1: y.at(tick), y2: y.at(tick), stroke: GRID }),
      text(left - 6, y.at(tick) + 3.8, yText[i], { 'text-anchor': 'end', class: 'muted', fill: MUTED }),
    ]),
    ...(panel.zero && y.domain[0] <= 0 && y.domain[1] >= 0
      ? [tag('line', { class: 'axis', x1: left, x2: right, y1: y.at(0), y2: y.at(0), stroke: AXIS })]
      : []),
    tag('line', { class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom, stroke: AXIS }),
    ...x.ticks.map((tick, i) =>
      text(x.at(tick), bottom + 15, xText[i], {
        'text-anchor': 'middle',
        class: 'muted',
        fill: MUTED,
      }),
    ),
    text(below ? left : beside(x, xText, right), bottom + (below ? 30 : 15), panel.xName ?? countedBy(panel.lines), {
      class: 'muted',
      fill: MUTED,
    }),
    ...stageNames(panel, { x, left, right }).map(({ at, name, isSwitch }) =>
      [
        isSwitch
          ? tag('line', {
              class: 'axis stage',
              x1: at,
              x2: at,
              y1: top - 12,
              y2: bottom,
              stroke: AXIS,
              'stroke-dasharray': '3 3',
            })
          : '',
        text(at + (isSwitch ? 4 : 0), top - 5, name, { class: 'muted', fill: MUTED, 'font-weight': 600 }),
      ].join(''),
    ),
  ].join('')

/** A stage's name stands at its beginning, cut where the next one begins. */
const stageNames = ({ stages }: Panel, { x, left, right }: Pick<Layout, 'x' | 'left' | 'right'>) => {
  const shown = stages.filter(({ step }) => step <= x.domain[1])
  return shown.flatMap(({ step, name }, i) => {
    const at = Math.max(left, x.at(step))
    const end = i + 1 < shown.length ? x.at(shown[i + 1].step) : right + 40
    const letters = Math.floor((end - at - 8) / LETTER)
    return [{ at, name: letters < 2 ? '' : cut(name, letters), isSwitch: i > 0 && step > x.domain[0] }]
  })
}

const band = (line: Line, { x, y }: Layout): string => {
  const { steps, se, low, high, look } = line
  if (steps.length < 2 || (!(low && high) && (!se || se.every((value) => value === 0)))) return ''
  const upper = steps.map((step, i) => [x.at(step), y.at(bandAt(line, i)[1])] as const)
  const lower = steps.map((step, i) => [x.at(step), y.at(bandAt(line, i)[0])] as const)
  return tag('path', {
    class: `band f-${cssName(look)}`,
    d: `${path([...upper, ...lower.reverse()])}Z`,
    fill: look.light,
    'fill-opacity': 0.13,
  })
}

const MARKER_ROOM = 9

const curve = (line: Line, { x, y }: Layout): string => {
  const { look, steps, mean } = line
  const raw = steps.map((step, i) => [x.at(step), y.at(mean[i])] as const)
  const points = line.smoothed ? steps.map((step, i) => [x.at(step), y.at(line.smoothed![i])] as const) : raw
  const room = points.length > 1 ? Math.abs(points.at(-1)![0] - points[0][0]) / (points.length - 1) : Infinity
  const colour = { class: `f-${cssName(look)}`, fill: look.light }
  return [
    line.smoothed
      ? tag('path', {
          class: `raw s-${cssName(look)}`,
          d: path(raw),
          fill: 'none',
          stroke: look.light,
          'stroke-width': 1,
          'stroke-opacity': 0.3,
        })
      : '',
    tag('path', {
      class: `line s-${cssName(look)}`,
      d: path(points),
      fill: 'none',
      stroke: look.light,
      'stroke-width': look.width,
      'stroke-dasharray': look.dash || undefined,
      'stroke-linejoin': 'round',
      'stroke-linecap': look.dash ? 'butt' : 'round',
    }),
    room >= MARKER_ROOM
      ? tag('path', {
          ...colour,
          d: points.map(([px, py]) => markerPath(look.marker, px, py, look.width > 2 ? 2.6 : 2.2)).join(''),
        })
      : '',
  ].join('')
}

const endLabels = ({ ends, right }: Layout): string =>
  ends
    .map(({ line: { look, key }, text: label, reading, x, y, labelY }) => {
      const stroke = { class: `s-${cssName(look)}`, stroke: look.light, fill: 'none' }
      const [from, to] = [right + 10, right + 28]
      return tag('g', { class: 'end' }, [
        tag('title', {}, escape(key)),
        tag('path', {
          ...stroke,
          d: path([
            [x + 3, y],
            [from, labelY],
          ]),
          'stroke-width': 0.7,
          'stroke-opacity': 0.55,
        }),
        tag('path', {
          ...stroke,
          d: path([
            [from, labelY],
            [to, labelY],
          ]),
          'stroke-width': look.width,
          'stroke-dasharray': look.dash || undefined,
        }),
        tag('path', {
          class: `f-${cssName(look)}`,
          fill: look.light,
          d: markerPath(look.marker, (from + to) / 2, labelY, 2.4),
        }),
        tag('text', { x: to + 4, y: labelY + 3.8, class: 'ink', fill: INK }, [
          escape(label),
          reading === undefined ? '' : tag('tspan', { class: 'muted', fill: MUTED }, escape(` ${reading}`)),
        ]),
      ])
    })
    .join('')

/** Strips from half-way to half-way between steps; pointing at one draws a hairline and names all values there. */
const strips = (panel: Panel, { x, left, right, top, bottom }: Layout): string => {
  const rows = rowsOf(panel)
  const at = rows.map(({ step }) => x.at(step))
  return rows
    .map(({ step, stage, values }, i) => {
      const from = i === 0 ? left : (at[i - 1] + at[i]) / 2
      const to = i === rows.length - 1 ? right : (at[i] + at[i + 1]) / 2
      const said = values.flatMap((value, l) => (value ? [`${panel.lines[l].key}  ${valueText(value)}`] : []))
      return tag('g', { class: 'step' }, [
        tag('rect', {
          x: from,
          y: top,
          width: Math.max(0.5, to - from),
          height: bottom - top,
          fill: 'none',
          'pointer-events': 'all',
        }),
        tag('line', {
          class: 'hair axis',
          x1: at[i],
          x2: at[i],
          y1: top,
          y2: bottom,
          stroke: AXIS,
          opacity: 0,
        }),
        tag('title', {}, escape([`${panel.xName ?? countedBy(panel.lines)} ${step} · ${stage}`, ...said].join('\n'))),
      ])
    })
    .join('')
}

export const valueText = ({ mean, se }: { readonly mean: number; readonly se?: number }): string =>
  se === undefined || se === 0 ? show(mean) : withError(mean, se).replace(/^\+/, '')

/** What is inside a chart's `<svg>`; `heading` writes the title above it, for figures that stand alone. */
export const content = (panel: Panel, size: Size, heading: boolean): string => {
  const room = heading ? HEADING : 0
  const layout = layOut(panel, size, room)
  return [
    heading ? text(0, 14, panel.title, { 'font-weight': 600, 'font-size': 13 }) : '',
    axes(layout, panel, room),
    ...panel.lines.map((line) => band(line, layout)),
    ...[...panel.lines].reverse().map((line) => curve(line, layout)),
    endLabels(layout),
    strips(panel, layout),
  ].join('')
}

export const root = (
  id: string,
  size: Size,
  title: string,
  desc: string,
  inner: string,
  alone: boolean,
): string =>
  tag(
    'svg',
    {
      xmlns: alone ? 'http://www.w3.org/2000/svg' : undefined,
      id,
      class: 'chart',
      viewBox: `0 0 ${size.width} ${size.height}`,
      width: alone ? size.width : undefined,
      height: alone ? size.height : undefined,
      role: 'img',
      'aria-labelledby': `${id}-title`,
      'aria-describedby': `${id}-desc`,
      'font-family': FONT,
      'font-size': 11,
      'font-variant-numeric': 'tabular-nums',
    },
    `${tag('title', { id: `${id}-title` }, escape(title))}${tag('desc', { id: `${id}-desc` }, escape(desc))}${inner}`,
  )

export const PANEL: Size = { width: 400, height: 272 }

/** A name that can be an id and part of a file name. */
export const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'x'

/** A slug for each name, told apart by a number where two would be the same. */
export const slugs = (names: readonly string[]): readonly string[] => {
  const taken = new Set<string>()
  return names.map((name) => {
    const base = slug(name)
    let free = base
    for (let i = 2; taken.has(free); i++) free = `${base}-${i}`
    taken.add(free)
    return free
  })
}

/** A chart for a page that has `chartStyle` already. */
export const chart = (panel: Panel, size: Size = PANEL, id: string = `chart-${slug(panel.id)}`): string =>
  root(id, size, panel.title, describe(panel), content(panel, size, false), false)
