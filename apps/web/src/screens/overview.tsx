// Overview: what happened in this run, in words made from its numbers, then how far each kind of response
// moved, the training log, and what the run was made of.
import {
  caution,
  factsOf,
  logPanels,
  looks,
  narration,
  notesOn,
  RULE,
  spareLook,
  stageMarks,
  type Passage,
} from '@ldyn/figures'
import type { ImportNote } from '@ldyn/runs'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Config } from './overview-config.tsx'
import { Files } from './overview-files.tsx'
import { checksOf, HEALTH_RULE } from './overview-health.ts'
import { headline } from './overview-headline.ts'
import { BANDS, massOf } from './squeeze-data.ts'
import type { LiveData } from '../data/live-run.ts'
import { runSliced, type Sliced } from '../data/sliced.ts'
import { linesOf, squeezingPanel, typesIn } from '../panels/dynamics.ts'
import type { PanelModel } from '../panels/panel.ts'
import { CommandLine } from '../shell/command-line.tsx'
import type { App, ScreenProps } from '../shell/context.ts'
import { useKept } from '../shell/kept.ts'
import { PanelFrame } from '../shell/panel-frame.tsx'
import type { Screen } from './screen.ts'

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
      <h2 id="story-title">What happened, stage by stage</h2>
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

/** What words are made of: a line of the training log alone changes none. */
const wordsOf = (run: LiveData): readonly unknown[] => [
  run.id,
  run.evaluations.length,
  run.updates.length,
  run.events.length,
  [...run.rows.keys()].join(),
]

const signs = { ok: '✓', warn: '⚠', bad: '✖', info: '–' } as const

const Note = ({ text }: { text: string }) => (
  <li>
    <span class="warn" aria-hidden="true">
      ⚠
    </span>{' '}
    {text}
  </li>
)

const Health = ({ app, run }: { app: App; run: LiveData }) => {
  const checks = useMemo(() => checksOf(run, app.curves), wordsOf(run))
  const notes = mergeNotes(run.manifest.imported?.notes ?? [])
  const missing = run.manifest.imported?.missing ?? []
  return (
    <section class="panel health" aria-labelledby="health-title">
      <h2 id="health-title">Health</h2>
      <ul>
        {checks.map(({ state, text, step, page }) => (
          <li key={`${text} ${step}`}>
            <span class={state} aria-hidden="true">
              {signs[state]}
            </span>{' '}
            {text}
            {step !== undefined && (
              <>
                , <span class="muted">first at step {step}</span>{' '}
                <a
                  class="go"
                  href={app.store.link({ page: page ?? 'dynamics', step, full: undefined })}
                  aria-label={`Go to step ${step}: ${text}`}
                >
                  go
                </a>
              </>
            )}
          </li>
        ))}
        {notes.slice(0, 2).map(note => (
          <Note key={note} text={note} />
        ))}
      </ul>
      {(notes.length > 2 || missing.length > 0) && (
        <details>
          <summary>
            More of the imported log: {notes.length - Math.min(2, notes.length)} cautions, {missing.length} things
            that are not in it
          </summary>
          <ul>
            {notes.slice(2).map(note => (
              <Note key={note} text={note} />
            ))}
            {missing.map(text => (
              <li key={text} class="muted">
                <span aria-hidden="true">–</span> not in the log: {text}
              </li>
            ))}
          </ul>
        </details>
      )}
      <details>
        <summary>How this is checked</summary>
        <p class="muted">{HEALTH_RULE}</p>
      </details>
    </section>
  )
}

