// The squeeze toy and the softmax race: knobs, guided steps, what happened in words, and the figures. Everything is
// computed from the address, so that a link is the whole experiment.
import { useEffect, useMemo, useState } from 'preact/hooks'
import { runToy } from '../../lab/toy.ts'
import { STEPS, stepOf } from '../../lab/steps.ts'
import { RANGES, writeSettings, type ToySettings } from '../../lab/settings.ts'
import { storyOf } from '../../lab/story.ts'
import { codePanel, toyPanels } from '../../lab/toy-panels.tsx'
import { Icon } from '../../shell/icon.tsx'
import { PanelFrame } from '../../shell/panel/frame.tsx'
import { Knob, SeedInput } from '../../lab/knob.tsx'
import type { LabProps } from './lab-page.tsx'

const SPEEDS = [2, 5, 15] as const

const Steps = ({ app, settings }: LabProps) => {
  const at = stepOf(settings)
  return (
    <nav class="lab-steps" aria-label="Guided steps">
      <ol>
        {STEPS.map((step, i) => (
          <li key={step.title}>
            <a
              href={app.store.link({ lab: writeSettings(step.settings) })}
              aria-current={i === at ? 'step' : undefined}
            >
              <span class="nth" aria-hidden="true">
                {i + 1}
              </span>{' '}
              {step.title}
            </a>
          </li>
        ))}
      </ol>
      {at >= 0 && <p class="muted">{STEPS[at].look}</p>}
    </nav>
  )
}

/** Play, step, back: they change how many updates were done, and nothing else. */
const Player = ({ toy, change }: { toy: ToySettings; change: (patch: Partial<ToySettings>) => void }) => {
  const [playing, setPlaying] = useState(false)
  const [speed, setSpeed] = useState<number>(5)
  const most = RANGES.n[1]
  useEffect(() => {
    if (!playing) return
    if (toy.n >= most) return setPlaying(false)
    const timer = setTimeout(() => change({ n: toy.n + 1 }), 1000 / speed)
    return () => clearTimeout(timer)
  }, [playing, speed, toy])
  return (
    <div class="lab-player" role="group" aria-label="Updates">
      <button
        type="button"
        aria-pressed={playing}
        onClick={() => {
          if (!playing && toy.n >= most) change({ n: 0 })
          setPlaying(!playing)
        }}
      >
        <Icon name={playing ? 'pause' : 'play'} /> {playing ? 'Pause' : 'Play'}
      </button>
      <button type="button" disabled={toy.n >= most} onClick={() => (setPlaying(false), change({ n: toy.n + 1 }))}>
        One update
      </button>
      <button type="button" disabled={toy.n === 0} onClick={() => (setPlaying(false), change({ n: 0 }))}>
        Back to the start
      </button>
      <label>
        speed{' '}
        <select value={speed} onChange={event => setSpeed(Number(event.currentTarget.value))}>
          {SPEEDS.map(one => (
            <option key={one} value={one}>
              {one}/s
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

const Knobs = ({ toy, change }: { toy: ToySettings; change: (patch: Partial<ToySettings>) => void }) => {
  const drawn = toy.start === 'drawn'
  const valley = Math.round((toy.V - 1) * 0.86)
  return (
    <section class="panel lab-knobs" aria-label="Knobs">
      <Knob name="updates" says="how often" value={toy.n} range={RANGES.n} step={1} set={n => change({ n })} />
      <Knob name="lr" says="learning rate η" value={toy.lr} range={RANGES.lr} step={0.01} log set={lr => change({ lr })} />
      <Knob
        name="β"
        says={toy.beta === 0 ? '0: every update has weight 1' : 'DPO’s weight β(1 − a)'}
        value={toy.beta}
        range={RANGES.beta}
        step={0.05}
        set={beta => change({ beta })}
      />
      <fieldset>
        <legend>Push</legend>
        {(
          [
            ['neg', 'y⁻ down'],
            ['pos', 'y⁺ up'],
            ['both', 'both, same context'],
          ] as const
        ).map(([push, label]) => (
          <label class="check" key={push}>
            <input type="radio" name="push" checked={toy.push === push} onChange={() => change({ push })} /> {label}
          </label>
        ))}
      </fieldset>
      <div class="lab-row" role="group" aria-label="Where y⁻ is">
        <span>y⁻ at</span>
        <button type="button" class="small" aria-pressed={toy.neg === 0} onClick={() => change({ neg: 0 })}>
          peak
        </button>
        <button type="button" class="small" aria-pressed={toy.neg === valley} onClick={() => change({ neg: valley })}>
          valley
        </button>
      </div>
      <Knob name="y⁻" says="class, by its rank at the start" value={toy.neg} range={[0, toy.V - 1]} step={1} set={neg => change({ neg })} />
      <Knob name="y⁺" says="class, by its rank at the start" value={toy.pos} range={[0, toy.V - 1]} step={1} set={pos => change({ pos })} />
      <Knob name="extend" says="SFT updates on y⁻ first" value={toy.ext} range={RANGES.ext} step={1} set={ext => change({ ext })} />
      <label class="lab-select">
        start{' '}
        <select
          value={toy.start}
          onChange={event => change({ start: event.currentTarget.value as ToySettings['start'] })}
        >
          <option value="drawn">drawn from the seed</option>
          <option value="A">notebook A: any</option>
          <option value="B">notebook B: flat</option>
          <option value="D">notebook D: peaky</option>
          <option value="E">notebook E: 1000 classes</option>
        </select>
      </label>
      {drawn && (
        <>
          <Knob name="peakiness" says="p ∝ rank^−peakiness" value={toy.peak} range={RANGES.peak} step={0.1} set={peak => change({ peak })} />
          <Knob name="V" says="classes" value={toy.V} range={RANGES.V} step={1} log set={V => change({ V })} />
          <SeedInput seed={toy.seed} set={seed => change({ seed })} />
        </>
      )}
    </section>
  )
}

export const LabToy = (props: LabProps) => {
  const { app, settings, set } = props
  const { toy: s, sim } = settings
  const change = (patch: Partial<ToySettings>): void => {
    const next = { ...s, ...patch }
    const last = (next.start === 'drawn' ? next.V : next.start === 'E' ? 1000 : 50) - 1
    set({ ...settings, toy: { ...next, pos: Math.min(next.pos, last), neg: Math.min(next.neg, last) } })
  }
  const key = JSON.stringify([sim, s])
  const toy = useMemo(() => runToy(s), [key])
  const panels = useMemo(() => toyPanels(app, toy, settings, change), [key])
  const story = useMemo(() => storyOf(toy, s), [key])
  return (
    <div class="lab">
      {sim === 'squeeze' && <Steps {...props} />}
      <div class="lab-columns">
        <div class="lab-side">
          <Player toy={s} change={change} />
          <Knobs toy={s} change={change} />
        </div>
        <div class="lab-main">
          <section class="panel lab-story" aria-label="What happened" aria-live="off">
            {story.map((sentence, i) => (i === 0 ? <h2 key={i}>{sentence}</h2> : <p key={i}>{sentence}</p>))}
          </section>
          {panels.first.map(model => (
            <PanelFrame key={model.id} model={model} height={340} />
          ))}
          <div class="lab-pair">
            {panels.rest.map(model => (
              <PanelFrame key={model.id} model={model} height={260} />
            ))}
          </div>
          {codePanel()}
        </div>
      </div>
    </div>
  )
}
