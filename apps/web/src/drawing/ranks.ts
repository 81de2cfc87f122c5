// Probability by rank at one place, at two times, both axes logarithmic: a squeeze lifts the head and drops the tail.
// The picture of the Squeeze page, for tokens at a watched position, and of the Lab, for the classes of its toy.
import { bent, linear, tag, type Look } from '@ldyn/figures'
import { colour, line, over, power, svg, text, type Drawing, type Ink, type Size } from './ink.ts'
import { along, placeNames, type Spot } from './place-names.ts'

/** Rank, from 1, and log π, in nats. */
export type Ranked = readonly [rank: number, logp: number]

export interface RanksInput {
  /** By rising rank: all ranks, or enough of them. */
  readonly before: readonly Ranked[]
  readonly after: readonly Ranked[]
  /** What has a name, where it stood and where it stands. */
  readonly marks: readonly {
    readonly name: string
    readonly look: Look
    readonly before: Ranked | undefined
    readonly after: Ranked
  }[]
}

/** The axis ends here, in nats: what lies below is drawn there. */
const FLOOR = -16 * Math.LN10
const [LEFT, RIGHT, TOP, FOOT] = [46, 16, 24, 32]

export const drawRanks = ({ before, after, marks }: RanksInput, size: Size, ink: Ink): string => {
  const { width, height } = size
  const all = [...before, ...after]
  const most = Math.max(2, ...all.map(([rank]) => rank))
  const log10 = (logp: number): number => Math.max(FLOOR, logp) / Math.LN10
  const least = Math.min(-1, Math.floor(Math.min(...all.map(([, logp]) => log10(logp)))))
  const y = linear([least, 0], [height - FOOT, TOP], 5, { least: 1 })
  const x = bent([1, most], [LEFT, width - RIGHT], 'log', 36)
  const at = ([rank, logp]: Ranked): readonly [number, number] => [x.at(rank), y.at(log10(logp))]
  const parts: string[] = [text(4, TOP - 8, 'π', ink.muted)]
  for (const tick of y.ticks) {
    parts.push(line(LEFT, y.at(tick), width - RIGHT, y.at(tick), ink.line))
    parts.push(text(LEFT - 5, y.at(tick) + 4, power(tick), ink.muted, 'end'))
  }
  for (const rank of x.ticks) parts.push(text(x.at(rank), height - FOOT + 14, String(rank), ink.muted, 'middle'))
  parts.push(text(width - RIGHT, height - 3, 'rank', ink.muted, 'end'))
  const curve = (points: readonly Ranked[], stroke: string, dash?: string): string =>
    tag('path', {
      d: `M${points.map(point => at(point).map(value => value.toFixed(1)).join(' ')).join('L')}`,
      fill: 'none', stroke, 'stroke-width': 2, 'stroke-dasharray': dash,
    })
  parts.push(curve(before, ink.muted, '5 4'), curve(after, ink.ink))
  const names: Spot[] = []
  const starts: Spot[] = []
  for (const mark of marks) {
    const stroke = colour(mark.look, ink)
    const [ax, ay] = at(mark.after)
    if (mark.before) {
      const [bx, by] = at(mark.before)
      parts.push(line(bx, by, ax, ay, stroke, { 'stroke-width': 1.4, 'stroke-dasharray': '2 2' }))
      parts.push(tag('circle', { cx: bx, cy: by, r: 4, fill: ink.paper, stroke, 'stroke-width': 1.8 }))
      starts.push({ x: bx, y: by, radius: 4, name: '' })
    }
    parts.push(tag('circle', { cx: ax, cy: ay, r: 4.6, fill: stroke, stroke: ink.paper }))
    names.push({ x: ax, y: ay, radius: 4.6, name: mark.name })
  }
  const plot = { left: LEFT, right: width, top: 0, bottom: height - FOOT }
  const lines = [...along(before.map(at)), ...along(after.map(at))]
  placeNames(names, plot, { others: starts, lines }).forEach((placed, i) => {
    if (placed.leader) parts.push(line(...placed.leader, ink.edge))
    parts.push(text(placed.x, placed.y, marks[i].name, ink.ink, placed.anchor, over(ink)))
  })
  return svg(size, 'Probability by rank, both logarithmic', parts)
}

export const ranksDrawing = (input: RanksInput, height: number): Drawing => ({
  height,
  draw: (size, ink) => drawRanks(input, size, ink),
})
