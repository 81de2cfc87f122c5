// The trainings of this page, as long as the page lives and whichever screen is open: one after another, and the
// baseline with extend, which differ in what SFT learns and in nothing else (paper.md §9).
import { effect, signal } from '@preact/signals'
import type { MemoryRuns } from '../../data/memory.ts'
import type { GptSettings } from '../settings.ts'
import { startTraining, type StartOptions, type Training } from './trainings.ts'

/** The newest last. */
export const trainings = signal<readonly Training[]>([])

/** How often a training is looked at; an update in so many is taken apart, so that the Update screen has something. */
const LOOKS = { every: 10, probes: 12, decompose: 20 } as const

export const goesOn = (training: Training): boolean => ['starting', 'running', 'paused'].includes(training.state.value)

/** What is only played is what it is, whatever the knobs say. */
export const isReplay = (training: Training): boolean => training.engine.value?.rung === 'replay'

/** The browser asks before it closes or reloads a page that trains: what is not saved would be lost. */
const ask = (event: BeforeUnloadEvent): void => event.preventDefault()
effect(() => {
  if (typeof addEventListener !== 'function') return
  if (trainings.value.some(goesOn)) addEventListener('beforeunload', ask)
  else removeEventListener('beforeunload', ask)
})

/** Begins a training, and behind it, where that is set, the one beside it. */
export const begin = (
  memory: MemoryRuns,
  settings: GptSettings,
  more: Pick<StartOptions, 'worker'> = {},
): Training => {
  const training = startTraining({ memory, settings, ...LOOKS, ...more })
  trainings.value = [...trainings.peek(), training]
  if (settings.beside) {
    const end = effect(() => {
      if (training.state.value !== 'done' || isReplay(training)) return
      // Not within the effect that is running: the next training has effects of its own.
      queueMicrotask(() => {
        end()
        begin(memory, other(settings), more)
      })
    })
  }
  return training
}

/** The same with the other SFT. */
export const other = (settings: GptSettings): GptSettings => ({ ...settings, ext: !settings.ext, beside: false })

const sameBut = (a: GptSettings, b: GptSettings): boolean =>
  a.ext !== b.ext && JSON.stringify({ ...a, ext: 0, beside: 0 }) === JSON.stringify({ ...b, ext: 0, beside: 0 })

/** Whether it is another training than this, wherever it is computed. */
export const differ = (a: GptSettings, b: GptSettings): boolean =>
  JSON.stringify({ ...a, engine: '', beside: 0 }) !== JSON.stringify({ ...b, engine: '', beside: 0 })

/** The update of the whole run at which DPO began, once it did. */
export const pushedFrom = (training: Training): number | undefined => {
  const { base, sftUpdates, ext } = training.settings
  const from = base + (ext ? 2 : 1) * sftUpdates
  return !isReplay(training) && (training.progress.value?.step ?? 0) > from ? from : undefined
}

/** The newest training; with its counterpart, baseline first, where there is one that was not given up. */
export const shownOf = (all: readonly Training[]): readonly Training[] => {
  const last = all.at(-1)
  if (!last) return []
  if (isReplay(last)) return [last]
  const beside = all.findLast(
    one => one !== last && sameBut(one.settings, last.settings) && !isReplay(one) && one.version.value > 0,
  )
  return !beside ? [last] : last.settings.ext ? [beside, last] : [last, beside]
}
