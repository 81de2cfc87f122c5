// The list of runs: what there is, how it stands, how far chosen and rejected moved. The first thing that
// anybody sees.
import { brief, looks, show, signed } from '@ldyn/figures'
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { CommandLine } from '../shell/command-line.tsx'
import { useApp } from '../shell/context.ts'
import { SparkLine } from '../shell/spark.tsx'
import { StateMark } from '../shell/state-mark.tsx'
import type { ListGroup } from '../state/address.ts'
import type { RunSummary } from '../wire.ts'
import {
  ago,
  changeOf,
  groupRuns,
  parseFilter,
  sortRuns,
  stagesText,
  withoutPart,
  type FilterPart,
} from './runs-table.ts'

const columns: readonly { readonly key: string; readonly title: string; readonly says?: string }[] = [
  { key: 'name', title: 'Run' },
  { key: 'algo', title: 'Stages' },
  { key: 'model', title: 'Model' },
  { key: 'lr', title: 'Peak lr', says: 'Highest learning rate on file' },
  { key: 'steps', title: 'Updates' },
  {
    key: 'chosen',
    title: 'Δ chosen',
    says: 'Last minus first log π of the chosen responses, summed over a response, mean over probes, in nats. Up: more probable',
  },
  {
    key: 'rejected',
    title: 'Δ rejected',
    says: 'Last minus first log π of the rejected responses, summed over a response, mean over probes, in nats',
  },
  {
    key: 'argmax',
    title: 'Δ argmax',
    says: 'Last minus first log π of the likeliest token along the chosen responses, in nats. Up while chosen falls: squeezing',
  },
  { key: 'probes', title: 'Probes', says: 'Prompts that are watched, and evaluations of them' },
  { key: 'warn', title: 'Warnings', says: 'What the trainer warned of, by code' },
  { key: 'when', title: 'When' },
]

const Moved = ({ run, type }: { run: RunSummary; type: 'chosen' | 'rejected' | 'argmax' }) => {
  const app = useApp()
  const change = changeOf(run, type)
  const spark = run.sparks[type]
  if (change === undefined || !spark) return <span class="muted">–</span>
  const colour = looks[type][app.dark.value ? 'dark' : 'light']
  const every = spark.every > 1 ? `; every ${spark.every}th evaluation is drawn` : ''
  return (
    <span class="moved" title={`${show(spark.values[0])} → ${show(spark.values.at(-1)!)} nats${every}`}>
      {signed(change)} <SparkLine values={spark.values} colour={colour} />
    </span>
  )
}

const cells: Readonly<Record<string, (run: RunSummary) => ComponentChildren>> = {
  algo: stagesText,
  model: run =>
    run.model === '(not in the log)' ? (
      <span class="muted">not in the log</span>
    ) : (
      <>
        {run.model}
        {run.params > 0 && <span class="muted"> {brief(run.params)}</span>}
      </>
    ),
  lr: run => (run.lr === undefined ? <span class="muted">–</span> : show(run.lr)),
  steps: run => (run.step < run.updates && !run.error ? `${run.step} of ${run.updates}` : run.step),
  chosen: run => <Moved run={run} type="chosen" />,
  rejected: run => <Moved run={run} type="rejected" />,
  argmax: run => <Moved run={run} type="argmax" />,
  probes: run => (run.probes > 0 ? `${run.probes} × ${run.types}, ${run.evaluations} times` : '–'),
  warn: run => (run.warnings.length > 0 ? run.warnings.join(', ') : <span class="muted">–</span>),
  when: run => ago(run.created, Date.now()),
}
const NUMBERS = ['lr', 'steps', 'chosen', 'rejected', 'argmax']

/** Beside the name, which every row has. */
const Row = ({
  run,
  picked,
  pick,
  shown,
}: {
  run: RunSummary
  picked: boolean
  pick: () => void
  shown: readonly string[]
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
      {columns
        .filter(({ key }) => shown.includes(key))
        .map(({ key }) => (
          <td
            key={key}
            class={NUMBERS.includes(key) ? 'number' : key === 'when' ? 'muted when' : undefined}
            title={key === 'when' ? run.created : undefined}
          >
            {cells[key](run)}
          </td>
        ))}
    </tr>
  )
}

/** Which columns there are: remembered, and no part of a link. */
const Columns = () => {
  const app = useApp()
  const { without } = app.preferences.value
  return (
    <details class="menu columns-menu">
      <summary class="button-like">Columns</summary>
      <div class="menu-items" role="group" aria-label="Columns of the list">
        {columns.slice(1).map(({ key, title }) => (
          <label class="check" key={key}>
            <input
              type="checkbox"
              checked={!without.includes(key)}
              onChange={() => {
                app.preferences.value = {
                  ...app.preferences.value,
                  without: without.includes(key) ? without.filter(one => one !== key) : [...without, key],
                }
              }}
            />{' '}
            {title}
          </label>
        ))}
      </div>
    </details>
  )
}

