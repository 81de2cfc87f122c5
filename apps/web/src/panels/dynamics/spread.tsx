// Every probe at one step: a strip of ticks for each response type, so that a mean is never all there is to
// see.
import { inOrder, niceTicks, show, tickText } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import { columnsFor } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import { useApp } from '../../shell/context.ts'
import type { View } from '../../state/address.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { perText, textOf } from '../metrics.ts'
import type { PanelModel } from '../panel.ts'

export interface Strip {
  readonly type: string
  /** By probe, its row and its value. */
  readonly rows: readonly number[]
  readonly values: Float64Array
}

/** One value a probe and type at an evaluation, as the view shows it: per response or token, or as change. */
export const stripsAt = (
  run: LiveData,
  view: Pick<View, 'metric' | 'per' | 'change' | 'versus' | 'hidden'>,
  evaluation: number,
): readonly Strip[] => {
  const { probes } = run
  const all = run.rows.get(view.metric)
  const now = all?.[evaluation]
  if (!now || !probes) return []
  const then = view.change ? all[view.versus === undefined ? 0 : evaluationAt(run, view.versus)] : undefined
  const per = isSum(view.metric) ? view.per : 'response'
  return inOrder(run.types)
    .filter(({ key }) => !view.hidden.includes(key))
    .flatMap(({ key }): Strip[] => {
      const found = columnsFor(run, view.metric, key, per)
      if (!found) return []
      const { columns, by } = found
      const values = new Float64Array(columns.length)
      columns.forEach((i, k) => {
        values[k] = (now[i] - (then?.[i] ?? 0)) / by[k]
      })
      return [{ type: key, rows: columns.map(i => probes.columns[i].row), values }]
    })
}

const ROW = 22
const [WIDTH, LEFT, RIGHT] = [560, 118, 12]

type Across = (value: number) => number

/**
 * One tick a value, all in one path. A run that is live writes thousands of numbers here at every tick: tenths of a
 * pixel, as whole numbers, for a path that is drawn a tenth as wide.
 */
const ticksPath = (values: ArrayLike<number>, x: Across, top: number, tall: number): string => {
  let path = ''
  for (let k = 0; k < values.length; k++) path += `M${Math.round(10 * x(values[k]))} ${top}v${tall}`
  return path
}

interface StripProps {
  readonly strip: Strip
  readonly colour: string
  readonly x: Across
  readonly y: number
  readonly isChosen: (row: number) => boolean
}

const StripRow = ({ strip: { type, rows, values }, colour, x, y, isChosen }: StripProps) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const sorted = values.slice().sort()
  const [low, high] = [0.25, 0.75].map(q => x(sorted[Math.round((sorted.length - 1) * q)]))
  return (
    <g>
      <text x={LEFT - 8} y={y + 4} text-anchor="end">
        {type.length > 17 ? `${type.slice(0, 16)}…` : type}
      </text>
      <rect x={low} width={Math.max(1, high - low)} y={y - 5} height={10} fill={colour} opacity={0.16} />
      <path
        transform="scale(.1 1)"
        d={ticksPath(values, x, y - 5, 10)}
        stroke={colour}
        stroke-width={10}
        opacity={0.6}
      />
      {/* Those in focus stand out. */}
      <path
        transform="scale(.1 1)"
        d={ticksPath(
          values.filter((_, k) => isChosen(rows[k])),
          x,
          y - 9,
          18,
        )}
        stroke={colour}
        stroke-width={24}
      />
      <circle cx={x(mean)} cy={y} r={3.4} fill={colour} class="mean">
        <title>{`${type}: mean ${show(mean)}`}</title>
      </circle>
    </g>
  )
}

const Strips = ({ strips, unit }: { strips: readonly Strip[]; unit: string }) => {
  const app = useApp()
  const { probe, selected } = app.store.view.value
  const theme = app.dark.value ? 'dark' : 'light'
  let [low, high] = [Infinity, -Infinity]
  for (const { values } of strips)
    for (const value of values) {
      if (value < low) low = value
      if (value > high) high = value
    }
  const room = high > low ? (high - low) * 0.03 : 1
  const scale = (WIDTH - LEFT - RIGHT) / (high - low + 2 * room)
  const x: Across = value => LEFT + (value - low + room) * scale
  const ticks = niceTicks(low, high, 5)
  const labels = tickText(ticks)
  const foot = strips.length * ROW
  const looks = new Map(inOrder(strips.map(({ type }) => type)).map(({ key, look }) => [key, look]))
  const chosen = new Set(probe === undefined ? selected : [probe, ...selected])
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${WIDTH} ${foot + 34}`}
      role="img"
      aria-label="Every probe at this step, by response type"
    >
      {ticks.map((tick, i) => (
        <g key={tick}>
          <line class="grid" x1={x(tick)} x2={x(tick)} y1={0} y2={foot} />
          <text class="muted" x={x(tick)} y={foot + 14} text-anchor="middle">
            {labels[i]}
          </text>
        </g>
      ))}
      <text class="muted" x={(LEFT + WIDTH) / 2} y={foot + 31} text-anchor="middle">
        {unit}
      </text>
      {strips.map((strip, s) => (
        <StripRow
          key={strip.type}
          strip={strip}
          colour={looks.get(strip.type)![theme]}
          x={x}
          y={s * ROW + ROW / 2}
          isChosen={row => chosen.has(row)}
        />
      ))}
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
      rows: strips.flatMap(({ type, rows, values }) => rows.map((row, k) => [row, type, values[k]])),
    }),
  }
}
