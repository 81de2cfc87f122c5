// Overview: what happened in this run, in words made from its numbers, then how far each kind of response
// moved, the training log, and what the run was made of.
import {
  caution,
  factsOf,
  logPanels,
  looks,
  narrate,
  notesOn,
  RULE,
  stageMarks,
  type Passage,
} from '@ldyn/figures'
import type { ImportNote } from '@ldyn/runs'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { createSearch, flatten } from './config-tree.ts'
import type { LiveData } from '../data/live-run.ts'
import { linesOf, squeezingPanel, typesIn } from '../panels/dynamics.ts'
import type { PanelModel } from '../panels/panel.ts'
import { CommandLine } from '../shell/command-line.tsx'
import type { App, ScreenProps } from '../shell/context.ts'
import { useKept } from '../shell/kept.ts'
import { PanelFrame } from '../shell/panel-frame.tsx'
import type { Screen } from './screen.ts'
import { useSignal } from '@preact/signals'

/** The types that every story is about; where none is watched, the first few. */
const leading = (run: LiveData): readonly string[] => {
  const wanted = ['chosen', 'rejected', 'irr_train', 'irr_test', 'random_permute']
  const found = typesIn([run])
    .map(({ key }) => key)
    .filter(key => wanted.includes(key))
  return found.length > 0 ? found : run.types.slice(0, 5)
}

const movedPanel = (app: App, run: LiveData): PanelModel => {
  const id = 'moved'
  const title = 'How far each response moved'
  const says =
    'Change of log π since the first evaluation, summed over the response, mean over probes; up means more probable. ' +
    'The band is the standard error of the probes’ own changes.'
  const lines = [
    ...leading(run).flatMap(type =>
      linesOf([run], app.curves, { metric: 'logp', type, per: 'response', spread: 'se', since: 'first' }),
    ),
    ...(notesOn(run, ['argmax_logp']).length > 0
      ? []
      : linesOf([run], app.curves, {
          metric: 'argmax_logp',
          type: 'chosen',
          per: 'response',
          spread: 'se',
          since: 'first',
          look: looks.argmax,
          label: 'argmax',
          key: 'argmax',
        })),
  ]
  if (lines.length === 0) {
    return run.probes && run.manifest.columns.metrics.includes('logp') && !run.rows.has('logp')
      ? { id, kind: 'loading', title, says }
      : {
          id,
          kind: 'missing',
          title,
          says,
          missing: run.probes
            ? { what: 'The probes have not been evaluated yet.' }
            : { what: 'This run watches no probes.', command: 'ldyn train … --probe probes.jsonl' },
        }
  }
  return {
    id,
    kind: 'curves',
    title,
    says,
    panel: {
      id,
      section: 'overview',
      title,
      says,
      unit: 'Δ log π, summed over the response (nats)',
      lines,
      stages: stageMarks([run]),
      zero: true,
      band: '± one standard error of the probes’ own changes',
    },
  }
}

const Story = ({ passages, run }: { passages: readonly Passage[]; run: LiveData }) => {
  const warning = caution(run.manifest.imported?.meansOnly ? 0 : (run.probes?.rows.length ?? 0))
  return (
    <section class="panel story" aria-labelledby="story-title">
      <h2 id="story-title">What happened</h2>
      {run.manifest.imported?.meansOnly && (
        <p class="note caution">
          The log holds means over the probes alone, so nothing can be said of noise.
        </p>
      )}
      {passages.map(({ title, sentences }) => (
        <div key={title}>
          <h3>{title}</h3>
          <ul>
            {sentences.map(({ about, text }) => (
              <li key={about}>
                <span class="about">{about}</span> {text}
              </li>
            ))}
          </ul>
        </div>
      ))}
      <details>
        <summary>How these words are chosen</summary>
        <p class="muted">
          {RULE}
          {warning && ` ${warning}`}
        </p>
      </details>
    </section>
  )
}

/** The same defect may touch several metrics: said once, with all of them in front. */
export const mergeNotes = (notes: readonly ImportNote[]): readonly string[] => {
  const metrics = new Map<string, Set<string>>()
  for (const { message, metric } of notes) {
    const text = message.replace(/^\S+ is that of /, 'is that of ')
    const known = metrics.get(text) ?? new Set<string>()
    if (metric !== undefined) known.add(metric)
    metrics.set(text, known)
  }
  return [...metrics].map(([text, known]) =>
    text.startsWith('is that of ') ? `${[...known].join(', ')} ${text}` : text,
  )
}

