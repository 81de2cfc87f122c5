// Every probe at one step: a strip of ticks for each response type, so that a mean is never all there is to
// see.
import { inOrder, niceTicks, show, tickText } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import { columnsFor } from '../data/curves.ts'
import type { LiveData } from '../data/live-run.ts'
import { useApp } from '../shell/context.ts'
import type { View } from '../state/address.ts'
import { evaluationAt, perText, textOf } from './dynamics.ts'
import type { PanelModel } from './panel.ts'

export interface Strip {
  readonly type: string
  readonly values: readonly { readonly row: number; readonly value: number }[]
}

/** One value a probe and type at an evaluation, as the view shows it: per response or token, or as change. */
export const stripsAt = (
  run: LiveData,
  view: Pick<View, 'metric' | 'per' | 'change' | 'versus' | 'hidden'>,
  evaluation: number,
): readonly Strip[] => {
  const rows = run.rows.get(view.metric)
  const row = rows?.[evaluation]
  if (!row || !run.probes) return []
  const base = view.change ? rows[view.versus === undefined ? 0 : evaluationAt(run, view.versus)] : undefined
  const per = isSum(view.metric) ? view.per : 'response'
  return inOrder(run.types)
    .filter(({ key }) => !view.hidden.includes(key))
    .flatMap(({ key }): Strip[] => {
      const found = columnsFor(run, view.metric, key, per)
      return found
        ? [
            {
              type: key,
              values: found.columns.map((i, k) => ({
                row: run.probes!.columns[i].row,
                value: (row[i] - (base?.[i] ?? 0)) / found.by[k],
              })),
            },
          ]
        : []
    })
}

const ROW = 22
const [WIDTH, LEFT, RIGHT] = [560, 118, 12]

const Strips = ({ strips, unit }: { strips: readonly Strip[]; unit: string }) => {
  const app = useApp()
  const { probe, selected } = app.store.view.value
  const dark = app.dark.value
  const all = strips.flatMap(strip => strip.values.map(({ value }) => value))
  const [low, high] = all.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity])
  const room = high > low ? (high - low) * 0.03 : 1
  const x = (value: number): number =>
    LEFT + ((value - low + room) / (high - low + 2 * room)) * (WIDTH - LEFT - RIGHT)
  const ticks = niceTicks(low, high, 5)
  const height = strips.length * ROW + 34
  const types = inOrder(strips.map(({ type }) => type))
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${WIDTH} ${height}`}
      role="img"
      aria-label="Every probe at this step, by response type"
    >
      {ticks.map((tick, i) => (
        <g key={tick}>
          <line class="grid" x1={x(tick)} x2={x(tick)} y1={0} y2={strips.length * ROW} />
          <text class="muted" x={x(tick)} y={strips.length * ROW + 14} text-anchor="middle">
            {tickText(ticks)[i]}
          </text>
        </g>
      ))}
      <text class="muted" x={(LEFT + WIDTH) / 2} y={height - 3} text-anchor="middle">
        {unit}
      </text>
      {strips.map(({ type, values }, s) => {
        const look = types.find(({ key }) => key === type)!.look
        const y = s * ROW + ROW / 2
        const mean = values.reduce((sum, { value }) => sum + value, 0) / values.length
        const sorted = Float64Array.from(values, ({ value }) => value).sort()
        const quartile = (q: number): number => sorted[Math.round((sorted.length - 1) * q)]
        return (
          <g key={type}>
            <text x={LEFT - 8} y={y + 4} text-anchor="end">
              {type.length > 17 ? `${type.slice(0, 16)}…` : type}
            </text>
            <rect
              x={x(quartile(0.25))}
              width={Math.max(1, x(quartile(0.75)) - x(quartile(0.25)))}
              y={y - 5}
              height={10}
              fill={look[dark ? 'dark' : 'light']}
              opacity={0.16}
            />
            {/* One path for all, since there may be thousands; those in focus stand out. */}
            <path
              d={values.map(({ value }) => `M${x(value).toFixed(1)} ${y - 5}v10`).join('')}
              stroke={look[dark ? 'dark' : 'light']}
              opacity={0.6}
            />
            <path
              d={values
                .filter(({ row }) => row === probe || selected.includes(row))
                .map(({ value }) => `M${x(value).toFixed(1)} ${y - 9}v18`)
                .join('')}
              stroke={look[dark ? 'dark' : 'light']}
              stroke-width={2.4}
            />
            <circle cx={x(mean)} cy={y} r={3.4} fill={look[dark ? 'dark' : 'light']} class="mean">
              <title>{`${type}: mean ${show(mean)}`}</title>
            </circle>
          </g>
        )
      })}
    </svg>
  )
}

/** The strips as a panel. */
export const spreadPanel = (run: LiveData, view: View, evaluation: number): PanelModel => {
  const at = run.evaluations[evaluation]
  const { title, unit } = textOf(view.metric)
  const id = 'spread'
  const name = at ? `Every probe at step ${at.step}` : 'Every probe'
  const says = `${view.change ? 'Δ ' : ''}${title}, ${perText(view.metric, view.per)}: one tick a probe, the box is the middle half, the dot the mean.`
  const strips = stripsAt(run, view, evaluation)
  if (strips.length === 0) {
    return run.manifest.columns.metrics.includes(view.metric) && !run.rows.has(view.metric)
      ? { id, kind: 'loading', title: name, says }
      : {
          id,
          kind: 'missing',
          title: name,
          says,
          missing: { what: 'The run holds no values of this metric by probe.' },
        }
  }
  if (run.manifest.imported?.meansOnly) {
    return {
      id,
      kind: 'missing',
      title: name,
      says,
      missing: { what: 'The imported log holds means over the probes alone, no single ones.' },
    }
  }
  return {
    id,
    kind: 'drawn',
    title: name,
    says,
    draw: () => (
      <Strips
        strips={strips}
        unit={`${view.change ? 'Δ ' : ''}${title}, ${perText(view.metric, view.per)}${unit && ` (${unit})`}`}
      />
    ),
    table: () => ({
      head: ['probe', 'type', title],
      rows: strips.flatMap(({ type, values }) => values.map(({ row, value }) => [row, type, value])),
    }),
  }
}
