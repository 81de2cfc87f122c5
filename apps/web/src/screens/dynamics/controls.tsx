// The controls of curves: which metric, per what, grouped how, with which band, as change since when, along what.
// They stand above the figure, one click each (ux.md R9), and all of them are part of the address.
import { isSum } from '@ldyn/runs'
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { alongText, whyNot } from '../../panels/dynamics/axis.ts'
import { metricsOf, textOf } from '../../panels/metrics.ts'
import type { ScreenProps } from '../../shell/context.ts'
import { ALONGS, type Along, type Grouping, type Spread, type View } from '../../state/address.ts'

const SMOOTHS = [0, 0.6, 0.9, 0.97]

const groupText: Readonly<Record<Grouping, string>> = {
  type: 'response type',
  family: 'kin of types',
  prompt: 'prompt, of the type in focus',
  length: 'length, of the type in focus',
}

const bands: readonly (readonly [Spread, string])[] = [
  ['se', 'standard error'],
  ['boot', 'bootstrap 95 %'],
  ['iqr', 'quartiles'],
  ['range', 'lowest–highest'],
  ['none', 'none'],
]

type Props = Pick<ScreenProps, 'app' | 'runs'>

export const MetricControls = ({ app, runs }: Props) => {
  const { metric, per, spread } = app.store.view.value
  const { set } = app.store
  return (
    <>
      <label>
        Metric{' '}
        <select value={metric} onChange={event => set({ metric: event.currentTarget.value })}>
          {metricsOf(runs).map(name => (
            <option value={name} key={name}>
              {textOf(name).title}
            </option>
          ))}
          {!metricsOf(runs).includes(metric) && <option value={metric}>{textOf(metric).title}</option>}
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
          {bands.map(([value, text]) => (
            <option value={value} key={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </>
  )
}

/** "Δ from": off, the first evaluation, the beginning of a stage, the step of the cursor, or what a link says. */
export const ChangeControl = ({ app, runs }: Props) => {
  const { change, versus, step } = app.store.view.value
  const [run] = runs
  const first = run.evaluations[0]?.step ?? 0
  const offered = new Map<number, string>()
  for (const { name, from } of run.stages) if (from > first) offered.set(from, `step ${from}, ${name} begins`)
  if (step !== undefined && step > first && !offered.has(step)) offered.set(step, `step ${step}, the cursor`)
  if (versus !== undefined && versus !== first && !offered.has(versus)) offered.set(versus, `step ${versus}`)
  return (
    <label>
      Δ from{' '}
      <select
        value={!change ? 'off' : versus === undefined || versus === first ? 'first' : String(versus)}
        onChange={event => {
          const { value } = event.currentTarget
          app.store.set(
            value === 'off'
              ? { change: false }
              : { change: true, versus: value === 'first' ? undefined : Number(value) },
          )
        }}
      >
        <option value="off">off</option>
        <option value="first">step {first}</option>
        {[...offered]
          .sort(([a], [b]) => a - b)
          .map(([at, text]) => (
            <option value={String(at)} key={at}>
              {text}
            </option>
          ))}
      </select>
    </label>
  )
}

export const AxisControls = ({ app, runs }: Props) => {
  const { along, xAxis, zoom } = app.store.view.value
  const { set } = app.store
  const why = ALONGS.map(one => runs.map(run => whyNot(run, one)).find(text => text !== undefined))
  return (
    <>
      <label>
        Along{' '}
        <select value={along} onChange={event => set({ along: event.currentTarget.value as Along })}>
          {ALONGS.map((one, i) => (
            <option value={one} key={one} disabled={why[i] !== undefined && one !== along} title={why[i]}>
              {alongText(runs, one)}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={xAxis === 'log'}
          onChange={() => set({ xAxis: xAxis === 'log' ? 'step' : 'log' })}
        />{' '}
        log x
      </label>
      {zoom && (
        <button type="button" class="small" onClick={() => set({ zoom: undefined })}>
          Zoom {Math.round(zoom[0])}–{Math.round(zoom[1])} ✕
        </button>
      )}
    </>
  )
}

/** What of the runs the controls are made of: a run that grows seldom changes any of it. */
const offeredOf = (runs: readonly LiveData[]): string =>
  JSON.stringify([
    metricsOf(runs),
    runs[0].stages.map(({ name, from }) => [name, from]),
    runs[0].evaluations[0]?.step,
    ALONGS.map(along => runs.map(run => whyNot(run, along))),
  ])

export const Controls = ({ app, runs }: Props) => {
  const view = app.store.view.value
  return useMemo(() => <Settings app={app} runs={runs} view={view} />, [view, offeredOf(runs)])
}

const Settings = ({ app, runs, view: { grouping, logY, smooth } }: Props & { readonly view: View }) => {
  const { set } = app.store
  return (
    <div class="controls" role="group" aria-label="What the curves show">
      <MetricControls app={app} runs={runs} />
      <label>
        Group{' '}
        <select value={grouping} onChange={event => set({ grouping: event.currentTarget.value as Grouping })}>
          {(Object.keys(groupText) as Grouping[]).map(one => (
            <option value={one} key={one}>
              {groupText[one]}
            </option>
          ))}
        </select>
      </label>
      <ChangeControl app={app} runs={runs} />
      <AxisControls app={app} runs={runs} />
      <label class="check">
        <input type="checkbox" checked={logY} onChange={() => set({ logY: !logY })} /> log y
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
    </div>
  )
}
