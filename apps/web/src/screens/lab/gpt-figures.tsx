// What a training shows on the Lab's page while it goes on: what happened in words, the wanted answer against the
// likeliest token, who paid, the words themselves, and all curves. With its counterpart: baseline and extend together.
import { useEffect, useMemo } from 'preact/hooks'
import { effectOf } from '../../lab/gpt/effect.ts'
import { movesPanel, scissors, wordPanels, type Shown } from '../../lab/gpt/panels.tsx'
import { besideOf, toldOf } from '../../lab/gpt/told.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { Training } from '../../lab/gpt/trainings.ts'
import { dynamicsPanel } from '../../panels/dynamics/dynamics.ts'
import type { App } from '../../shell/context.ts'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { useWatched } from '../beside.ts'

const PER_SECOND = 4

/** The run of a training, read anew a few times a second while it goes on. */
const useRun = (app: App, training: Training) => {
  const opened = app.runs.open(training.key)
  const state = training.state.value
  useEffect(() => {
    opened.need('argmax_logp')
    opened.retry()
    if (state !== 'running' && state !== 'starting') return
    let seen = -1
    const timer = setInterval(() => {
      if (training.version.peek() !== seen) opened.retry()
      seen = training.version.peek()
    }, 1000 / PER_SECOND)
    return () => clearInterval(timer)
  }, [training, state])
  return opened
}

/** What a pair is, by the first that is watched. */
const Example = ({ run }: { run: LiveData }) => {
  const row = run.probes?.rows[0]
  if (!row) return null
  return (
    <p class="muted lab-example">
      One of the questions: “{row.prompt.trim()}” y⁺ “{row.responses.chosen?.trim()}” y⁻ “
      {row.responses.rejected?.trim()}”
    </p>
  )
}

const Words = ({ sentences }: { sentences: readonly string[] }) => (
  <section class="panel lab-story" aria-label="What happened">
    {sentences.map((sentence, i) => (i === 0 ? <h2 key={i}>{sentence}</h2> : <p key={i}>{sentence}</p>))}
  </section>
)

/** Given with its counterpart last, or twice the same where there is none. */
export const GptFigures = ({ app, first, second }: { app: App; first: Training; second: Training }) => {
  const [a, b] = [useRun(app, first), useRun(app, second)]
  const [runA, runB] = [a.data.value, b.data.value]
  const alone = first === second
  const view = app.store.view.value
  const watched = useWatched(a, runA?.version ?? 0)
  const rows = [runA, runB].map(run => `${run?.evaluations.length} ${run?.rows.get('argmax_logp')?.length}`).join()
  const shown = useMemo(
    () =>
      (alone ? [runA] : [runA, runB]).flatMap((run): Shown[] => {
        const effect = run && effectOf(run)
        return run && effect ? [{ run, effect }] : []
      }),
    [first, second, rows],
  )
  const told = useMemo(
    () =>
      shown.length === 2
        ? besideOf(shown[0], shown[1])
        : shown.length === 1
          ? toldOf(shown[0].effect, shown[0].run.id === runA?.id ? first.settings : second.settings)
          : [],
    [shown],
  )
  const [pair, words, moved] = useMemo(
    () => [
      shown.length > 0 ? [scissors(shown, app.curves), movesPanel(shown)] : [],
      runA && shown[0]?.run.id === runA.id && watched.lines ? wordPanels(runA, watched.lines, shown[0].effect) : [],
      [runA, alone ? undefined : runB].flatMap(run => (run && run.evaluations.length > 0 ? [run] : [])),
    ],
    [shown, watched.lines, rows],
  )
  const dynamics = useMemo(
    () =>
      moved.length > 0
        ? dynamicsPanel(moved, app.curves, { ...view, metric: 'logp', zoom: undefined })
        : undefined,
    [moved, view.hidden, view.change, view.spread],
  )
  return (
    <>
      {runA && <Example run={runA} />}
      {told.length > 0 && <Words sentences={told} />}
      {pair.length > 0 && (
        <div class="lab-pair">
          {pair.map(model => (
            <PanelFrame key={model.id} model={model} height={260} />
          ))}
        </div>
      )}
      {words.length > 0 && (
        <div class="lab-pair">
          {words.map(model => (
            <PanelFrame key={model.id} model={model} />
          ))}
        </div>
      )}
      {dynamics && <PanelFrame model={dynamics} height={320} />}
    </>
  )
}
