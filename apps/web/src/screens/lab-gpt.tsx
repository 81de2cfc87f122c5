// The tiny GPT: a model that begins from the seed and really trains in this tab. It writes a run into memory, which the
// screens of runs show live; this page starts it, says how it stands, and saves it as a run directory.
import { useEffect, useState } from 'preact/hooks'
import { findAdapter, type Found } from '../lab/gpt/adapter.ts'
import { begin, differ, goesOn, isReplay, other, pushedFrom, shownOf, trainings } from '../lab/gpt/pairs.ts'
import type { Training } from '../lab/gpt/trainings.ts'
import { engineSays, planSays, remedyOf, standing } from '../lab/gpt/view.ts'
import { zipOf } from '../lab/gpt/zip.ts'
import type { GptSettings } from '../lab/settings.ts'
import { Icon } from '../shell/icon.tsx'
import { saveBytes } from '../shell/save.ts'
import type { Page } from '../state/address.ts'
import { GptFigures } from './lab-gpt-figures.tsx'
import { GptKnobs } from './lab-gpt-knobs.tsx'
import type { LabProps } from './lab-page.tsx'

const PAGES: readonly (readonly [Page, string])[] = [
  ['overview', 'Overview'],
  ['dynamics', 'Dynamics'],
  ['squeeze', 'Squeeze'],
  ['probes', 'Probes'],
  ['update', 'Update'],
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

export const LabGpt = ({ app, settings, set }: LabProps) => {
  const gpt = settings.gpt
  const change = (patch: Partial<GptSettings>): void => set({ ...settings, gpt: { ...gpt, ...patch } })
  const [found, setFound] = useState<Found | undefined>(undefined)
  useEffect(() => {
    void findAdapter((navigator as { gpu?: GPU }).gpu).then(setFound)
  }, [])
  const training = trainings.value.at(-1)
  const shown = shownOf(trainings.value).filter(one => one.version.value > 0 && app.memory.has(one.key))
  // There one looks at what DPO did, not at what the whole training did.
  const versus = training && pushedFrom(training)
  const held = training !== undefined && shown.includes(training)
  return (
    <div class="lab">
      <div class="lab-columns">
        <div class="lab-side">
          <Controls app={app} training={training} start={() => begin(app.memory, gpt)} />
          <GptKnobs gpt={gpt} change={change} />
        </div>
        <div class="lab-main">
          <section class="panel lab-story" aria-label="The training">
            <h2>A small language model that trains in this tab</h2>
            <p>
              {planSays(training && !isReplay(training) ? training.settings : gpt)} Forty hand-written questions, one
              token a word; nothing is sent anywhere.
              {training && goesOn(training) && differ(training.settings, gpt) && ' The knobs are set otherwise by now: that is for the next training.'}
            </p>
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
          {held && (
            <GptFigures key={shown.map(({ key }) => key).join()} app={app} first={shown[0]} second={shown.at(-1)!} />
          )}
        </div>
      </div>
    </div>
  )
}
