// The story of a run, stage by stage, in the words of @ldyn/figures. Over many probes these take longer than a frame,
// so they are told in pieces after the figures have come, and their place is kept until then.
import { caution, isDoubtful, narration, RULE, stageTitle, type Passage } from '@ldyn/figures'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { OpenRun } from '../../data/run-store.ts'
import { runSliced, type Sliced } from '../../data/sliced.ts'
import { areAwaited, AwaitedList, knownTypes, useReserved, type Awaited } from './awaited.tsx'
import { Sentences } from '../sentences.tsx'

/** While a run goes on its story is told anew this often at most, and takes this share of the time at most. */
const [STORY_MS, STORY_SHARE] = [10_000, 0.01]

/** Words after the figures: over many probes they take longer than a frame, so they are told in pieces. */
const usePassages = (run: LiveData): readonly Passage[] | undefined => {
  const [found, set] = useState<readonly Passage[] | undefined>(undefined)
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

/** What will be said of a stage, and about how long: the sentences of narrative.ts at their usual length. */
const awaited = (run: LiveData, preference: boolean): readonly Awaited[] => {
  const known = knownTypes(run)
  const kin = (of: string): boolean => known.some(type => type.startsWith(`${of}_`))
  // Of means alone no error and no verdict is said, and no length of a response is known.
  const means = run.manifest.imported?.meansOnly === true
  const chosen = known.includes('chosen')
  const metric = (name: string): boolean => chosen && run.manifest.columns.metrics.includes(name)
  const all: readonly (readonly [boolean, string, number, number])[] = [
    [chosen, 'chosen', preference ? 175 : 125, 145],
    [kin('chosen'), 'chosen variants', preference ? 150 : 215, 120],
    [known.includes('rejected'), 'rejected', 100, 75],
    [kin('reject') || kin('rejected'), 'rejected variants', 135, 120],
    [chosen && known.includes('rejected'), 'margin', 140, 125],
    [known.includes('irr_train'), preference ? 'irr_train' : 'hallucination', preference ? 175 : 295, preference ? 90 : 240],
    [known.includes('random_permute'), 'random_permute', preference ? 105 : 175, 95],
    [metric('argmax_logp') && !isDoubtful(run, 'argmax_logp'), 'argmax', preference ? 240 : 115, preference ? 250 : 110],
    [metric('entropy'), 'entropy', 90, 80],
    [known.length > 2 && !run.manifest.imported, 'order', 110, 0],
  ]
  return all.flatMap(([is, about, letters, plain]) => (is ? [{ about, letters: means ? plain : letters }] : []))
}

const Coming = ({ run }: { run: LiveData }) => (
  <>
    {run.stages.map(stage => (
      <div key={stage.name}>
        <h3>{stageTitle(run, stage)}</h3>
        <AwaitedList items={run.probes ? awaited(run, stage.loss !== 'sft') : [{ about: 'probes', letters: 70 }]} />
      </div>
    ))}
    <p class="sr">The words are being found.</p>
  </>
)

const Told = ({ passages }: { passages: readonly Passage[] }) => (
  <>
    {passages.map(({ title, sentences }) => (
      <div key={title}>
        <h3>{title}</h3>
        <Sentences of={sentences} />
      </div>
    ))}
  </>
)

export const Story = ({ run, opened }: { run: LiveData; opened: OpenRun }) => {
  const passages = usePassages(run)
  const comes = !run.probes || run.rows.has('logp') || areAwaited(run, opened)
  const place = useRef<HTMLElement>(null)
  useReserved(place, passages === undefined)
  const warning = caution([run])
  const coming = run.stages.map(({ name, to }) => `${name} ${passages ? '' : to}`).join()
  return useMemo(
    () =>
      run.stages.length === 0 || (passages ? passages.length === 0 : !comes) ? null : (
        <section class="panel story" aria-labelledby="story-title" aria-busy={passages === undefined} ref={place}>
          <h2 id="story-title">What happened, stage by stage</h2>
          {warning && <p class="note caution">{warning}</p>}
          {passages ? <Told passages={passages} /> : <Coming run={run} />}
          <details>
            <summary>How these words are chosen</summary>
            <p class="muted">{RULE}</p>
          </details>
        </section>
      ),
    [passages, comes, coming, warning],
  )
}
