// Dynamics: how log π of every kind of response moves, step by step, by response type and by probe.
import { isSum } from '@ldyn/runs'
import { logPanels, signed, show, withError } from '@ldyn/figures'
import { pointAt } from '../drawing/align.ts'
import {
  dynamicsPanel,
  evaluationAt,
  metricsOf,
  squeezingPanel,
  textOf,
  typesIn,
} from '../panels/dynamics.ts'
import type { PanelModel } from '../panels/panel.ts'
import { spreadPanel } from '../panels/spread.tsx'
import type { ScreenProps } from '../shell/context.ts'
import { useKept } from '../shell/kept.ts'
import { PanelFrame } from '../shell/panel-frame.tsx'
import { Swatch } from '../shell/swatch.tsx'
import type { Spread } from '../state/address.ts'
import { ProbeList } from './probe-list.tsx'
import type { Screen } from './screen.ts'

const SMOOTHS = [0, 0.6, 0.9, 0.97]

const Controls = ({ app, runs }: ScreenProps) => {
  const { metric, per, spread, change, xAxis, smooth, zoom } = app.store.view.value
  const { set } = app.store
  return (
    <div class="controls" role="group" aria-label="What the curves show">
      <label>
        Metric{' '}
        <select value={metric} onChange={event => set({ metric: event.currentTarget.value })}>
          {metricsOf(runs).map(name => (
            <option value={name} key={name}>
              {textOf(name).title}
            </option>
          ))}
          {!metricsOf(runs).includes(metric) && <option value={metric}>{metric}</option>}
        </select>
      </label>
      {isSum(metric) && (
        <label>
          Per{' '}
          <select
            value={per}
            onChange={event => set({ per: event.currentTarget.value as 'response' | 'token' })}
          >
            <option value="response">response (sum)</option>
            <option value="token">token (sum ÷ tokens)</option>
          </select>
        </label>
      )}
      <label>
        Band{' '}
        <select value={spread} onChange={event => set({ spread: event.currentTarget.value as Spread })}>
          <option value="se">standard error</option>
          <option value="iqr">quartiles</option>
          <option value="range">lowest–highest</option>
          <option value="none">none</option>
        </select>
      </label>
      <label class="check">
        <input type="checkbox" checked={change} onChange={() => set({ change: !change })} /> as change (Δ)
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={xAxis === 'log'}
          onChange={() => set({ xAxis: xAxis === 'log' ? 'step' : 'log' })}
        />{' '}
        log steps
      </label>
      <label>
        Smooth{' '}
        <select value={String(smooth)} onChange={event => set({ smooth: Number(event.currentTarget.value) })}>
          {SMOOTHS.map(weight => (
            <option value={String(weight)} key={weight}>
              {weight === 0 ? 'off' : `EMA ${weight}`}
            </option>
          ))}
        </select>
      </label>
      {zoom && (
        <button type="button" class="small" onClick={() => set({ zoom: undefined })}>
          Zoom {Math.round(zoom[0])}–{Math.round(zoom[1])} ✕
        </button>
      )}
    </div>
  )
}

/** The legend is the control: names hide, a second click alone shows. Values are those at the cursor. */
export const Legend = ({ model, app, runs }: { model: PanelModel } & Pick<ScreenProps, 'app' | 'runs'>) => {
  const { hidden, step } = app.store.view.value
  const at = app.ghost.value ?? step ?? Infinity
  const lines = model.kind === 'curves' ? model.panel.lines : []
  const all = typesIn(runs)
  const toggle = (key: string): void =>
    app.store.set({ hidden: hidden.includes(key) ? hidden.filter(one => one !== key) : [...hidden, key] })
  const solo = (key: string): void => {
    const others = all.map(type => type.key).filter(one => one !== key)
    app.store.set({ hidden: others.every(one => hidden.includes(one)) ? [] : others })
  }
  return (
    <ul class="legend" aria-label="Response types">
      {all.map(type => {
        const own = lines.filter(({ key }) => key === type.key || key.startsWith(`${type.key} `))
        const off = hidden.includes(type.key)
        return (
          <li key={type.key}>
            <button
              type="button"
              aria-pressed={!off}
              title={`${type.says}. Click hides or shows, double-click shows it alone`}
              onClick={() => toggle(type.key)}
              onDblClick={() => solo(type.key)}
            >
              <Swatch look={own[0]?.look ?? type.look} /> <span class="name">{type.key}</span>
              {own.map(line => {
                const i = Math.max(0, pointAt(line.steps, at))
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

const View = ({ app, runs, opened }: ScreenProps) => {
  const view = app.store.view.value
  const { metric, per, spread, change, versus, smooth, hidden } = view
  const main = useKept(runs, [metric, per, spread, change, versus, smooth, hidden], () =>
    dynamicsPanel(runs, app.curves, view),
  )
  const squeezing = useKept(runs, [per, spread], () => squeezingPanel(runs, app.curves, view))
  const e = evaluationAt(runs[0], view.step)
  const side: readonly PanelModel[] = [spreadPanel(runs[0], view, e), squeezing]
  const log = useKept(runs, [], () =>
    logPanels(runs).map(
      (panel): PanelModel => ({
        id: panel.id,
        kind: 'curves',
        title: panel.title,
        says: panel.says,
        panel,
        notes: panel.thinned === undefined ? [] : [panel.thinned],
      }),
    ),
  )
  return (
    <>
      <Controls app={app} runs={runs} opened={opened} />
      <div class="main-figure">
        <PanelFrame model={main} height={360} />
        <Legend model={main} app={app} runs={runs} />
      </div>
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
  metrics: ({ metric }) => ['logp', metric, 'argmax_logp'],
  View,
}
