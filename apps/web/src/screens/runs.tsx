// The list of runs: what there is, how it stands, how far chosen and rejected moved. The first thing that
// anybody sees.
import { brief, looks, show, signed } from '@ldyn/figures'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { CommandLine } from '../shell/command-line.tsx'
import { useApp } from '../shell/context.ts'
import { SparkLine } from '../shell/spark.tsx'
import { StateMark } from '../shell/state-mark.tsx'
import type { RunSummary } from '../wire.ts'
import { ago, changeOf, parseFilter, sortRuns } from './runs-table.ts'

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
  { key: 'when', title: 'When' },
]

const Moved = ({ run, type }: { run: RunSummary; type: 'chosen' | 'rejected' }) => {
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

const Row = ({ run, picked, pick }: { run: RunSummary; picked: boolean; pick: () => void }) => {
  const app = useApp()
  const href = app.store.link({ runs: [run.key], page: 'overview', find: '', sort: '' })
  return (
    <tr class={picked ? 'picked' : undefined}>
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
      <td>
        {run.stages
          .map(stage => (stage.loss === stage.name ? stage.name : `${stage.name} (${stage.loss})`))
          .join(' → ')}
      </td>
      <td>
        {run.model === '(not in the log)' ? (
          <span class="muted">not in the log</span>
        ) : (
          <>
            {run.model}
            {run.params > 0 && <span class="muted"> {brief(run.params)}</span>}
          </>
        )}
      </td>
      <td class="number">{run.lr === undefined ? <span class="muted">–</span> : show(run.lr)}</td>
      <td class="number">
        {run.step < run.updates && !run.error ? `${run.step} of ${run.updates}` : run.step}
      </td>
      <td class="number">
        <Moved run={run} type="chosen" />
      </td>
      <td class="number">
        <Moved run={run} type="rejected" />
      </td>
      <td class="muted" title={run.created}>
        {ago(run.created, Date.now())}
      </td>
    </tr>
  )
}

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
  const { find, sort } = app.store.view.value
  const list = app.runs.list.value
  useEffect(() => {
    void app.runs.refreshList()
    const timer = setInterval(() => {
      if (!document.hidden) void app.runs.refreshList()
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
        <span class="grow" />
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
      {filter.wrong.map(({ part, why }) => (
        <p class="note caution" key={part}>
          <code>{part}</code> means nothing here: {why}.
        </p>
      ))}
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of runs">
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">
                <span class="sr">Choose</span>
              </th>
              <th scope="col">
                <span class="sr">State</span>
              </th>
              {columns.map(({ key, title, says }) => (
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
          <tbody>
            {shown.map(run => (
              <Row key={run.key} run={run} picked={chosen.includes(run.key)} pick={() => toggle(run.key)} />
            ))}
          </tbody>
        </table>
      </div>
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