const Health = ({ run }: { run: LiveData }) => {
  const warnings = run.events.flatMap(event => (event.type === 'warning' ? [event] : []))
  const notes = mergeNotes(run.manifest.imported?.notes ?? [])
  const ended = run.events.findLast(event => event.type === 'status')
  const bad =
    ended?.type === 'status' && ended.status !== 'running' && ended.status !== 'done' ? ended : undefined
  const resumed = run.events.filter(event => event.type === 'resume').length
  return (
    <section class="panel health" aria-labelledby="health-title">
      <h2 id="health-title">Health</h2>
      <ul>
        <li>
          <span class="ok" aria-hidden="true">
            ✓
          </span>{' '}
          Every number that was read is finite
        </li>
        {bad && (
          <li>
            <span class="bad" aria-hidden="true">
              ✖
            </span>{' '}
            {bad.status}
            {bad.reason ? `: ${bad.reason}` : ''}
          </li>
        )}
        {resumed > 0 && (
          <li>
            <span aria-hidden="true">↻</span> Resumed {resumed === 1 ? 'once' : `${resumed} times`}
          </li>
        )}
        {warnings.length === 0 && (
          <li>
            <span class="ok" aria-hidden="true">
              ✓
            </span>{' '}
            The trainer warned of nothing
          </li>
        )}
        {warnings.map((event, i) => (
          <li key={i}>
            <span class="warn" aria-hidden="true">
              ⚠
            </span>{' '}
            {event.s === undefined ? '' : `step ${event.s}: `}
            {event.message} <code>{event.code}</code>
          </li>
        ))}
        {notes.map(note => (
          <li key={note}>
            <span class="warn" aria-hidden="true">
              ⚠
            </span>{' '}
            {note}
          </li>
        ))}
        {run.manifest.imported?.missing.map(text => (
          <li key={text} class="muted">
            <span aria-hidden="true">–</span> not in the log: {text}
          </li>
        ))}
      </ul>
    </section>
  )
}

const Config = ({ run }: { run: LiveData }) => {
  const find = useSignal('')
  const all = useMemo(() => flatten(run.manifest.config), [run.manifest])
  const shown = createSearch(find.value)(all)
  if (all.length === 0) return null
  return (
    <details class="panel config">
      <summary>
        <h2>
          Settings <span class="muted">{all.length}</span>
        </h2>
      </summary>
      <label>
        Find{' '}
        <input
          type="search"
          value={find.value}
          onInput={event => {
            find.value = event.currentTarget.value
          }}
        />
      </label>
      <dl>
        {shown.slice(0, 400).map(({ path, text }) => (
          <div key={path}>
            <dt>{path}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {shown.length > 400 && <p class="muted">{shown.length - 400} more: find narrows them.</p>}
    </details>
  )
}

const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** Words after the figures: over many probes and evaluations they take longer than a frame. */
const usePassages = (run: LiveData): readonly Passage[] => {
  const [found, set] = useState<readonly Passage[]>([])
  const rows = [...run.rows.values()].map(one => one.length).join()
  useEffect(() => {
    if (run.probes && !run.rows.has('logp')) return
    const timer = setTimeout(() => set(narrate(run)), 60)
    return () => clearTimeout(timer)
    // A line of the training log alone changes no word.
  }, [run.id, run.evaluations.length, rows, run.stages.length])
  return found
}

const View = ({ app, runs, opened }: ScreenProps) => {
  const [run] = runs
  const state = opened[0].state.value
  const passages = usePassages(run)
  const loss = useKept([run], [], () =>
    logPanels([run])
      .filter(({ id }) => id.startsWith('loss') || id === 'rewards')
      .slice(0, 3),
  )
  const moved = useKept([run], [], () => movedPanel(app, run))
  const squeezing = useKept([run], [], () =>
    squeezingPanel([run], app.curves, { per: 'response', spread: 'se' }),
  )
  return (
    <>
      {state === 'killed' && (
        <p class="banner bad" role="alert">
          <strong>This run crashed.</strong> It says that it runs, and no process writes it. Everything up to
          step {run.evaluations.at(-1)?.step ?? 0} is on file; <code>ldyn train --resume</code> goes on.
        </p>
      )}
      {state === 'stalled' && (
        <p class="banner" role="status">
          <strong>No sign of life for more than a minute.</strong> The process that writes this run is silent.
        </p>
      )}
      <div class="grid two">
        <PanelFrame model={moved} height={300} />
        <PanelFrame model={squeezing} height={300} />
      </div>
      <div class="columns">
        {passages.length > 0 && <Story passages={passages} run={run} />}
        <Health run={run} />
      </div>
      {loss.length > 0 && (
        <div class="grid">
          {loss.map(panel => (
            <PanelFrame
              key={panel.id}
              height={190}
              model={{
                id: panel.id,
                kind: 'curves',
                title: panel.title,
                says: panel.says,
                panel,
                notes: panel.thinned === undefined ? [] : [panel.thinned],
              }}
            />
          ))}
        </div>
      )}
      <section class="panel facts" aria-labelledby="facts-title">
        <h2 id="facts-title">The run</h2>
        <dl>
          {factsOf(run)
            .filter(([name]) => name !== 'Notes' && name !== 'Not in it')
            .map(([name, text]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{text}</dd>
              </div>
            ))}
        </dl>
        {run.manifest.argv.length > 0 && !run.manifest.imported && (
          <>
            <h3>The command that made it</h3>
            <CommandLine command={`ldyn ${run.manifest.argv.map(quote).join(' ')}`} />
          </>
        )}
      </section>
      <Config run={run} />
    </>
  )
}

export const overview: Screen = {
  page: 'overview',
  title: 'Overview',
  key: 'o',
  View,
  metrics: () => ['logp', 'argmax_logp', 'entropy'],
}
