// Dynamics: how log π of every kind of response moves, step by step, by response type and by probe.
import { logPanels, type Panel, placeName } from '@ldyn/figures'
import { useMemo, useRef } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import type { Axis } from '../../drawing/align.ts'
import { axesOf, onAxes, runOfKey } from '../../panels/dynamics/axis.ts'
import { evaluationAt } from '../../data/evaluation.ts'
import { mainPanel } from '../../panels/dynamics/dynamics.ts'
import { squeezingPanel } from '../../panels/dynamics/squeezing.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { spreadPanel } from '../../panels/dynamics/spread.tsx'
import type { ScreenProps } from '../../shell/context.ts'
import { useGrown, useKept } from '../../shell/panel/kept.ts'
import { LivePanel } from '../../shell/panel/live-panel.tsx'
import { useSeen } from '../../shell/near.ts'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { causesPanel } from './causes.tsx'
import { Controls } from './controls.tsx'
import { Legend } from './legend.tsx'
import { ProbeList } from '../probes/list.tsx'
import { RunLetters } from '../run-letters.tsx'
import type { Screen } from '../screen.ts'

const MOST_MARKS = 12

/** What happened on the way, as a list: each leads to its step. */
const Marks = ({ model, app }: { model: PanelModel } & Pick<ScreenProps, 'app'>) => {
  const marks = model.kind === 'curves' ? (model.panel.marks ?? []) : []
  if (marks.length === 0) return null
  return (
    <p class="marks muted">
      {'On the way: '}
      {marks.slice(0, MOST_MARKS).map(({ step, kind, text }) => (
        <button
          type="button"
          class="small"
          key={`${kind} ${step} ${text}`}
          onClick={() => app.store.set({ step })}
        >
          <b aria-hidden="true">{kind === 'warning' ? '!' : kind.charAt(0).toUpperCase()}</b> {text}
        </button>
      ))}
      {marks.length > MOST_MARKS && ` and ${marks.length - MOST_MARKS} more`}
    </p>
  )
}

const Causes = ({ app, runs: [run] }: Pick<ScreenProps, 'app' | 'runs'>) => {
  const { step, type, versus } = app.store.view.value
  const place = useRef<HTMLElement>(null)
  const found = useGrown([run], [step, type, versus], useSeen(place), () =>
    causesPanel(app, run, app.store.view.peek()),
  )
  return useMemo(() => {
    if (!found) return null
    const { fall, model } = found
    return (
      <PanelFrame model={model} frame={place}>
        <p class="muted asks">
          Click a curve at {placeName(run) === 'step' ? 'a step to ask of that step' : 'an evaluation to ask of that one'}.{' '}
          {fall && (
            <button
              type="button"
              class="small"
              onClick={() => app.store.set({ versus: fall.from, step: fall.to })}
            >
              Ask of its longest fall: {placeName(run)} {fall.from} to {fall.to}
            </button>
          )}{' '}
          {versus !== undefined && (
            <button type="button" class="small" onClick={() => app.store.set({ versus: undefined })}>
              Since the evaluation before alone
            </button>
          )}
        </p>
      </PanelFrame>
    )
  }, [found])
}

/** What the trainer logged, on the axes of the figures above. */
const TrainingLog = ({ app, runs }: Pick<ScreenProps, 'app' | 'runs'>) => {
  const { along } = app.store.view.value
  const place = useRef<HTMLElement>(null)
  const log = useGrown(runs, [along], useSeen(place), () => {
    const axes = axesOf(runs, along)
    return logPanels(runs).map((panel): PanelModel => moved(logModel(panel), runs, axes))
  })
  return useMemo(
    () => (
      <section aria-labelledby={log.length > 0 ? 'log-title' : undefined} ref={place}>
        {log.length > 0 ? (
          <>
            <h2 class="section" id="log-title">
              Training log
            </h2>
            <div class="grid">
              {log.map(model => (
                <PanelFrame model={model} key={model.id} height={200} />
              ))}
            </div>
          </>
        ) : (
          <PanelFrame model={noLog(runs[0])} />
        )}
      </section>
    ),
    [log],
  )
}

const noLog = ({ manifest }: LiveData): PanelModel => ({
  id: 'log',
  kind: 'missing',
  title: 'Training log',
  says: 'Loss, gradient norm and learning rate at every update.',
  missing: manifest.imported
    ? { what: 'The imported log does not hold the training log.' }
    : { what: 'No update is on file yet.' },
})

/** A figure on the axes of its runs; lines are told to be of a run by the letter behind their key. */
const moved = (model: PanelModel, runs: readonly LiveData[], axes: readonly Axis[] | undefined): PanelModel =>
  model.kind === 'curves' ? { ...model, panel: onAxes(model.panel, axes, runOfKey(runs.length)) } : model

const logModel = (panel: Panel): PanelModel => ({
  id: panel.id,
  kind: 'curves',
  title: panel.title,
  says: panel.says,
  panel,
  notes: panel.thinned === undefined ? [] : [panel.thinned],
})

const View = ({ app, runs, opened }: ScreenProps) => {
  const view = app.store.view.value
  const { metric, per, spread, change, versus, smooth, hidden, along, logY, grouping, step } = view
  // Curves of single prompts or lengths are those of the type in focus.
  const focus = grouping === 'prompt' || grouping === 'length' ? view.type : undefined
  const since = change ? versus : undefined
  const main = useKept(
    runs,
    [metric, per, spread, change, since, smooth, hidden, along, logY, grouping, focus],
    () => mainPanel(runs, app.curves, view),
  )
  const figure = useMemo(
    () => (
      <PanelFrame model={main} height={360}>
        <Marks model={main} app={app} />
      </PanelFrame>
    ),
    [main],
  )
  return (
    <>
      {runs.length > 1 && <RunLetters app={app} names={opened.map(({ key }) => key)} />}
      <Controls app={app} runs={runs} />
      <div class={runs.some(({ types }) => types.length > 0) ? 'main-figure' : undefined}>
        {figure}
        {runs.some(({ types }) => types.length > 0) && <Legend model={main} app={app} runs={runs} />}
      </div>
      <Causes app={app} runs={runs} />
      <div class="grid two">
        <LivePanel
          runs={runs}
          settings={[metric, per, change, since, hidden, step]}
          make={() => spreadPanel(runs[0], view, evaluationAt(runs[0], step))}
        />
        <LivePanel
          runs={runs}
          settings={[per, spread, along]}
          make={() => moved(squeezingPanel(runs, app.curves, view), runs, axesOf(runs, along))}
        />
      </div>
      <ProbeList app={app} run={runs[0]} height={320} />
      <TrainingLog app={app} runs={runs} />
    </>
  )
}

export const dynamics: Screen = {
  page: 'dynamics',
  title: 'Dynamics',
  key: 'd',
  metrics: ({ metric }) => [metric, 'logp'],
  View,
}
