// One row of a kernel: what an update on response i does to every other, as bars, with the texts of both.
import { looks, show } from '@ldyn/figures'
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { heightAt } from '../../drawing/ink.ts'
import { rowAt, rowsDrawing } from '../../drawing/row-bars.ts'
import { lookOf } from '../../panels/types.ts'
import { NORM_TEXT } from '../../panels/gram/gram.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { useApp, type App } from '../../shell/context.ts'
import { asFile, Picture } from '../../shell/panel/drawn.tsx'
import { probeIndex } from './data.ts'
import type { Shown } from './use.ts'

interface Entry {
  readonly place: number
  readonly row: number
  readonly type: string
  readonly value: number
}

const MOST = 24

/** The strongest on either side, strongest first. */
const shownOf = (entries: readonly Entry[]): readonly Entry[] => {
  const sorted = [...entries].sort((a, b) => b.value - a.value)
  return sorted.length <= MOST ? sorted : [...sorted.slice(0, MOST / 2), ...sorted.slice(-MOST / 2)]
}

const drawingOf = (shown: readonly Entry[], run: LiveData, unit: string) =>
  rowsDrawing(
    shown.map(({ row, type, value }) => ({
      name: `#${row} ${type}`,
      look: run.types.includes(type) ? lookOf(run.types, type) : looks.initial,
      values: [value],
    })),
    { unit: `K${unit && ` (${unit})`}`, alt: 'Kernel of this response with others; the table has all', write: show },
  )

const Bars = ({ shown, run, unit }: { shown: readonly Entry[]; run: LiveData; unit: string }) => {
  const app = useApp()
  const drawing = useMemo(() => drawingOf(shown, run, unit), [shown, run, unit])
  return (
    <div
      class="points whole"
      onClick={event => {
        const { top, width } = event.currentTarget.getBoundingClientRect()
        const at = rowAt(event.clientY - top, shown.length, heightAt(drawing, width))
        const { cell } = app.store.view.peek()
        if (cell && at !== undefined) app.store.set({ cell: [cell[0], shown[at].place] })
      }}
    >
      <Picture id="profile" {...drawing} />
    </div>
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
  const title = `What an update on #${self.row} ${self.type} does to the others`
  const shown = shownOf(entries)
  return {
    id: 'profile',
    kind: 'drawn',
    title,
    svg: () => asFile(title, drawingOf(shown, run, unit)),
    says: `Row i of the map${i === undefined ? ' (the first; click a cell for another)' : ''}: its kernel with every other response, ${entries.length > MOST ? `the ${MOST / 2} strongest on either side` : 'strongest first'}. ${best ? `Moves most: #${best.row} ${best.type}, ${show(best.value)}${unit && ` ${unit}`}.` : ''}`,
    draw: () => (
      <div class="profile">
        <Bars shown={shown} run={run} unit={unit} />
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
