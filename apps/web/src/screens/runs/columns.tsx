// The columns of the list of runs: what each says of a run, and which of them a reader has chosen to see.
import { brief, looks, show, signed } from '@ldyn/figures'
import type { ComponentChildren } from 'preact'
import { useApp } from '../../shell/context.ts'
import { SparkLine } from '../../shell/spark.tsx'
import type { RunSummary } from '../../wire.ts'
import { ago, changeOf, stagesText } from './table.ts'

const none = <span class="muted">–</span>

const Moved = ({ run, type }: { run: RunSummary; type: 'chosen' | 'rejected' | 'argmax' }) => {
  const app = useApp()
  const change = changeOf(run, type)
  const spark = run.sparks[type]
  if (change === undefined || !spark) return none
  const colour = looks[type][app.dark.value ? 'dark' : 'light']
  const every = spark.every > 1 ? `; every ${spark.every}th evaluation is drawn` : ''
  return (
    <span class="moved" title={`${show(spark.values[0])} → ${show(spark.values.at(-1)!)} nats${every}`}>
      {signed(change)} <SparkLine values={spark.values} colour={colour} />
    </span>
  )
}

interface Column {
  readonly key: string
  readonly title: string
  /** What its numbers are, with unit and sign. */
  readonly says?: string
  readonly class?: string
  readonly cell: (run: RunSummary) => ComponentChildren
}

/** Beside the name, which every row has. */
export const columns: readonly Column[] = [
  { key: 'algo', title: 'Stages', cell: stagesText },
  {
    key: 'model',
    title: 'Model',
    cell: run =>
      run.model === '(not in the log)' ? (
        <span class="muted">not in the log</span>
      ) : (
        <>
          {run.model}
          {run.params > 0 && <span class="muted"> {brief(run.params)}</span>}
        </>
      ),
  },
  {
    key: 'lr',
    title: 'Peak lr',
    says: 'Highest learning rate on file',
    class: 'number',
    cell: run => (run.lr === undefined ? none : show(run.lr)),
  },
  {
    key: 'steps',
    title: 'Updates',
    class: 'number',
    says: 'Updates on file; of a log that does not say how many lie between its evaluations, these',
    cell: run =>
      run.counts === 'evaluation' ? (
        <span title="The log does not say how many updates lie between its evaluations">
          {run.evaluations} <span class="muted">{run.evaluations === 1 ? 'evaluation' : 'evaluations'}</span>
        </span>
      ) : run.step < run.updates && !run.error ? (
        `${run.step} of ${run.updates}`
      ) : (
        run.step
      ),
  },
  {
    key: 'chosen',
    title: 'Δ chosen',
    says: 'Last minus first log π of the chosen responses, summed over a response, mean over probes, in nats. Up: more probable',
    class: 'number',
    cell: run => <Moved run={run} type="chosen" />,
  },
  {
    key: 'rejected',
    title: 'Δ rejected',
    says: 'Last minus first log π of the rejected responses, summed over a response, mean over probes, in nats',
    class: 'number',
    cell: run => <Moved run={run} type="rejected" />,
  },
  {
    key: 'argmax',
    title: 'Δ argmax',
    says: 'Last minus first log π of the likeliest token along the chosen responses, in nats. Up while chosen falls: squeezing',
    class: 'number',
    cell: run => <Moved run={run} type="argmax" />,
  },
  {
    key: 'probes',
    title: 'Probes',
    says: 'Prompts that are watched, and evaluations of them',
    cell: run => (run.probes > 0 ? `${run.probes} × ${run.types}, ${run.evaluations} times` : '–'),
  },
  {
    key: 'warn',
    title: 'Warnings',
    says: 'What the trainer warned of, by code',
    cell: run => (run.warnings.length > 0 ? run.warnings.join(', ') : none),
  },
  { key: 'when', title: 'When', class: 'muted when', cell: run => ago(run.created, Date.now()) },
]

/** Which columns there are: remembered, and no part of a link. */
export const Columns = () => {
  const app = useApp()
  const { without } = app.preferences.value
  return (
    <details class="menu columns-menu">
      <summary class="button-like">Columns</summary>
      <div class="menu-items" role="group" aria-label="Columns of the list">
        {columns.map(({ key, title }) => (
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
