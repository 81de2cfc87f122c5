// The tiny GPT: a model that begins from the seed and really trains in this tab. It writes a run into memory, which the
// screens of runs show live; this page starts it, says how it stands, and saves it as a run directory.
import { signal } from '@preact/signals'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { findAdapter, type Found } from '../lab/gpt/adapter.ts'
import { startTraining, type Training } from '../lab/gpt/trainings.ts'
import { engineSays, planSays, standing } from '../lab/gpt/view.ts'
import { zipOf } from '../lab/gpt/zip.ts'
import { Knob, SeedInput } from '../lab/knob.tsx'
import { ENGINES, type EngineChoice, type GptSettings } from '../lab/settings.ts'
import { dynamicsPanel, squeezingPanel } from '../panels/dynamics.ts'
import { Icon } from '../shell/icon.tsx'
import { PanelFrame } from '../shell/panel-frame.tsx'
import { saveBytes } from '../shell/save.ts'
import type { Page } from '../state/address.ts'
import type { LabProps } from './lab-page.tsx'

/** Trainings of this page, the newest last. */
const trainings = signal<readonly Training[]>([])

const ENGINE_NAMES: Readonly<Record<EngineChoice, string>> = {
  auto: 'the best there is',
  webgpu: 'WebGPU',
  cpu: 'CPU worker',
  replay: 'a recorded run',
}
const PAGES: readonly (readonly [Page, string])[] = [
  ['overview', 'Overview'],
  ['dynamics', 'Dynamics'],
  ['squeeze', 'Squeeze'],
  ['probes', 'Probes'],
  ['update', 'Update'],
]

const EVERY = 10
const PROBES = 12
/** An update in so many is taken apart (A·K·G), so that the Update screen has something to show. */
const DECOMPOSE = 20

const Knobs = ({ gpt, change }: { gpt: GptSettings; change: (patch: Partial<GptSettings>) => void }) => (
  <section class="panel lab-knobs" aria-label="Knobs">
    <label class="lab-select">
      engine{' '}
      <select value={gpt.engine} onChange={event => change({ engine: event.currentTarget.value as EngineChoice })}>
        {ENGINES.map(engine => (
          <option key={engine} value={engine}>
            {ENGINE_NAMES[engine]}
          </option>
        ))}
      </select>
    </label>
    <SeedInput seed={gpt.seed} set={seed => change({ seed })} />
    <label class="check">
      <input type="checkbox" checked={gpt.ext} onChange={() => change({ ext: !gpt.ext })} /> extend: SFT learns y⁻ too
    </label>
    <Knob name="base" says="updates" value={gpt.base} range={[0, 400]} step={10} set={base => change({ base })} />
    <Knob name="SFT" says="updates" value={gpt.sftUpdates} range={[0, 400]} step={10} set={sftUpdates => change({ sftUpdates })} />
    <Knob name="DPO" says="updates" value={gpt.dpoUpdates} range={[0, 400]} step={10} set={dpoUpdates => change({ dpoUpdates })} />
    <Knob name="lr" says="base and SFT (AdamW)" value={gpt.lr} range={[1e-4, 0.1]} step={1e-4} log set={lr => change({ lr })} />
    <Knob name="DPO lr" says="RMSprop" value={gpt.dpoLr} range={[1e-5, 0.1]} step={1e-5} log set={dpoLr => change({ dpoLr })} />
    <Knob name="β" says="of DPO" value={gpt.beta} range={[0.01, 5]} step={0.01} log set={beta => change({ beta })} />
    <Knob name="layers" says="" value={gpt.layers} range={[1, 4]} step={1} set={layers => change({ layers })} />
    <Knob name="width" says="d" value={gpt.width} range={[16, 128]} step={16} set={width => change({ width })} />
  </section>
)

const Standing = ({ training }: { training: Training }) => {
  const state = training.state.value
  const engine = training.engine.value
  const trouble = training.trouble.value
  const lost = training.lost.value
  const progress = training.progress.value
  return (
    <>
      {trouble && (
        <p class="banner bad" role="alert">
          <strong>{trouble.what}.</strong> {trouble.where} What was trained before stays: it can be looked at, and
          saved.
        </p>
      )}
      {lost && (
        <p class="banner" role="status">
          <strong>The GPU was lost.</strong> {lost.why}. The training goes on with the CPU from update {lost.from}, with
          the weights that were kept there; nothing that is drawn was lost.
        </p>
      )}
      <p class="lab-standing" role="status">
        {standing(state, progress)}
      </p>
      {progress && <progress max={progress.steps} value={progress.step} aria-label="Updates" />}
      {engine && <p class="muted">{engineSays(engine, training.settings)}</p>}
    </>
  )
}

