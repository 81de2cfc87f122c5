// Probes as a list sorted by how far one response type moved: the way from a mean to the examples behind it.
// Rows are drawn only where they are seen, so that thousands cost nothing.
import { show, signed } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import { useRef, useState } from 'preact/hooks'
import { columnsFor } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import { typeInFocus } from '../../panels/dynamics/grouping.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { lookOf } from '../../panels/types.ts'
import { perText, textOf } from '../../panels/metrics.ts'
import type { App } from '../../shell/context.ts'
import { useGrown } from '../../shell/panel/kept.ts'
import { useSeen } from '../../shell/near.ts'
import { SparkLine } from '../../shell/spark.tsx'
import type { View } from '../../state/address.ts'
import { TypeChoice } from '../type-choice.tsx'

export interface ProbeItem {
  readonly row: number
  readonly prompt: string
  readonly value: number
  readonly change: number
  readonly column: number
  readonly by: number
}

/** Probes that have this type, found by text (or /expression/), sorted. Changes count from `versus`. */
export const probeItems = (
  run: LiveData,
  view: Pick<View, 'metric' | 'per' | 'step' | 'versus' | 'type' | 'find' | 'sort'>,
): readonly ProbeItem[] => {
  const type = typeInFocus(run, view)
  const rows = run.rows.get(view.metric)
  const found =
    type === undefined || !rows
      ? undefined
      : columnsFor(run, view.metric, type, isSum(view.metric) ? view.per : 'response')
  const now = rows?.[evaluationAt(run, view.step)]
  const then = rows?.[view.versus === undefined ? 0 : evaluationAt(run, view.versus)]
  if (!found || !now || !then || !run.probes) return []
  const keep = matcher(view.find)
  const items: ProbeItem[] = []
  found.columns.forEach((column, k) => {
    const { row } = run.probes!.columns[column]
    const { prompt, responses } = run.probes!.rows[row]
    if (keep && !keep(`${prompt}\n${responses[type!] ?? ''}`)) return
    const by = found.by[k]
    items.push({ row, prompt, column, by, value: now[column] / by, change: (now[column] - then[column]) / by })
  })
  const order: Record<string, (a: ProbeItem, b: ProbeItem) => number> = {
    fell: (a, b) => a.change - b.change,
    rose: (a, b) => b.change - a.change,
    row: (a, b) => a.row - b.row,
    value: (a, b) => a.value - b.value,
  }
  return items.sort((a, b) => (order[view.sort] ?? order.fell)(a, b) || a.row - b.row)
}

/** Why a search means nothing; undefined where it does. */
export const wrongSearch = (text: string): string | undefined => {
  const expression = /^\/(.+)\/$/.exec(text)
  if (!expression) return undefined
  try {
    new RegExp(expression[1], 'i')
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const matcher = (text: string): ((where: string) => boolean) | undefined => {
  if (text === '') return undefined
  const expression = /^\/(.+)\/$/.exec(text)
  if (expression) {
    try {
      const found = new RegExp(expression[1], 'i')
      return where => found.test(where)
    } catch {
      return () => true
    }
  }
  const words = text.toLowerCase()
  return where => where.toLowerCase().includes(words)
}

const ROW = 34

interface Props {
  readonly app: App
  readonly run: LiveData
  readonly height: number
}

/** The list, which follows a run that grows while it is seen. */
export const ProbeList = ({ app, run, height }: Props) => {
  const place = useRef<HTMLElement>(null)
  return useGrown([run], [height], useSeen(place), () => (
    <List app={app} run={run} height={height} place={place} />
  ))
}

const List = ({ app, run, height, place }: Props & { readonly place: { current: HTMLElement | null } }) => {
  const view = app.store.view.value
  const [top, setTop] = useState(0)
  const type = typeInFocus(run, view)
  if (!run.probes || type === undefined || run.manifest.imported?.meansOnly) return null
  const items = probeItems(run, view)
  const wrong = wrongSearch(view.find)
  const first = Math.max(0, Math.floor(top / ROW) - 4)
  const seen = items.slice(first, first + Math.ceil(height / ROW) + 8)
  const rows = run.rows.get(view.metric) ?? []
  const every = Math.max(1, Math.ceil(rows.length / 64))
  const sampled = rows.filter((_, e) => e % every === 0 || e === rows.length - 1)
  const look = lookOf(run.types, type)
  const move = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (by === 0 || items.length === 0) return
    event.preventDefault()
    const at = items.findIndex(({ row }) => row === view.probe)
    const next = Math.min(items.length - 1, Math.max(0, at + by))
    app.store.set({ probe: items[next].row })
    const list = event.currentTarget as HTMLElement
    if (next * ROW < list.scrollTop) list.scrollTop = next * ROW
    else if ((next + 1) * ROW > list.scrollTop + list.clientHeight)
      list.scrollTop = (next + 1) * ROW - list.clientHeight
  }
  return (
    <section class="probe-list panel" aria-labelledby="probe-list-title" ref={place}>
      <div class="bar">
        <h2 id="probe-list-title">
          Probes{' '}
          <span class="muted">
            {items.length} with {type}, {textOf(view.metric).title} {perText(view.metric, view.per)}
          </span>
        </h2>
        <span class="grow" />
        <TypeChoice app={app} run={run} value={type} />
        <label>
          Sort{' '}
          <select
            value={view.sort || 'fell'}
            onChange={event => app.store.set({ sort: event.currentTarget.value })}
          >
            <option value="fell">fell most</option>
            <option value="rose">rose most</option>
            <option value="value">lowest</option>
            <option value="row">row</option>
          </select>
        </label>
        <label>
          Find{' '}
          <input
            id="find"
            type="search"
            value={view.find}
            placeholder="text or /expression/"
            onInput={event => app.store.set({ find: event.currentTarget.value })}
          />
        </label>
      </div>
      <div
        class="rows"
        style={{ height: `${Math.min(height, items.length * ROW + 2)}px` }}
        tabIndex={0}
        role="listbox"
        aria-label="Probes"
        aria-activedescendant={view.probe === undefined ? undefined : `probe-${view.probe}`}
        onKeyDown={move}
        onScroll={event => setTop(event.currentTarget.scrollTop)}
      >
        <div class="rows-inner" role="presentation" style={{ height: `${items.length * ROW}px` }}>
          {seen.map((item, i) => (
            <div
              key={item.row}
              id={`probe-${item.row}`}
              role="option"
              aria-selected={item.row === view.probe}
              class={[
                'probe',
                item.row === view.probe ? 'focus' : '',
                item.row === view.pinned ? 'pinned' : '',
                view.selected.includes(item.row) ? 'selected' : '',
              ].join(' ')}
              style={{ top: `${(first + i) * ROW}px` }}
              onClick={() => app.store.set({ probe: item.row })}
            >
              <span class="muted row-number">#{item.row}</span>
              <span class="prompt">{item.prompt.trim().replace(/\s+/g, ' ') || <i class="muted">no prompt</i>}</span>
              <span class="value">{show(item.value)}</span>
              <span class={`delta ${item.change < 0 ? 'down' : 'up'}`}>{signed(item.change)}</span>
              <SparkLine
                colour={look[app.dark.value ? 'dark' : 'light']}
                values={sampled.map(row => row[item.column] / item.by)}
              />
            </div>
          ))}
        </div>
      </div>
      {wrong !== undefined && (
        <p class="note caution" role="status">
          <code>{view.find}</code> is no regular expression, so all probes are shown: {wrong}
        </p>
      )}
      {items.length === 0 && <p class="nothing">No probe fits.</p>}
    </section>
  )
}
