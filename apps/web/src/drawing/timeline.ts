// A bar an update, stacked by the parts that its prediction is the sum of, with what was predicted in all as a line and
// what happened as a circle over it.
import { escape, signed, tag, type Look } from '@ldyn/figures'
import { drawKey, keyHeight, type KeyItem } from './key.ts'
import { colour, line, svg, text, type Drawing, type Ink, type Size } from './ink.ts'
import { everyNth, upwards } from './ticks.ts'

export interface TimelineBar {
  readonly step: number
  readonly stage: string
  readonly predicted: number
  readonly actual: number
  /** They add up to `predicted`. */
  readonly parts: ReadonlyMap<string, number>
}

export interface PartLook {
  /** In `parts`. */
  readonly part: string
  /** In the key. */
  readonly name: string
  readonly look: Look
  readonly opacity: number
}

export interface TimelineInput {
  readonly bars: readonly TimelineBar[]
  readonly parts: readonly PartLook[]
  /** The update in focus. */
  readonly at: number
  /** Steps that are summed up, both included. */
  readonly chosen?: readonly [number, number]
}

const [RIGHT, TOP, FOOT, PLOT] = [12, 18, 24, 150]

/** Positive parts are stacked up from 0, negative ones down. */
export const stackOf = (
  parts: ReadonlyMap<string, number>,
): readonly { readonly name: string; readonly from: number; readonly to: number }[] => {
  let [up, down] = [0, 0]
  return [...parts].map(([name, value]) => {
    const from = value >= 0 ? up : down
    const to = from + value
    if (value >= 0) up = to
    else down = to
    return { name, from, to }
  })
}

/** What a bar of each part is called: parts of one stage alone say which, since stages share colours. */
export const partNames = (bars: readonly Pick<TimelineBar, 'stage' | 'parts'>[]): ReadonlyMap<string, string> => {
  const stages = new Map<string, Set<string>>()
  for (const { stage, parts } of bars)
    for (const part of parts.keys()) stages.set(part, (stages.get(part) ?? new Set()).add(stage))
  const many = new Set(bars.map(({ stage }) => stage)).size > 1
  return new Map(
    [...stages].map(([part, own]) => [part, many && own.size === 1 ? `${part} (${[...own][0]})` : part]),
  )
}

const LEFT = 46
const slotOf = (bars: number, width: number): number => (width - LEFT - RIGHT) / bars

/** The bar at this place of a picture so wide: the nearest one. */
export const barAt = (x: number, bars: number, width: number): number =>
  Math.min(bars - 1, Math.max(0, Math.floor((x - LEFT) / slotOf(bars, width))))

const keyOf = (parts: readonly PartLook[], ink: Ink): readonly KeyItem[] => [
  ...parts.map(({ name, look, opacity }): KeyItem => ({
    name,
    mark: (x, y) => tag('rect', { x: x - 5, y: y - 5, width: 10, height: 10, rx: 2, fill: colour(look, ink), 'fill-opacity': opacity }),
  })),
  { name: 'predicted in all', mark: (x, y) => line(x - 6, y, x + 6, y, ink.ink, { 'stroke-width': 1.6 }) },
  { name: 'actual', mark: (x, y) => circle(x, y, 3.5, ink) },
]
const circle = (x: number, y: number, r: number, ink: Ink, inner = ''): string =>
  tag('circle', { cx: x, cy: y, r, fill: ink.paper, stroke: ink.ink, 'stroke-width': 1.4 }, inner)

const drawTimeline = ({ bars, parts, at, chosen }: TimelineInput, size: Size, ink: Ink): string => {
  const { width, height } = size
  const items = keyOf(parts, ink)
  const bottom = height - FOOT - keyHeight(items, width - LEFT)
  const stacks = bars.map(bar => stackOf(bar.parts))
  const ends = [0, ...bars.map(({ actual }) => actual), ...stacks.flat().map(({ to }) => to)]
  const [low, high] = ends.reduce(([a, b], end) => [Math.min(a, end), Math.max(b, end)], [0, 0])
  const y = upwards([low, high > low ? high : low + 1], [bottom, TOP])
  const slot = slotOf(bars.length, width)
  const x = (i: number): number => LEFT + i * slot
  const looks = new Map(parts.map(part => [part.part, part]))
  const marks: string[] = []
  const whole = (i: number, own: Record<string, string | number>): string =>
    tag('rect', { x: x(i), width: slot, y: TOP, height: bottom - TOP, ...own })
  if (chosen)
    bars.forEach(({ step }, i) => {
      if (step >= chosen[0] && step <= chosen[1]) marks.push(whole(i, { fill: ink.accent, opacity: 0.16 }))
    })
  y.ticks.forEach((tick, i) => {
    marks.push(line(LEFT, y.at(tick), width - RIGHT, y.at(tick), ink.line))
    marks.push(text(LEFT - 6, y.at(tick) + 4, y.labels[i], ink.muted, 'end'))
  })
  bars.forEach(({ stage }, i) => {
    if (i > 0 && bars[i - 1].stage === stage) return
    if (i > 0) marks.push(line(x(i), TOP, x(i), bottom, ink.edge, { 'stroke-dasharray': '3 3' }))
    marks.push(text(x(i), TOP - 6, stage, ink.muted))
  })
  const every = everyNth(bars.map(({ step }) => String(step)), slot)
  bars.forEach(({ step, actual, predicted }, i) => {
    const hint = (told: string): string => tag('title', {}, escape(`update ${step}, ${told}`))
    for (const { name, from, to } of stacks[i]) {
      const { look, opacity } = looks.get(name)!
      const tall = Math.max(0.5, Math.abs(y.at(from) - y.at(to)))
      const box = { x: x(i) + slot * 0.14, width: Math.max(1, slot * 0.72), y: y.at(Math.max(from, to)), height: tall }
      marks.push(tag('rect', { ...box, fill: colour(look, ink), 'fill-opacity': opacity }, hint(`${name}: ${signed(to - from)}`)))
    }
    marks.push(
      tag('line', { x1: x(i), x2: x(i) + slot, y1: y.at(predicted), y2: y.at(predicted), stroke: ink.ink, 'stroke-width': 1.6 },
        hint(`predicted in all: ${signed(predicted)}`)),
      circle(x(i) + slot / 2, y.at(actual), Math.min(4, Math.max(2, slot * 0.2)), ink, hint(`actual: ${signed(actual)}`)),
    )
    if (i % every === 0) marks.push(text(x(i) + slot / 2, bottom + 14, String(step), ink.muted, 'middle'))
    if (step === at) marks.push(whole(i, { fill: 'none', stroke: ink.accent, 'stroke-width': 1.5 }))
  })
  marks.push(line(LEFT, y.at(0), width - RIGHT, y.at(0), ink.edge))
  marks.push(...drawKey(items, { left: LEFT, top: bottom + FOOT, width: width - LEFT }, ink))
  return svg(size, `${bars.length} recorded updates; the table has every number`, marks)
}

/** Throws RangeError where a number is none. */
export const timelineDrawing = (input: TimelineInput): Drawing => {
  const named = [...input.parts.map(({ name }) => name), 'predicted in all', 'actual']
  const items = named.map(name => ({ name, mark: () => '' }))
  return {
    height: (width, room) => Math.max(room, TOP + PLOT + FOOT + keyHeight(items, width - LEFT)),
    draw: (size, ink) => drawTimeline(input, size, ink),
    fileWidth: 900,
  }
}
