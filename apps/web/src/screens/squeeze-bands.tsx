// Probability by bands of ranks along a response: over all steps as areas that add up to 1, and what each band gained
// between two steps.
import { niceTicks, show, signed, stageMarks, tickText } from '@ldyn/figures'
import type { LiveData } from '../data/live-run.ts'
import type { PanelModel } from '../panels/panel.ts'
import { useApp } from '../shell/context.ts'
import { BANDS, gains, squeezeIndex, type Mass } from './squeeze-data.ts'

// From the peak to the tail: dark to light, told apart in grey as well.
const SHADES = ['#5b2a86', '#8653ad', '#ac84ca', '#cfb5e2', '#e9dff2']
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 260, 40, 118, 18, 30]

const Bands = ({ mass, run, evaluation }: { mass: Mass; run: LiveData; evaluation: number }) => {
  const app = useApp()
  const { steps, means } = mass
  const [first, last] = [steps[0], steps.at(-1)!]
  const x = (step: number): number =>
    LEFT + (last > first ? (step - first) / (last - first) : 0) * (WIDTH - LEFT - RIGHT)
  const y = (share: number): number => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)
  const tops = means.map((_, b) =>
    steps.map((_step, e) => means.slice(0, b + 1).reduce((sum, mean) => sum + mean[e], 0)),
  )
  const ticks = niceTicks(first, last, 6, 1)
  const area = (b: number): string => {
    const upper = steps.map((step, e) => `${x(step).toFixed(1)} ${y(tops[b][e]).toFixed(1)}`)
    const lower = steps
      .map((step, e) => `${x(step).toFixed(1)} ${y(b === 0 ? 0 : tops[b - 1][e]).toFixed(1)}`)
      .reverse()
    return `M${[...upper, ...lower].join('L')}Z`
  }
  const at = (event: PointerEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    const step =
      first +
      ((((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT)) * (last - first)
    return steps.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best), first)
  }
  const ends = tops.map((top, b) => ({ b, middle: (top.at(-1)! + (b === 0 ? 0 : tops[b - 1].at(-1)!)) / 2 }))
  const heights = ends.map(({ middle }) => y(middle))
  for (let b = 1; b < heights.length; b++) heights[b] = Math.min(heights[b], heights[b - 1] - 13)
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label="Probability by bands of ranks over steps"
      onPointerMove={event => {
        app.ghost.value = at(event)
      }}
      onPointerLeave={() => {
        app.ghost.value = undefined
      }}
      onClick={event => app.store.set({ step: at(event as unknown as PointerEvent) })}
    >
      {means.map((_, b) => (
        <path key={b} d={area(b)} fill={SHADES[b]} />
      ))}
      {[0, 0.5, 1].map(share => (
        <text key={share} class="muted" x={LEFT - 6} y={y(share) + 4} text-anchor="end">
          {share}
        </text>
      ))}
      {ticks.map((tick, i) => (
        <text key={tick} class="muted" x={x(tick)} y={HEIGHT - BOTTOM + 14} text-anchor="middle">
          {tickText(ticks)[i]}
        </text>
      ))}
      <text class="muted" x={LEFT} y={HEIGHT - 2}>
        update
      </text>
      {stageMarks([run]).map(({ step, name }, i) => (
        <g key={name}>
          {i > 0 && (
            <line
              x1={x(step)}
              x2={x(step)}
              y1={TOP}
              y2={HEIGHT - BOTTOM}
              class="grid"
              stroke-dasharray="3 3"
            />
          )}
          <text class="muted" x={x(Math.max(first, step))} y={TOP - 5}>
            {name}
          </text>
        </g>
      ))}
      {mass.own && (
        <path
          d={mass.own.map((value, e) => `${e === 0 ? 'M' : 'L'}${x(steps[e])} ${y(value)}`).join('')}
          fill="none"
          stroke="#ffffff"
          stroke-width="3.6"
        />
      )}
      {mass.own && (
        <path
          d={mass.own.map((value, e) => `${e === 0 ? 'M' : 'L'}${x(steps[e])} ${y(value)}`).join('')}
          fill="none"
          stroke="#c04a00"
          stroke-width="1.8"
          stroke-dasharray="6 3"
        />
      )}
      {ends.map(({ b }) => (
        <g key={b}>
          <rect x={WIDTH - RIGHT + 8} y={heights[b] - 5} width={9} height={9} fill={SHADES[b]} class="mean" />
          <text x={WIDTH - RIGHT + 22} y={heights[b] + 4}>
            {BANDS[b].name}
          </text>
        </g>
      ))}
      <line
        x1={x(steps[evaluation])}
        x2={x(steps[evaluation])}
        y1={TOP}
        y2={HEIGHT - BOTTOM}
        class="at-step"
      />
    </svg>
  )
}