/** The words of the filter as they are understood; what means nothing says why, at the word. */
const Chips = ({ find, parts }: { find: string; parts: readonly FilterPart[] }) => {
  const app = useApp()
  if (parts.length === 0) return null
  return (
    <ul class="chips" aria-label="Filter, word by word">
      {parts.map(({ part, says, why }, i) => (
        <li key={`${i} ${part}`} class={why === undefined ? 'chip' : 'chip wrong'}>
          {why === undefined ? (
            says
          ) : (
            <span role="status">
              <code>{part}</code> means nothing here: {why}
            </span>
          )}{' '}
          <button
            type="button"
            class="small"
            aria-label={`Leave out ${part}`}
            onClick={() => app.store.set({ find: withoutPart(find, i) })}
          >
            ✕
          </button>
        </li>
      ))}
    </ul>
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

/** Rows that are drawn at once; more on demand. */
const PAGE = 200

const Empty = ({ root }: { root: string }) => (
  <section class="empty">
    <h1>No runs in {root} yet</h1>
    <div class="cards">
      <div class="card">
        <h2>See an example</h2>
        <p>Trains two small models that come with ldyn, in about a minute, and shows what happened.</p>
        <CommandLine command="ldyn demo" />
      </div>
      <div class="card">
        <h2>Train your own</h2>
        <p>SFT, DPO and their kin on a checkpoint, with probes of every response type followed.</p>
        <CommandLine command="ldyn train --model ./pythia --data prefs.jsonl --stages sft,dpo --probe probes.jsonl --out runs/first" />
      </div>
      <div class="card">
        <h2>Bring a log</h2>
        <p>Logs of the paper’s released code, of a Hugging Face Trainer or TRL, or TensorBoard events.</p>
        <CommandLine command="ldyn import outputs/dpo" />
      </div>
    </div>
    <p class="muted">A run that is begun here appears by itself.</p>
  </section>
)

const EVERY_MS = 3_000

export const Runs = () => {
  const app = useApp()
  const picked = useSignal<readonly string[]>([])
  const limit = useSignal(PAGE)
  const { find, sort, listBy } = app.store.view.value
  const list = app.runs.list.value
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
  const groups = groupRuns(shown.slice(0, limit.value), listBy)
  const { without } = app.preferences.value
  const visible = columns.filter(({ key }) => key === 'name' || !without.includes(key))
  const names = visible.slice(1).map(({ key }) => key)
  const live = list.runs.filter(run => run.state === 'live').length
  const chosen = picked.value.filter(key => list.runs.some(run => run.key === key))
  const toggle = (key: string): void => {
    picked.value = picked.value.includes(key)
      ? picked.value.filter(one => one !== key)
      : [...picked.value, key]
  }
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
        <label>
          Group{' '}
          <select
            value={listBy}
            onChange={event => app.store.set({ listBy: event.currentTarget.value as ListGroup })}
          >
            <option value="none">no</option>
            <option value="algo">stages</option>
            <option value="model">model</option>
            <option value="state">state</option>
          </select>
        </label>
        <Columns />
        <span class="grow" />
        {chosen.length > 0 && (
          <button
            type="button"
            onClick={() => {
              picked.value = []
            }}
          >
            None
          </button>
        )}
        {chosen.length > 0 && (
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
        )}
      </div>
      {trouble && (
        <p class="note caution" role="status">
          {trouble.what}. What is shown was read before.
        </p>
      )}
      <Chips find={find} parts={filter.parts} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of runs">
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">
                <input
                  type="checkbox"
                  aria-label="Choose all that are shown"
                  checked={shown.length > 0 && shown.every(({ key }) => chosen.includes(key))}
                  onChange={event => {
                    picked.value = event.currentTarget.checked ? shown.map(({ key }) => key) : []
                  }}
                />
              </th>
              <th scope="col">
                <span class="sr">State</span>
              </th>
              {visible.map(({ key, title, says }) => (
                <th
                  scope="col"
                  key={key}
                  aria-sort={sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : 'none'}
                >
                  <button
                    type="button"
                    class="sort"
                    title={says}
                    onClick={() => app.store.set({ sort: sort === key ? `-${key}` : key })}
                  >
                    {title}
                    {sort === key ? ' ↑' : sort === `-${key}` ? ' ↓' : ''}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          {groups.map(({ name, runs }) => (
            <tbody key={name} onKeyDown={event => walk(event, toggle)}>
              {listBy !== 'none' && (
                <tr class="group-row">
                  <th scope="rowgroup" colSpan={visible.length + 2}>
                    {name} <span class="muted">{runs.length}</span>
                  </th>
                </tr>
              )}
              {runs.map(run => (
                <Row
                  key={run.key}
                  run={run}
                  picked={chosen.includes(run.key)}
                  pick={() => toggle(run.key)}
                  shown={names}
                />
              ))}
            </tbody>
          ))}
        </table>
      </div>
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