const Controls = ({ app, training, start }: { app: LabProps['app']; training?: Training; start: () => void }) => {
  const state = training?.state.value
  const goes = state === 'running' || state === 'paused' || state === 'starting'
  return (
    <div class="lab-player" role="group" aria-label="Training">
      {!goes && (
        <button type="button" class="lab-go" onClick={start}>
          {training ? 'Train again' : 'Train'}
        </button>
      )}
      {training && goes && (
        <>
          <button
            type="button"
            disabled={state === 'starting'}
            onClick={() => (state === 'paused' ? training.resume() : training.pause())}
          >
            <Icon name={state === 'paused' ? 'play' : 'pause'} /> {state === 'paused' ? 'Go on' : 'Pause'}
          </button>
          <button type="button" onClick={() => training.stop()}>
            Stop
          </button>
        </>
      )}
      {training && app.memory.has(training.key) && (
        <button
          type="button"
          onClick={() => {
            const name = training.key.slice('lab:'.length)
            saveBytes(`${name}.zip`, 'application/zip', zipOf(training.contents(), name))
          }}
        >
          Save as run
        </button>
      )}
    </div>
  )
}

/** The run's own curves, a few times a second while it trains. */
const Figures = ({ app, training }: { app: LabProps['app']; training: Training }) => {
  const opened = app.runs.open(training.key)
  const data = opened.data.value
  const state = training.state.value
  useEffect(() => {
    opened.need('argmax_logp')
    opened.retry()
    if (state !== 'running' && state !== 'starting') return
    let seen = -1
    const timer = setInterval(() => {
      if (training.version.peek() !== seen) opened.retry()
      seen = training.version.peek()
    }, 250)
    return () => clearInterval(timer)
  }, [training, state])
  const view = app.store.view.value
  const evaluations = data?.evaluations.length ?? 0
  const [moved, squeezed] = useMemo(
    () =>
      data && evaluations > 0
        ? [dynamicsPanel([data], app.curves, { ...view, metric: 'logp', zoom: undefined }), squeezingPanel([data], app.curves, view)]
        : [],
    [training, evaluations, data?.rows.get('argmax_logp')?.length, view.hidden, view.change, view.spread],
  )
  return (
    <>
      {moved && <PanelFrame model={moved} height={320} />}
      {squeezed && <PanelFrame model={squeezed} height={240} />}
    </>
  )
}

export const LabGpt = ({ app, settings, set }: LabProps) => {
  const gpt = settings.gpt
  const change = (patch: Partial<GptSettings>): void => set({ ...settings, gpt: { ...gpt, ...patch } })
  const [found, setFound] = useState<Found | undefined>(undefined)
  useEffect(() => {
    void findAdapter((navigator as { gpu?: GPU }).gpu).then(setFound)
  }, [])
  const training = trainings.value.at(-1)
  const start = (): void => {
    trainings.value = [
      ...trainings.peek(),
      startTraining({ memory: app.memory, settings: gpt, every: EVERY, probes: PROBES, decompose: DECOMPOSE }),
    ]
  }
  const held = training !== undefined && training.version.value > 0 && app.memory.has(training.key)
  return (
    <div class="lab">
      <div class="lab-columns">
        <div class="lab-side">
          <Controls app={app} training={training} start={start} />
          <Knobs gpt={gpt} change={change} />
        </div>
        <div class="lab-main">
          <section class="panel lab-story" aria-label="The training">
            <h2>A small language model that trains in this tab</h2>
            <p>{planSays(gpt)} Forty hand-written questions, one token a word; nothing is sent anywhere.</p>
            {training ? (
              <Standing training={training} />
            ) : (
              <p>{found === undefined ? 'Looking for a GPU…' : found.says}{found && !found.gpu && ' A worker on the CPU will train a smaller model.'}</p>
            )}
            {held && (
              <p class="lab-links">
                Look at it as at any run, now or later:{' '}
                {PAGES.map(([page, name]) => (
                  <a key={page} href={app.store.link({ runs: [training.key], page, place: 'runs', full: undefined })}>
                    {name}
                  </a>
                ))}
                {trainings.value.length > 1 && (
                  <a
                    href={app.store.link({
                      runs: trainings.value.slice(-2).map(({ key }) => key),
                      page: 'compare',
                      place: 'runs',
                      full: undefined,
                    })}
                  >
                    Compare with the last
                  </a>
                )}
              </p>
            )}
          </section>
          {held && <Figures key={training.key} app={app} training={training} />}
        </div>
      </div>
    </div>
  )
}
