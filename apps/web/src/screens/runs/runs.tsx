// The list of runs: what there is, how it stands, how far chosen and rejected moved. The first thing that
// anybody sees.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Choice } from '../../shell/choice.tsx'
import { CommandLine } from '../../shell/command-line.tsx'
import { useApp } from '../../shell/context.ts'
import { Columns } from './columns.tsx'
import { Empty } from './empty.tsx'
import { Chips } from './filter.tsx'
import { RunTable } from './rows.tsx'
import { groupRuns, parseFilter, sortRuns } from './table.ts'

/** Rows that are drawn at once; more on demand. */
const PAGE = 200

const EVERY_MS = 3_000

/** Asks for the list now and then. */
const useFreshList = (): void => {
  const app = useApp()
  useEffect(() => {
    void app.runs.refreshList()
    let looks = 0
    const timer = setInterval(() => {
      // The viewer tells when the list changes; what ages by itself is looked at now and then.
      const told = app.runs.connection.peek().state === 'open' && ++looks % 10 !== 0
      if (!document.hidden && !told) void app.runs.refreshList()
    }, EVERY_MS)
    return () => clearInterval(timer)
  }, [])
}

export const Runs = () => {
  const app = useApp()
  const picked = useSignal<readonly string[]>([])
  const limit = useSignal(PAGE)
  const { find, sort, listBy } = app.store.view.value
  const list = app.runs.list.value
  useFreshList()
  const trouble = app.runs.listTrouble.value
  if (!list) {
    return trouble ? (
      <div class="nothing trouble" role="alert">
        <p>
          <strong>{trouble.what}</strong>
        </p>
        <p>{trouble.why}</p>
        {trouble.fix && <CommandLine command={trouble.fix} />}
      </div>
    ) : (
      <div class="nothing loading" role="status">
        Looking for runs…
      </div>
    )
  }
  if (list.runs.length === 0) return <Empty root={list.root} />
  const filter = parseFilter(find)
  const shown = sortRuns(list.runs.filter(filter.keep), sort)
  const live = list.runs.filter(run => run.state === 'live').length
  const chosen = picked.value.filter(key => list.runs.some(run => run.key === key))
  return (
    <section aria-labelledby="runs-title">
      <div class="bar">
        <h1 id="runs-title">
          Runs{' '}
          <span class="muted">
            {list.root} · {list.runs.length} {list.runs.length === 1 ? 'run' : 'runs'}
            {live > 0 && ` · ${live} live`}
          </span>
        </h1>
        <label class="find">
          Filter{' '}
          <input
            id="find"
            type="search"
            value={find}
            placeholder="dpo  status:live  lr<1e-5"
            spellcheck={false}
            onInput={event => app.store.set({ find: event.currentTarget.value })}
          />
        </label>
        <Choice
          label="Group"
          value={listBy}
          options={[['none', 'no'], ['algo', 'stages'], 'model', 'state']}
          choose={listBy => app.store.set({ listBy })}
        />
        <Columns />
        <span class="grow" />
        {chosen.length > 0 && (
          <>
            <button
              type="button"
              onClick={() => {
                picked.value = []
              }}
            >
              None
            </button>
            <a
              class="button"
              href={app.store.link({
                runs: chosen,
                page: chosen.length > 1 ? 'compare' : 'overview',
                find: '',
                sort: '',
              })}
            >
              {chosen.length > 1 ? `Compare ${chosen.length} runs` : 'Open'}
            </a>
          </>
        )}
      </div>
      {trouble && (
        <p class="note caution" role="status">
          {trouble.what}. What is shown was read before.
        </p>
      )}
      <Chips find={find} parts={filter.parts} />
      <RunTable
        groups={groupRuns(shown.slice(0, limit.value), listBy)}
        shown={shown}
        picked={chosen}
        pick={keys => {
          picked.value = keys
        }}
      />
      {shown.length > limit.value && (
        <p class="nothing">
          {limit.value} of {shown.length} runs are shown.{' '}
          <button
            type="button"
            onClick={() => {
              limit.value += PAGE
            }}
          >
            Show {Math.min(PAGE, shown.length - limit.value)} more
          </button>
        </p>
      )}
      {shown.length === 0 && (
        <p class="nothing">
          No run fits the filter.{' '}
          <button type="button" onClick={() => app.store.set({ find: '' })}>
            Show all {list.runs.length}
          </button>
        </p>
      )}
    </section>
  )
}
