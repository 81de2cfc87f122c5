// Probability by rank at one position, at two steps, both axes logarithmic: a squeeze lifts the head, drops the tail.
import type { WatchedPosition } from '@ldyn/runs'
import type { PanelModel } from '../panels/panel.ts'
import type { Seen } from '../panels/watched.ts'
import { logpOf, rankAt, storyOf, type Marked } from '../panels/watched-tokens.ts'
import { useApp } from '../shell/context.ts'

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 300, 54, 14, 12, 32]

const RankPlot = ({ then, now, marked }: { then: Seen; now: Seen; marked: readonly Marked[] }) => {
  const app = useApp()
  const curves = [then.position.curve, now.position.curve]
  const most = Math.max(...curves.flat().map(([rank]) => rank), 2)
  const floor = Math.max(Math.min(...curves.flat().map(([, logp]) => logp)), -32)
  const x = (rank: number): number => LEFT + (Math.log(rank) / Math.log(most)) * (WIDTH - LEFT - RIGHT)
  const y = (logp: number): number => TOP + (Math.max(logp, floor) / floor) * (HEIGHT - TOP - BOTTOM)
  const path = (curve: WatchedPosition['curve']): string =>
    curve
      .map(([rank, logp], i) => `${i === 0 ? 'M' : 'L'}${x(rank).toFixed(1)} ${y(logp).toFixed(1)}`)
      .join('')
  const decades = Array.from({ length: Math.floor(Math.log10(most)) + 1 }, (_, i) => 10 ** i)
  const depth = Math.floor(-floor / Math.LN10)
  const every = Math.max(1, Math.ceil(depth / 5))
  const powers = Array.from({ length: Math.floor(depth / every) + 1 }, (_, i) => i * every)
  const labels = marked.flatMap(({ id, name, look }) => {
    const [b, a] = [then.position, now.position].map(position => {
      const logp = logpOf(position, id)
      return logp === undefined ? undefined : { x: x(rankAt(position, id, logp)), y: y(logp) }
    })
    return a ? [{ id, name, colour: look[app.dark.value ? 'dark' : 'light'], a, b }] : []
  })
  // Labels that would cover each other move down.
  const sorted = [...labels].sort((p, q) => p.a.y - q.a.y)
  const heights = sorted.map(({ a }) => a.y)
  for (let i = 1; i < heights.length; i++) heights[i] = Math.max(heights[i], heights[i - 1] + 13)
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label="Probability by rank, both logarithmic"
    >
      {powers.map(power => (
        <g key={power}>
          <line
            class="grid"
            x1={LEFT}
            x2={WIDTH - RIGHT}
            y1={y(-power * Math.LN10)}
            y2={y(-power * Math.LN10)}
          />
          <text class="muted" x={LEFT - 6} y={y(-power * Math.LN10) + 4} text-anchor="end">
            {power === 0 ? '1' : `1e−${power}`}
          </text>
        </g>
      ))}
      {decades.map(rank => (
        <text key={rank} class="muted" x={x(rank)} y={HEIGHT - BOTTOM + 14} text-anchor="middle">
          {rank}
        </text>
      ))}
      <text class="muted" x={WIDTH - RIGHT} y={HEIGHT - 3} text-anchor="end">
        rank
      </text>
      <text class="muted" x={4} y={TOP + 2}>
        π
      </text>
      <path class="line past" d={path(then.position.curve)} />
      <path class="line" d={path(now.position.curve)} stroke-width={1.8} />
      {sorted.map(({ id, name, colour, a, b }, i) => (
        <g key={id}>
          {b && <line x1={b.x} y1={b.y} x2={a.x} y2={a.y} stroke={colour} stroke-width={1.4} />}
          {b && <circle cx={b.x} cy={b.y} r={4} fill="none" stroke={colour} stroke-width={1.8} />}
          <circle cx={a.x} cy={a.y} r={4.6} fill={colour} class="mean" />
          <text
            x={a.x > WIDTH * 0.7 ? a.x - 9 : a.x + 9}
            y={heights[i] - 6}
            text-anchor={a.x > WIDTH * 0.7 ? 'end' : 'start'}
          >
            {name}
          </text>
        </g>
      ))}
    </svg>
  )
}

export const rankPanel = (then: Seen, now: Seen, marked: readonly Marked[]): PanelModel => ({
  id: 'ranks',
  kind: 'drawn',
  title: `Probability by rank: step ${then.step} and step ${now.step}`,
  says: `Both axes logarithmic; dashed: step ${then.step}, solid: step ${now.step}; hollow circles then, filled now. A squeeze lifts the head and drops the tail. ${storyOf(then, now, marked)}.`,
  draw: () => <RankPlot then={then} now={now} marked={marked} />,
  table: () => {
    const ranks = [...new Set([...then.position.curve, ...now.position.curve].map(([rank]) => rank))]
    const at = (seen: Seen, rank: number) => seen.position.curve.find(([one]) => one === rank)?.[1]
    return {
      head: ['rank', `log π at step ${then.step}`, `log π at step ${now.step}`],
      rows: ranks.sort((a, b) => a - b).map(rank => [rank, at(then, rank), at(now, rank)]),
    }
  },
})
