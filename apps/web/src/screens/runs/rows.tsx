// The list of runs as a table, in groups, sorted by any of its columns; arrows walk its rows.
import { useApp } from '../../shell/context.ts'
import { StateMark } from '../../shell/state-mark.tsx'
import type { RunSummary } from '../../wire.ts'
import { columns } from './columns.tsx'
import type { groupRuns } from './table.ts'

const Row = ({
  run,
  picked,
  pick,
  shown,
}: {
  run: RunSummary
  picked: boolean
  pick: () => void
  shown: typeof columns
}) => {
  const app = useApp()
  const href = app.store.link({ runs: [run.key], page: 'overview', find: '', sort: '' })
  return (
    <tr class={picked ? 'picked' : undefined} data-run={run.key}>
      <td>
        <input type="checkbox" checked={picked} onChange={pick} aria-label={`Choose ${run.key}`} />
      </td>
      <td>
        <StateMark state={run.state} short />
      </td>
      <th scope="row">
        <a href={href}>{run.key}</a>
        {run.id !== run.key.split('/').at(-1) && <span class="muted"> {run.id}</span>}
        {run.error && <p class="row-error">{run.error.message}</p>}
        {run.imported && <span class="tag">imported</span>}
      </th>
      {shown.map(column => (
        <td key={column.key} class={column.class} title={column.key === 'when' ? run.created : undefined}>
          {column.cell(run)}
        </td>
      ))}
    </tr>
  )
}

/** A head that sorts: once up, once more down. */
const Head = ({ name, title, says }: { name: string; title: string; says?: string }) => {
  const app = useApp()
  const { sort } = app.store.view.value
  const [up, down] = [sort === name, sort === `-${name}`]
  return (
    <th scope="col" aria-sort={up ? 'ascending' : down ? 'descending' : 'none'}>
      <button
        type="button"
        class="sort"
        title={says}
        onClick={() => app.store.set({ sort: up ? `-${name}` : name })}
      >
        {title}
        {up ? ' ↑' : down ? ' ↓' : ''}
      </button>
    </th>
  )
}

/** Arrows walk the runs, x chooses one; Enter opens it, as on any link. */
const walk = (event: KeyboardEvent, toggle: (key: string) => void): void => {
  const row = (event.target as HTMLElement).closest<HTMLElement>('tr[data-run]')
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === 'x' && !(event.target instanceof HTMLInputElement)) {
    event.stopPropagation()
    toggle(row.dataset.run!)
    return
  }
  const by = event.key === 'ArrowDown' || event.key === 'j' ? 1 : event.key === 'ArrowUp' || event.key === 'k' ? -1 : 0
  if (by === 0) return
  event.preventDefault()
  event.stopPropagation()
  const rows = [...row.closest('table')!.querySelectorAll<HTMLElement>('tr[data-run]')]
  rows[rows.indexOf(row) + by]?.querySelector<HTMLElement>('th a')?.focus()
}

/** `shown`: every run that fits the filter, of which `groups` has those that are drawn. */
export const RunTable = ({
  groups,
  shown,
  picked,
  pick,
}: {
  groups: ReturnType<typeof groupRuns>
  shown: readonly RunSummary[]
  picked: readonly string[]
  pick: (keys: readonly string[]) => void
}) => {
  const app = useApp()
  const { without } = app.preferences.value
  const visible = columns.filter(({ key }) => !without.includes(key))
  const grouped = app.store.view.value.listBy !== 'none'
  const toggle = (key: string): void =>
    pick(picked.includes(key) ? picked.filter(one => one !== key) : [...picked, key])
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of runs">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Choose all that are shown"
                checked={shown.length > 0 && shown.every(({ key }) => picked.includes(key))}
                onChange={event => pick(event.currentTarget.checked ? shown.map(({ key }) => key) : [])}
              />
            </th>
            <th scope="col">
              <span class="sr">State</span>
            </th>
            <Head name="name" title="Run" />
            {visible.map(({ key, title, says }) => (
              <Head key={key} name={key} title={title} says={says} />
            ))}
          </tr>
        </thead>
        {groups.map(({ name, runs }) => (
          <tbody key={name} onKeyDown={event => walk(event, toggle)}>
            {grouped && (
              <tr class="group-row">
                <th scope="rowgroup" colSpan={visible.length + 3}>
                  {name} <span class="muted">{runs.length}</span>
                </th>
              </tr>
            )}
            {runs.map(run => (
              <Row
                key={run.key}
                run={run}
                picked={picked.includes(run.key)}
                pick={() => toggle(run.key)}
                shown={visible}
              />
            ))}
          </tbody>
        ))}
      </table>
    </div>
  )
}
