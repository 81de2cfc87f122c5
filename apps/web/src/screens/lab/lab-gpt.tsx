// The tiny GPT: a model that begins from the seed and really trains in this tab. It writes a run into memory, which the
// screens of runs show live; this page starts it, says how it stands, and saves it as a run directory.
import { useEffect, useRef, useState } from 'preact/hooks'
import { findAdapter, type Found } from '../../lab/gpt/adapter.ts'
import { begin, differ, goesOn, isReplay, other, pushedFrom, shownOf, trainings } from '../../lab/gpt/pairs.ts'
import type { Training } from '../../lab/gpt/trainings.ts'
import { engineSays, planSays, remedyOf, standing } from '../../lab/gpt/view.ts'
import { zipOf } from '../../lab/gpt/zip.ts'
import type { GptSettings } from '../../lab/settings.ts'
import { Icon } from '../../shell/icon.tsx'
import { saveBytes } from '../../shell/panel/save.ts'
import type { Page } from '../../state/address.ts'
import { GptFigures } from './gpt-figures.tsx'
import { GptKnobs } from './gpt-knobs.tsx'
import type { LabProps } from './lab-page.tsx'

const PAGES: readonly (readonly [Page, string])[] = [
  ['overview', 'Overview'],
  ['dynamics', 'Dynamics'],
  ['squeeze', 'Squeeze'],
  ['probes', 'Probes'],
  ['update', 'Update'],
]

/** Screens of two runs: of the baseline and extend they are the paper's comparison. */
const TOGETHER: readonly (readonly [Page, string])[] = [
  ['compare', 'Compare'],
  ['figures', 'Figure 5'],
]

const Standing = ({ training, both }: { training: Training; both: boolean }) => {
  const state = training.state.value
  const engine = training.engine.value
  const trouble = training.trouble.value
  const lost = training.lost.value
  const progress = training.progress.value
  return (
    <>
      {trouble && (
        <p class="banner bad" role="alert">
          <strong>{trouble.what}.</strong> {trouble.where && `${remedyOf(trouble.where, training.settings)} `}
          {training.version.value > 0 && 'What was trained before stays: it can be looked at, and saved.'}
        </p>
      )}
      {lost && (
        <p class="banner" role="status">
          <strong>The GPU was lost.</strong> {lost.why}. The training goes on with the CPU from update {lost.from}, with
          the weights that were kept there; nothing that is drawn was lost.
        </p>
      )}
      <p class="lab-standing" role="status">
        {training.settings.beside || both ? (training.settings.ext ? 'Extend. ' : 'Baseline. ') : ''}
        {standing(state, progress, training.doing.value)}
      </p>
      {progress && <progress max={progress.steps} value={progress.step} aria-label="Updates" />}
      {engine && <p class="muted">{engineSays(engine, training.settings)}</p>}
    </>
  )
}

const save = ({ key, contents }: Training): void => {
  const name = key.slice('lab:'.length)
  saveBytes(`${name}.zip`, 'application/zip', zipOf(contents(), name))
}

interface ControlsProps {
  readonly training: Training | undefined
  readonly shown: readonly Training[]
  readonly start: () => void
}

const Controls = ({ training, shown, start }: ControlsProps) => {
  const state = training?.state.value
  const goes = training !== undefined && goesOn(training)
  const paused = state === 'paused'
  const first = useRef<HTMLButtonElement>(null)
  const act = (): void => (!goes ? start() : paused ? training.resume() : training.pause())
  return (
    <div class="lab-player" role="group" aria-label="Training">
      {/* One button throughout, so that whoever presses it by key keeps it. */}
      <button
        ref={first}
        type="button"
        class={goes ? undefined : 'lab-go'}
        aria-disabled={state === 'starting'}
        onClick={act}
      >
        {goes && <Icon name={paused ? 'play' : 'pause'} />} {goes ? (paused ? 'Go on' : 'Pause') : training ? 'Train again' : 'Train'}
      </button>
      {goes && (
        <button
          type="button"
          onClick={() => {
            training.stop()
            first.current?.focus()
          }}
        >
          Stop
        </button>
      )}
      {shown.map(one => (
        <button key={one.key} type="button" onClick={() => save(one)}>
          {shown.length < 2 ? 'Save as run' : one.settings.ext ? 'Save extend' : 'Save baseline'}
        </button>
      ))}
    </div>
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
  const shown = shownOf(trainings.value).filter(one => one.version.value > 0 && app.memory.has(one.key))
  const compared = shown.length > 1 ? shown : trainings.value.slice(-2)
  // There one looks at what DPO did, not at what the whole training did.
  const versus = training && pushedFrom(training)
  const held = training !== undefined && shown.includes(training)
  return (
    <div class="lab">
      <div class="lab-columns">
        <div class="lab-side">
          <Controls training={training} shown={shown} start={() => begin(app.memory, gpt)} />
          <GptKnobs gpt={gpt} change={change} />
        </div>
        <div class="lab-main">
          <section class="panel lab-story" aria-label="The training">
            <h2>A small language model that trains in this tab</h2>
            <p>
              {training && isReplay(training) ? '' : planSays(training?.settings ?? gpt)} Forty hand-written questions, one
              token a word; nothing is sent anywhere.
              {training && goesOn(training) && differ(training.settings, gpt) && ' The knobs are set otherwise by now: that is for the next training.'}
            </p>
            <p>DPO pulls each wanted answer y⁺ up and pushes each unwanted one y⁻ down. Watch what becomes of y⁺.</p>
            {training ? (
              <Standing training={training} both={shown.length > 1} />
            ) : (
              <p>{found === undefined ? 'Looking for a GPU…' : found.says}{found && !found.gpu && ' A worker on the CPU will train a smaller model.'}</p>
            )}
            {held && training.state.value === 'done' && shown.length < 2 && !isReplay(training) && (
              <p>
                <button type="button" onClick={() => begin(app.memory, other(training.settings))}>
                  {training.settings.ext ? 'Train the baseline, to compare' : 'What helps? Train with extend, to compare'}
                </button>
              </p>
            )}
            {held && (
              <p class="lab-links">
                Look at it as at any run, now or later:{' '}
                {PAGES.map(([page, name]) => (
                  <a key={page} href={app.store.link({ runs: [training.key], page, place: 'runs', full: undefined, versus })}>
                    {name}
                  </a>
                ))}
                {compared.length > 1 &&
                  TOGETHER.map(([page, name]) => (
                    <a
                      key={page}
                      href={app.store.link({ runs: compared.map(({ key }) => key), page, place: 'runs', full: undefined })}
                    >
                      {shown.length > 1 ? name : `${name} with the last`}
                    </a>
                  ))}
              </p>
            )}
          </section>
          {held && (
            <GptFigures key={shown.map(({ key }) => key).join()} app={app} first={shown[0]} second={shown.at(-1)!} />
          )}
        </div>
      </div>
    </div>
  )
}
