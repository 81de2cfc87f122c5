// One row of a kernel: what an update on response i does to every other, as bars, with the texts of both.
import { looks, show } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import { lookOf } from '../../panels/types.ts'
import { NORM_TEXT } from '../../panels/gram/gram.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { useApp, type App } from '../../shell/context.ts'
import { probeIndex } from './data.ts'
import type { Shown } from './use.ts'

interface Entry {
  readonly place: number
  readonly row: number
  readonly type: string
  readonly value: number
}

const MOST = 24

const Bars = ({ entries, run, unit }: { entries: readonly Entry[]; run: LiveData; unit: string }) => {
  const app = useApp()
  const sorted = [...entries].sort((a, b) => b.value - a.value)
  const shown = sorted.length <= MOST ? sorted : [...sorted.slice(0, MOST / 2), ...sorted.slice(-MOST / 2)]
  const reach = Math.max(...shown.map(({ value }) => Math.abs(value)), 1e-12)
  const [left, width, high] = [150, 560, 17]
  const low = Math.min(0, ...shown.map(({ value }) => value))
  const zero = low < 0 ? left + (width - left - 60) * (-low / (reach - low)) : left
  const x = (value: number): number => zero + (value / reach) * (width - 60 - zero)
  const scale = (value: number): number => (value >= 0 ? x(value) : zero - (value / low) * (zero - left))
  return (
    <svg
      class="strips"
      viewBox={`0 0 ${width} ${shown.length * high + 6}`}
      role="img"
      aria-label="Kernel of this response with others; the table has all"
    >
      {shown.map(({ place, row, type, value }, k) => {
        const look = run.types.includes(type) ? lookOf(run.types, type) : looks.initial
        const end = scale(value)
        return (
          <g
            key={place}
            class="clickable"
            onClick={() => {
              const { cell } = app.store.view.peek()
              if (cell) app.store.set({ cell: [cell[0], place] })
            }}
          >
            <text x={left - 6} y={k * high + 13} text-anchor="end">
              #{row} {type}
            </text>
            <rect
              x={Math.min(zero, end)}
              width={Math.max(1, Math.abs(end - zero))}
              y={k * high + 3}
              height={high - 5}
              fill={look[app.dark.value ? 'dark' : 'light']}
            />
            <text class="muted" x={value >= 0 ? end + 5 : zero + 5} y={k * high + 13}>
              {show(value)} {unit}
            </text>
          </g>
        )
      })}
      <line class="grid" x1={zero} x2={zero} y1={0} y2={shown.length * high} />
    </svg>
  )
}

const Text = ({
  app,
  run,
  row,
  type,
  name,
}: {
  app: App
  run: LiveData
  row: number
  type: string
  name: string
}) => {
  const index = probeIndex(run, row)
  const probe = index === undefined ? undefined : run.probes?.rows[index]
  return (
    <div>
      <p>
        <b>{name}</b>: #{row} {type}{' '}
        {index !== undefined && (
          <a class="on-page" href={app.store.link({ page: 'update', probe: index, type, cell: undefined })}>
            what updates did to it
          </a>
        )}
      </p>
      {probe ? (
        <>
          <p class="muted">{probe.prompt.trim().slice(-300)}</p>
          <p>{probe.responses[type] ?? ''}</p>
        </>
      ) : (
        <p class="muted">The run does not watch this probe, so its text is not known here.</p>
      )}
    </div>
  )
}

export const profilePanel = (
  app: App,
  run: LiveData,
  { gram, ordered, now: values, norm }: Shown,
  i: number | undefined,
  j: number | undefined,
): PanelModel => {
  const { unit } = NORM_TEXT[norm]
  const row = i ?? 0
  const probeAt = (place: number) => gram.probes[ordered[place]]
  const entries = ordered.flatMap((_, place): Entry[] => {
    const value = values[row * gram.n + place]
    return place === row || !Number.isFinite(value)
      ? []
      : [{ place, row: probeAt(place).row, type: probeAt(place).type, value }]
  })
  const self = probeAt(row)
  const best = entries.reduce<Entry | undefined>((a, b) => (!a || b.value > a.value ? b : a), undefined)
  const other = j !== undefined && j < gram.n && j !== row ? j : best?.place
  return {
    id: 'profile',
    kind: 'drawn',
    title: `What an update on #${self.row} ${self.type} does to the others`,
    says: `Row i of the map${i === undefined ? ' (the first; click a cell for another)' : ''}: its kernel with every other response, ${entries.length > MOST ? `the ${MOST / 2} strongest on either side` : 'strongest first'}. ${best ? `Moves most: #${best.row} ${best.type}, ${show(best.value)}${unit && ` ${unit}`}.` : ''}`,
    draw: () => (
      <div class="profile">
        <Bars entries={entries} run={run} unit={unit} />
        <div class="both-texts">
          <Text app={app} run={run} row={self.row} type={self.type} name="i" />
          {other !== undefined && (
            <Text app={app} run={run} row={probeAt(other).row} type={probeAt(other).type} name="j" />
          )}
        </div>
      </div>
    ),
    table: () => ({
      head: ['j', 'probe', 'type', 'K_ij'],
      rows: ordered.map((_, place) => [
        place,
        probeAt(place).row,
        probeAt(place).type,
        values[row * gram.n + place],
      ]),
    }),
  }
}