const GainBars = ({ moved }: { moved: readonly number[] }) => {
  const reach = Math.max(...moved.map(Math.abs), 1e-9)
  const x = (value: number): number => 320 + (value / reach) * 110
  return (
    <svg class="strips" viewBox="0 0 520 190" role="img" aria-label="Probability gained or lost by each band">
      <line class="grid" x1={320} x2={320} y1={0} y2={180} />
      {moved.map((value, b) => (
        <g key={BANDS[b].metric}>
          <text x={140} y={b * 36 + 23} text-anchor="end">
            {BANDS[b].name}
          </text>
          <rect
            x={Math.min(320, x(value))}
            y={b * 36 + 8}
            width={Math.max(1, Math.abs(x(value) - 320))}
            height={22}
            fill={SHADES[b]}
            class="mean"
          />
          <text
            x={value >= 0 ? x(value) + 6 : x(value) - 6}
            y={b * 36 + 23}
            text-anchor={value >= 0 ? 'start' : 'end'}
          >
            {signed(value)}
          </text>
        </g>
      ))}
    </svg>
  )
}

/** Both panels of the bands, or why there are none. */
export const bandPanels = (
  run: LiveData,
  mass: Mass | undefined,
  type: string,
  now: number,
  then: number,
): readonly PanelModel[] => {
  const title = `Where the probability is: along ${type}`
  const says =
    'The next-token distribution at each position of the response, by rank: mean over its tokens, then over probes; the five bands add up to 1. Dashed: the probability of the response’s own tokens.'
  if (!mass) {
    const holds = BANDS.every(({ metric }) => run.manifest.columns.metrics.includes(metric))
    if (holds && run.evaluations.length > 0) return [{ id: 'bands', kind: 'loading', title, says }]
    return [
      {
        id: 'bands',
        kind: 'missing',
        title,
        says,
        missing: run.manifest.imported
          ? { what: 'The imported log does not hold the probability by ranks.' }
          : {
              what: 'The probability by ranks was not recorded.',
              command: 'ldyn train … --set observe.bands=true',
            },
      },
    ]
  }
  const moved = gains(mass, then, now)
  const index = squeezeIndex(moved)
  const [a, b] = [mass.steps[then], mass.steps[now]]
  return [
    {
      id: 'bands',
      kind: 'drawn',
      title,
      says: `${says} ${mass.n} probes.`,
      draw: () => <Bands mass={mass} run={run} evaluation={now} />,
      table: () => ({
        head: ['step', 'stage', ...BANDS.map(({ metric }) => metric), ...(mass.own ? ['own tokens'] : [])],
        rows: mass.steps.map((step, e) => [
          step,
          mass.stages[e],
          ...mass.means.map(mean => mean[e]),
          ...(mass.own ? [mass.own[e]] : []),
        ]),
      }),
    },
    {
      id: 'gained',
      kind: 'drawn',
      title: `What moved from step ${a} to step ${b}`,
      says:
        `The likeliest token’s probability went from ${show(mass.means[0][then])} to ${show(mass.means[0][now])}${mass.own ? `, the response’s own tokens’ from ${show(mass.own[then])} to ${show(mass.own[now])}` : ''}. ` +
        (index === undefined
          ? 'The likeliest token gained nothing, so nothing was squeezed into it.'
          : `Of all probability that changed bands, ${show(index * 100)} % went to the likeliest token.`),
      notes:
        index !== undefined && index > 0.5 && mass.own !== undefined && mass.own[now] < mass.own[then]
          ? [
              'CAUTION: probability left the response’s own tokens and most of what moved went to the likeliest one: the squeezing effect.',
            ]
          : [],
      draw: () => <GainBars moved={moved} />,
      table: () => ({
        head: ['band', `step ${a}`, `step ${b}`, 'change'],
        rows: BANDS.map(({ name }, i) => [name, mass.means[i][then], mass.means[i][now], moved[i]]),
      }),
    },
  ]
}
