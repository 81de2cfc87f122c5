// Dynamics: how log π of every kind of response moves, step by step, by response type and by probe.
import { logPanels, signed, show, withError } from '@ldyn/figures'
import type { LiveData } from '../data/live-run.ts'
import { pointAt, updatesOf, type Axis } from '../drawing/align.ts'
import { axesOf, onAxes, runOfKey } from '../panels/axis.ts'
import { evaluationAt, mainPanel, squeezingPanel, typesIn } from '../panels/dynamics.ts'
import type { PanelModel } from '../panels/panel.ts'
import { spreadPanel } from '../panels/spread.tsx'
import type { ScreenProps } from '../shell/context.ts'
import { useKept } from '../shell/kept.ts'
import { PanelFrame } from '../shell/panel-frame.tsx'
import { Swatch } from '../shell/swatch.tsx'
import { causesPanel } from './dynamics-causes.tsx'
import { Controls } from './dynamics-controls.tsx'
import { ProbeList } from './probe-list.tsx'
import type { Screen } from './screen.ts'

/** The legend is the control: names hide, a second click alone shows. Values are those at the cursor. */
export const Legend = ({ model, app, runs }: { model: PanelModel } & Pick<ScreenProps, 'app' | 'runs'>) => {
  const { hidden, step, grouping, type } = app.store.view.value
  const at = app.ghost.value ?? step ?? Infinity
  const lines = model.kind === 'curves' ? model.panel.lines : []
  // A run's letter stands behind the name of what is drawn.
  const nameOf = (key: string): string => (runs.length > 1 ? key.replace(/ [A-Z]+$/, '') : key)
  const drawn = [...new Set(lines.map(({ key }) => nameOf(key)))]
  const all =
    grouping === 'type'
      ? typesIn(runs).map(({ key, says, look }) => ({ key, says, look }))
      : [
          ...drawn,
          ...hidden.filter(key => !drawn.includes(key) && !typesIn(runs).some(one => one.key === key)),
        ].map(key => ({
          key,
          says: key,
          look: lines.find(line => nameOf(line.key) === key)?.look ?? typesIn(runs)[0].look,
        }))
  const toggle = (key: string): void =>
    app.store.set({ hidden: hidden.includes(key) ? hidden.filter(one => one !== key) : [...hidden, key] })
  const solo = (key: string): void => {
    const others = all.map(one => one.key).filter(one => one !== key)
    app.store.set({ hidden: others.every(one => hidden.includes(one)) ? [] : others })
  }
  return (
    <ul class="legend" aria-label="Curves">
      {all.map(({ key, says, look }) => {
        const own = lines.filter(line => nameOf(line.key) === key)
        const off = hidden.includes(key)
        return (
          <li key={key} class={key === type ? 'focus' : undefined}>
            <button
              type="button"
              aria-pressed={!off}
              title={`${says}. Click hides or shows, double-click shows it alone`}
              onClick={() => toggle(key)}
              onDblClick={() => solo(key)}
            >
              <Swatch look={own[0]?.look ?? look} />{' '}
              <span class="name">{grouping === 'type' ? key : (own[0]?.label ?? key)}</span>
              {own.map(line => {
                const i = Math.max(0, pointAt(updatesOf(line), at))
                return (
                  <span class="value" key={line.key}>
                    {line.se && line.se[i] > 0
                      ? withError(line.mean[i], line.se[i]).replace(/^\+/, '')
                      : show(line.mean[i])}
                    {model.kind === 'curves' && !model.panel.zero && i > 0 && (
                      <span class="delta"> {signed(line.mean[i] - line.mean[0])}</span>
                    )}
                  </span>
                )
              })}
            </button>
          </li>
        )
      })}
    </ul>
  )
}

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

const Causes = ({ app, runs }: Pick<ScreenProps, 'app' | 'runs'>) => {
  const found = causesPanel(app, runs[0], app.store.view.value)
  if (!found) return null
  const { fall, model } = found
  return (
    <PanelFrame model={model}>
      <p class="muted asks">
        Click a curve at a step to ask of that step.{' '}
        {fall && (
          <button
            type="button"
            class="small"
            onClick={() => app.store.set({ versus: fall.from, step: fall.to })}
          >
            Ask of its longest fall: step {fall.from} to {fall.to}
          </button>
        )}{' '}
        {app.store.view.value.versus !== undefined && (
          <button type="button" class="small" onClick={() => app.store.set({ versus: undefined })}>
            Since the evaluation before alone
          </button>
        )}
      </p>
    </PanelFrame>
  )
}

/** A figure on the axes of its runs; lines are told to be of a run by the letter behind their key. */
const moved = (model: PanelModel, runs: readonly LiveData[], axes: readonly Axis[] | undefined): PanelModel =>
  model.kind === 'curves' ? { ...model, panel: onAxes(model.panel, axes, runOfKey(runs.length)) } : model

const View = ({ app, runs }: ScreenProps) => {
  const view = app.store.view.value
  const { metric, per, spread, change, versus, smooth, hidden, along, logY, grouping } = view
  // Curves of single prompts or lengths are those of the type in focus.
  const focus = grouping === 'prompt' || grouping === 'length' ? view.type : undefined
  const since = change ? versus : undefined
  const main = useKept(
    runs,
    [metric, per, spread, change, since, smooth, hidden, along, logY, grouping, focus],
    () => mainPanel(runs, app.curves, view),
  )
  const axes = useKept(runs, [along], () => axesOf(runs, along))
  const squeezing = useKept(runs, [per, spread, along], () =>
    moved(squeezingPanel(runs, app.curves, view), runs, axes),
  )
  const e = evaluationAt(runs[0], view.step)
  const side: readonly PanelModel[] = [spreadPanel(runs[0], view, e), squeezing]
  const log = useKept(runs, [along], () =>
    logPanels(runs).map((panel): PanelModel =>
      moved(
        {
          id: panel.id,
          kind: 'curves',
          title: panel.title,
          says: panel.says,
          panel,
          notes: panel.thinned === undefined ? [] : [panel.thinned],
        },
        runs,
        axes,
      ),
    ),
  )
  return (
    <>
      <Controls app={app} runs={runs} />
      <div class="main-figure">
        <PanelFrame model={main} height={360}>
          <Marks model={main} app={app} />
        </PanelFrame>
        <Legend model={main} app={app} runs={runs} />
      </div>
      <Causes app={app} runs={runs} />
      <div class="grid two">
        {side.map(model => (
          <PanelFrame model={model} key={model.id} />
        ))}
      </div>
      <ProbeList app={app} run={runs[0]} height={320} />
      {log.length > 0 ? (
        <section aria-labelledby="log-title">
          <h2 class="section" id="log-title">
            Training log
          </h2>
          <div class="grid">
            {log.map(model => (
              <PanelFrame model={model} key={model.id} height={200} />
            ))}
          </div>
        </section>
      ) : (
        <PanelFrame
          model={{
            id: 'log',
            kind: 'missing',
            title: 'Training log',
            says: 'Loss, gradient norm and learning rate at every update.',
            missing: runs[0].manifest.imported
              ? { what: 'The imported log does not hold the training log.' }
              : { what: 'No update is on file yet.' },
          }}
        />
      )}
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