/** The first thing that is read: what happened, and the way to where it is seen. */
const Headline = ({ app, run }: { app: App; run: LiveData }) => {
  const said = useMemo(() => headline(run, app.curves), wordsOf(run))
  if (said.length === 0) return null
  return (
    <section class="panel headline" aria-labelledby="headline-title">
      <h2 id="headline-title">In short</h2>
      <ul>
        {said.map(({ about, text, go }) => (
          <li key={about}>
            <span class="about">{about}</span> {text}{' '}
            {go && (
              <a class="go" href={app.store.link(go.to)} aria-label={`${go.label}: ${about}`}>
                {go.label}
              </a>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Mass by ranks along one type, as curves: the small sister of the Squeeze screen. */
const massPanel = (app: App, run: LiveData): PanelModel => {
  const type = run.types.includes('chosen') ? 'chosen' : (run.types[0] ?? 'chosen')
  const id = 'mass'
  const title = `Where the probability is: along ${type}`
  const says =
    'Probability by rank in the next-token distribution, mean over the response’s tokens, then over probes; the five add up to 1.'
  const mass = massOf(run, app.curves, type)
  if (!mass) {
    const holds = BANDS.every(({ metric }) => run.manifest.columns.metrics.includes(metric))
    if (holds && run.evaluations.length > 0) return { id, kind: 'loading', title, says }
    return {
      id,
      kind: 'missing',
      title,
      says,
      missing: run.manifest.imported
        ? { what: 'The imported log does not hold the probability by ranks.' }
        : {
            what: 'The probability by ranks was not recorded.',
            command: 'ldyn train … --set observe.bands=true',
          },
    }
  }
  return {
    id,
    kind: 'curves',
    title,
    says,
    panel: {
      id,
      section: 'confidence',
      title,
      says,
      unit: 'probability, mean over response tokens',
      stages: stageMarks([run]),
      lines: BANDS.map(({ metric, name }, b) => ({
        key: metric,
        label: name,
        look: b === 0 ? looks.argmax : spareLook(b),
        steps: mass.steps,
        stages: mass.stages,
        mean: mass.means[b],
        n: mass.n,
      })),
    },
  }
}

const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** While a run goes on its story is told anew this often at most, and takes this share of the time at most. */
const [STORY_MS, STORY_SHARE] = [10_000, 0.01]

/** Words after the figures: over many probes they take longer than a frame, so they are told in pieces. */
const usePassages = (run: LiveData): readonly Passage[] => {
  const [found, set] = useState<readonly Passage[]>([])
  const told = useRef<{ readonly of: string; readonly what: string; readonly next: number }>(undefined)
  const telling = useRef<{ readonly of: string; readonly work: Sliced }>(undefined)
  const rows = [...run.rows.values()].map(one => one.length).join()
  // Of a metric that has just been read it is told at once. A line of the training log alone changes no word.
  const of = [run.id, ...run.rows.keys()].join(' ')
  const what = [of, run.evaluations.length, rows, run.stages.length].join(' ')
  useEffect(() => {
    if (run.probes && !run.rows.has('logp')) return
    // A story that is being told is told to its end, or a run that moves fast would never have one.
    if (told.current?.what === what || telling.current?.of === of) return
    telling.current?.work.stop()
    telling.current = undefined
    const wait = told.current?.of === of ? told.current.next - performance.now() : 0
    const timer = setTimeout(() => {
      const began = performance.now()
      const work = runSliced(narration(run), passages => {
        const ended = performance.now()
        told.current = { of, what, next: ended + Math.max(STORY_MS, (ended - began) / STORY_SHARE) }
        telling.current = undefined
        set(passages)
      })
      telling.current = { of, work }
    }, Math.max(60, wait))
    return () => clearTimeout(timer)
  }, [what, found])
  useEffect(() => () => telling.current?.work.stop(), [])
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
  const mass = useKept([run], [], () => massPanel(app, run))
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
      <div class="columns">
        <Headline app={app} run={run} />
        <Health app={app} run={run} />
      </div>
      <div class="grid">
        <PanelFrame model={moved} height={260} />
        <PanelFrame model={squeezing} height={260} />
        <PanelFrame model={mass} height={260} />
      </div>
      {passages.length > 0 && <Story passages={passages} run={run} />}
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
      <Files run={run} opened={opened[0]} />
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
