// What the Lab's page says of a training, in words made of its numbers.
import { plural, show } from '@ldyn/figures'
import type { GptSettings } from '../settings.ts'
import type { Doing, EngineAbout, Progress } from './protocol.ts'
import type { TrainingState } from './trainings.ts'

const STATES: Readonly<Record<TrainingState, string>> = {
  starting: 'Starting: compiling the first programs',
  running: 'Training',
  paused: 'Paused',
  done: 'Done',
  stopped: 'Stopped',
  failed: 'Failed',
}

const DOING: Readonly<Record<Doing['what'], string>> = {
  evaluate: 'looking at the probes',
  reference: 'what the reference says of y⁺ and y⁻',
}

/** Where it stands. */
export const standing = (state: TrainingState, progress: Progress | undefined, doing?: Doing): string => {
  const now = doing && state === 'running' ? `, ${DOING[doing.what]} (${doing.done} of ${doing.total})` : ''
  if (!progress) return `${STATES[state]}${now}.`
  const { step, steps, stage, values, seconds } = progress
  const loss = values.loss === undefined ? '' : `, loss ${show(values.loss)}`
  const left = state === 'running' && step < steps && seconds > 0 ? `, about ${show((steps - step) * seconds)} s to go` : ''
  return `${STATES[state]}: update ${step} of ${steps} (${stage})${loss}${seconds > 0 ? `, ${show(1000 * seconds)} ms each` : ''}${left}${now}.`
}

/** Where it failed; after a number that was not finite what to turn, by the stage that it came up in. */
export const remedyOf = (where: string, settings: GptSettings): string =>
  !where.startsWith('stage ')
    ? `${where}.`
    : where.startsWith('stage dpo')
      ? `Its steps were too large: lower DPO lr (it was ${settings.dpoLr}) and train again.`
      : `Its steps were too large: lower lr (it was ${settings.lr}) and train again.`

/** What computes, and what that means. */
export const engineSays = (about: EngineAbout, settings: GptSettings): string =>
  about.rung === 'replay'
    ? `Nothing is computed: ${about.device}.${about.instead === undefined ? '' : ` ${about.instead}.`}`
    : computedBy(about, settings)

const computedBy = (about: EngineAbout, settings: GptSettings): string =>
  about.rung === 'webgpu'
    ? `Computed by WebGPU: ${about.device}.`
    : `Computed by a worker on the CPU (${about.device}).${about.instead === undefined ? '' : ` ${about.instead}.`}${settings.engine === 'auto' && settings.width > 32 ? ' Slower, so the model is smaller: width 32.' : ''}`

export const planSays = (s: GptSettings): string => {
  const sft = (ext: boolean): string => `${ext ? 2 * s.sftUpdates : s.sftUpdates} of SFT on ${ext ? 'y⁺ and y⁻ (extend)' : 'y⁺'}`
  return `${plural(s.base, 'update')} on fluent answers to other questions${s.known ? ', in the manner of y⁺ and of y⁻' : ', in the manner of y⁺ alone'}, ${sft(s.ext)}, ${s.dpoUpdates} of DPO at β ${s.beta}${s.beside ? `; then the same with ${sft(!s.ext)}` : ''}.`
}
