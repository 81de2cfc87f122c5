// What is said of a run at its head: in short what happened, with the way to where it is seen, and whether its numbers
// are sound. Both are computed from the rows, so a run that grows has them said anew once a second at most.
import { isDoubtful, placeName, plural } from '@ldyn/figures'
import type { ImportNote } from '@ldyn/runs'
import { useRef } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { OpenRun } from '../../data/run-store.ts'
import type { App } from '../../shell/context.ts'
import { useSeldom } from '../../shell/panel/kept.ts'
import { useSeen } from '../../shell/near.ts'
import { areAwaited, AwaitedLine, AwaitedList, knownTypes, useReserved, type Awaited } from './awaited.tsx'
import { checksOf, HEALTH_RULE, withUnread, type Check } from './health.ts'
import { headline } from './headline.ts'

/** Milliseconds between two times that words are found. */
const WORDS_MS = 1000

interface Props {
  readonly app: App
  readonly run: LiveData
  readonly opened: OpenRun
}

/** The same defect may touch several metrics: said once, with all of them in front. */
const mergeNotes = (notes: readonly ImportNote[]): readonly string[] => {
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

const signs = { ok: '✓', warn: '⚠', bad: '✖', info: '–', awaited: '' } as const

const Note = ({ text }: { text: string }) => (
  <li>
    <span class="warn" aria-hidden="true">
      ⚠
    </span>{' '}
    {text}
  </li>
)

const CheckLine = ({ app, run, check }: { app: App; run: LiveData; check: Check }) => {
  const { state, text, step, page } = check
  const at = step === undefined ? undefined : `${placeName(run)} ${step}`
  return (
    <li>
      <span class={state} aria-hidden="true">
        {signs[state]}
      </span>{' '}
      {text}
      {at && (
        <>
          , <span class="muted">first at {at}</span>
        </>
      )}{' '}
      {(at || page) && (
        <a
          class="go"
          href={app.store.link({ page: page ?? 'dynamics', step, full: undefined })}
          aria-label={`Go to ${at ?? 'where it is seen'}: ${text}`}
        >
          go
        </a>
      )}
    </li>
  )
}

export const Health = ({ app, run, opened }: Props) => {
  const place = useRef<HTMLElement>(null)
  const found = useSeldom([run], useSeen(place), WORDS_MS, () => checksOf(run, app.curves, areAwaited(run, opened)))
  const checks = opened.trouble.value ? withUnread(found) : found
  // The likeliest token's rows may come after those of log π, and what is said of it with them.
  useReserved(place, checks.some(({ state }) => state === 'awaited'))
  const notes = mergeNotes(run.manifest.imported?.notes ?? [])
  const missing = run.manifest.imported?.missing ?? []
  return (
    <section class="panel health" aria-labelledby="health-title" ref={place}>
      <h2 id="health-title">Health</h2>
      <ul>
        {checks.map(check =>
          check.state === 'awaited' ? (
            <AwaitedLine key={check.text} text={check.text} />
          ) : (
            <CheckLine key={`${check.text} ${check.step}`} app={app} run={run} check={check} />
          ),
        )}
        {notes.slice(0, 2).map(note => (
          <Note key={note} text={note} />
        ))}
      </ul>
      {(notes.length > 2 || missing.length > 0) && (
        <details>
          <summary>
            More of the imported log:{' '}
            {[
              ...(notes.length > 2 ? [plural(notes.length - 2, 'caution')] : []),
              ...(missing.length > 0
                ? [`${plural(missing.length, 'thing')} that ${missing.length === 1 ? 'is' : 'are'} not in it`]
                : []),
            ].join(', ')}
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

/** As long as they usually are. */
const awaited = (run: LiveData): readonly Awaited[] => {
  const { updates, manifest } = run
  const types = knownTypes(run)
  return [
    { about: types.includes('chosen') ? 'chosen' : (types[0] ?? ''), letters: 120 },
    { about: 'likeliest token', letters: manifest.columns.metrics.includes('argmax_logp') && !isDoubtful(run, 'argmax_logp') ? 130 : 0 },
    { about: 'which updates', letters: updates.length > 0 ? 140 : 0 },
    { about: 'rejected', letters: types.includes('rejected') ? 75 : 0 },
  ].filter(({ letters }) => letters > 0)
}

/** The first thing that is read: what happened, and the way to where it is seen. */
export const Headline = ({ app, run, opened }: Props) => {
  const place = useRef<HTMLElement>(null)
  const awaits = areAwaited(run, opened)
  const told = useSeldom([run], useSeen(place), WORDS_MS, () => (awaits ? undefined : headline(run, app.curves)))
  const said = told ?? []
  const isComing = told === undefined ? opened.trouble.value === undefined : said.length === 0 && awaits
  const coming = isComing ? awaited(run) : []
  useReserved(place, coming.length > 0)
  if (said.length + coming.length === 0) return null
  return (
    <section class="panel headline" aria-labelledby="headline-title" aria-busy={coming.length > 0} ref={place}>
      <h2 id="headline-title">In short</h2>
      {coming.length > 0 && <AwaitedList items={coming} linked />}
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

