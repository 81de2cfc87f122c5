// What the Lab's page says of a training, in words made of its numbers.
import { plural, show } from '@ldyn/figures'
import type { GptSettings } from '../settings.ts'
import type { EngineAbout, Progress } from './protocol.ts'
import type { TrainingState } from './trainings.ts'

const STATES: Readonly<Record<TrainingState, string>> = {
  starting: 'Starting: compiling the first programs',
  running: 'Training',
  paused: 'Paused',
  done: 'Done',
  stopped: 'Stopped',
  failed: 'Failed',
}

/** Where it stands. */
export const standing = (state: TrainingState, progress: Progress | undefined): string => {
  if (!progress) return `${STATES[state]}.`
  const { step, steps, stage, values, seconds } = progress
  const loss = values.loss === undefined ? '' : `, loss ${show(values.loss)}`
  const left = state === 'running' && step < steps && seconds > 0 ? `, about ${show((steps - step) * seconds)} s to go` : ''
  return `${STATES[state]}: update ${step} of ${steps} (${stage})${loss}${seconds > 0 ? `, ${show(1000 * seconds)} ms each` : ''}${left}.`
}

/** What computes, and what that means. */
export const engineSays = (about: EngineAbout, settings: GptSettings): string =>
  about.rung === 'replay'
    ? `Nothing is computed: ${about.device}.${about.instead === undefined ? '' : ` ${about.instead}.`}`
    : computedBy(about, settings)

const computedBy = (about: EngineAbout, settings: GptSettings): string =>
  about.rung === 'webgpu'
    ? `Computed by WebGPU: ${about.device}.`
    : `Computed by a worker on the CPU (${about.device}).${about.instead === undefined ? '' : ` ${about.instead}.`}${settings.engine === 'auto' && settings.width > 32 ? ' Slower, so the model is smaller: width 32.' : ''}`

export const planSays = (s: GptSettings): string =>
  `${plural(s.base, 'update')} on fluent answers to other questions, ${s.sftUpdates} of SFT on ${s.ext ? 'y⁺ and y⁻ (extend)' : 'y⁺'}, ${s.dpoUpdates} of DPO at β ${s.beta}.`
