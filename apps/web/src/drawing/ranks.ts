// Probability by rank at one place, at two times, both axes logarithmic: a squeeze lifts the head and drops the tail.
// The picture of the Squeeze page, for tokens at a watched position, and of the Lab, for the classes of its toy.
import { linear, tag, type Look } from '@ldyn/figures'
import { colour, line, power, svg, text, type Ink, type Size } from './ink.ts'

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
const RANKS = [0, 1, 2, 3, 4, 5].flatMap(exponent => [1, 2, 5].map(digit => digit * 10 ** exponent))

export const drawRanks = ({ before, after, marks }: RanksInput, size: Size, ink: Ink): string => {
  const { width, height } = size
  const all = [...before, ...after]
  const most = Math.max(2, ...all.map(([rank]) => rank))
  const log10 = (logp: number): number => Math.max(FLOOR, logp) / Math.LN10
  const least = Math.min(-1, Math.floor(Math.min(...all.map(([, logp]) => log10(logp)))))
  const y = linear([least, 0], [height - FOOT, TOP], 5, { least: 1 })
  const x = (rank: number): number => LEFT + (Math.log(rank) / Math.log(most)) * (width - LEFT - RIGHT)
  const at = ([rank, logp]: Ranked): readonly [number, number] => [x(rank), y.at(log10(logp))]
  const parts: string[] = [text(4, TOP - 8, 'π', ink.muted)]
  for (const tick of y.ticks) {
    parts.push(line(LEFT, y.at(tick), width - RIGHT, y.at(tick), ink.line))
    parts.push(text(LEFT - 5, y.at(tick) + 4, power(tick), ink.muted, 'end'))
  }
  const shown = RANKS.filter(rank => rank <= most && (most < 2000 || Math.log10(rank) % 1 === 0))
  for (const rank of shown) parts.push(text(x(rank), height - FOOT + 14, String(rank), ink.muted, 'middle'))
  parts.push(text(width - RIGHT, height - 3, 'rank', ink.muted, 'end'))
  const curve = (points: readonly Ranked[], stroke: string, dash?: string): string =>
    tag('path', {
      d: `M${points.map(point => at(point).map(value => value.toFixed(1)).join(' ')).join('L')}`,
      fill: 'none', stroke, 'stroke-width': 2, 'stroke-dasharray': dash,
    })
  parts.push(curve(before, ink.muted, '5 4'), curve(after, ink.ink))
  // Names that would cover each other move down.
  let free = -Infinity
  for (const mark of [...marks].sort((a, b) => at(a.after)[1] - at(b.after)[1])) {
    const stroke = colour(mark.look, ink)
    const [ax, ay] = at(mark.after)
    if (mark.before) {
      const [bx, by] = at(mark.before)
      parts.push(line(bx, by, ax, ay, stroke, { 'stroke-width': 1.4, 'stroke-dasharray': '2 2' }))
      parts.push(tag('circle', { cx: bx, cy: by, r: 4, fill: ink.paper, stroke, 'stroke-width': 1.8 }))
    }
    parts.push(tag('circle', { cx: ax, cy: ay, r: 4.6, fill: stroke, stroke: ink.paper }))
    const end = ax > width * 0.7
    free = Math.max(ay, free + 13)
    parts.push(text(end ? ax - 9 : ax + 9, free - 6, mark.name, ink.ink, end ? 'end' : 'start'))
  }
  return svg(size, 'Probability by rank, both logarithmic', parts)
}
