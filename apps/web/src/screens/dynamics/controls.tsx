// The controls of curves: which metric, per what, grouped how, with which band, as change since when, along what.
// They stand above the figure, one click each (ux.md R9), and all of them are part of the address.
import { placeName } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'
import type { LiveData } from '../../data/live-run.ts'
import { alongText, whyNot } from '../../panels/dynamics/axis.ts'
import { metricsOf, textOf } from '../../panels/metrics.ts'
import { Choice } from '../../shell/choice.tsx'
import type { ScreenProps } from '../../shell/context.ts'
import { MoreSettings } from '../../shell/more-settings.tsx'
import { ALONGS, GROUPINGS, type Along, type Spread, type View } from '../../state/address.ts'
import { awayWords, bandNames, groupText } from './away.ts'

const SMOOTHS = [0, 0.6, 0.9, 0.97]
const BANDS: readonly Spread[] = ['se', 'boot', 'iqr', 'range', 'none']

/** What a narrow window has behind "More settings". */
const FOLDED = ['spread', 'grouping', 'change', 'smooth', 'along', 'xAxis', 'logY'] as const

type Props = Pick<ScreenProps, 'app' | 'runs'>

/** The metric that curves are of. */
export const MetricControl = ({ app, runs }: Props) => {
  const { metric } = app.store.view.value
  const known = metricsOf(runs)
  return (
    <Choice
      label="Metric"
      value={metric}
      options={[...known, ...(known.includes(metric) ? [] : [metric])].map(name => [name, textOf(name).title] as const)}
      choose={name => app.store.set({ metric: name })}
    />
  )
}

/** Per response or per token; a mean over tokens is neither. */
export const PerControl = ({ app }: Pick<Props, 'app'>) => {
  const { metric, per } = app.store.view.value
  if (!isSum(metric)) return null
  return (
    <Choice
      label="Per"
      value={per}
      options={[
        ['response', 'response (sum)'],
        ['token', 'token (mean)'],
      ]}
      choose={one => app.store.set({ per: one })}
    />
  )
}

export const BandControl = ({ app }: Pick<Props, 'app'>) => (
  <Choice
    label="Band"
    value={app.store.view.value.spread}
    options={BANDS.map(one => [one, bandNames[one]] as const)}
    choose={spread => app.store.set({ spread })}
  />
)

/** "Δ from": off, the first evaluation, the beginning of a stage, the step of the cursor, or what a link says. */
export const ChangeControl = ({ app, runs }: Props) => {
  const { change, versus, step } = app.store.view.value
  const [run] = runs
  const first = run.evaluations[0]?.step ?? 0
  const at = (step: number): string => `${placeName(run)} ${step}`
  const offered = new Map<number, string>()
  for (const { name, from } of run.stages) if (from > first) offered.set(from, `${at(from)}, ${name} begins`)
  if (step !== undefined && step > first && !offered.has(step)) offered.set(step, `${at(step)}, the cursor`)
  if (versus !== undefined && versus !== first && !offered.has(versus)) offered.set(versus, at(versus))
  return (
    <Choice
      label="Δ from"
      value={!change ? 'off' : versus === undefined || versus === first ? 'first' : String(versus)}
      options={[
        'off',
        ['first', at(first)],
        ...[...offered].sort(([a], [b]) => a - b).map(([step, text]) => [String(step), text] as const),
      ]}
      choose={value =>
        app.store.set(
          value === 'off'
            ? { change: false }
            : { change: true, versus: value === 'first' ? undefined : Number(value) },
        )
      }
    />
  )
}

const Check = ({ name, on, turn }: { name: string; on: boolean; turn: () => void }) => (
  <label class="check">
    <input type="checkbox" checked={on} onChange={turn} /> {name}
  </label>
)

/** What the horizontal axis counts, which axes are logarithmic, and what else is about them: these stay together. */
export const AxisControls = ({
  app,
  runs,
  both = false,
  children,
}: Props & { both?: boolean; children?: ComponentChildren }) => {
  const { along, xAxis, logY } = app.store.view.value
  const { set } = app.store
  const why = ALONGS.map(one => runs.map(run => whyNot(run, one)).find(text => text !== undefined))
  return (
    <span class="together">
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
      <span class="checks">
        <Check name="log x" on={xAxis === 'log'} turn={() => set({ xAxis: xAxis === 'log' ? 'step' : 'log' })} />
        {both && <Check name="log y" on={logY} turn={() => set({ logY: !logY })} />}
      </span>
      {children}
    </span>
  )
}

/** Back from a zoom; nothing where there is none. */
export const ZoomControl = ({ app }: Pick<Props, 'app'>) => {
  const { zoom } = app.store.view.value
  return zoom ? (
    <button type="button" class="small" onClick={() => app.store.set({ zoom: undefined })}>
      Zoom {Math.round(zoom[0])}–{Math.round(zoom[1])} ✕
    </button>
  ) : null
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

const Settings = ({ app, runs, view }: Props & { readonly view: View }) => {
  const { grouping, smooth } = view
  const { set } = app.store
  return (
    <div class="controls" role="group" aria-label="What the curves show">
      <MetricControl app={app} runs={runs} />
      <PerControl app={app} />
      <MoreSettings away={awayWords(view, FOLDED)}>
        <BandControl app={app} />
        <Choice
          label="Group"
          value={grouping}
          options={GROUPINGS.map(one => [one, groupText[one]] as const)}
          choose={one => set({ grouping: one })}
        />
        <ChangeControl app={app} runs={runs} />
        <Choice
          label="Smooth"
          value={smooth}
          options={SMOOTHS.map(weight => [weight, weight === 0 ? 'off' : `EMA ${weight}`] as const)}
          choose={weight => set({ smooth: weight })}
        />
        <AxisControls app={app} runs={runs} both />
      </MoreSettings>
      <ZoomControl app={app} />
    </div>
  )
}
