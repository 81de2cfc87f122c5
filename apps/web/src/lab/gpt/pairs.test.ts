// Which trainings stand side by side, without training anything: a worker that says what it is told to.
import { paths } from '@ldyn/runs'
import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryRuns, type MemoryRuns } from '../../data/memory.ts'
import { gptDefaults, type GptSettings } from '../settings.ts'
import { begin, differ, other, pushedFrom, shownOf, trainings } from './pairs.ts'
import type { EngineAbout, FromWorker, TrainRequest } from './protocol.ts'

interface Worker {
  readonly request: TrainRequest
  readonly say: (message: FromWorker) => void
}
let memory: MemoryRuns
let workers: Worker[]
beforeEach(() => {
  memory = createMemoryRuns()
  workers = []
  trainings.value = []
})

const start = (patch: Partial<GptSettings> = {}) =>
  begin(memory, { ...gptDefaults, ...patch }, {
    worker: hear => ({
      tell: message => {
        if (message.do === 'train') workers.push({ request: message.request, say: hear })
      },
      end: () => {},
    }),
  })

const about = (rung: EngineAbout['rung']): FromWorker => ({ say: 'engine', about: { rung, device: '', limits: {} } })
const manifest = { id: 'x', created: '', model: { path: '', params: 1 }, stages: [], status: 'running' }
const writes: FromWorker = {
  say: 'change',
  change: { path: paths.manifest, whole: new TextEncoder().encode(JSON.stringify(manifest)) },
}
const ends = (worker: Worker, rung: EngineAbout['rung'] = 'cpu'): void =>
  [about(rung), writes, { say: 'ended', status: 'done' } as const].forEach(message => worker.say(message))
const tick = (): Promise<void> => new Promise(done => setTimeout(done))

describe('trainings side by side', () => {
  it('are the baseline and extend: the second begins by itself when the first is done, and neither once more', async () => {
    start({ beside: true })
    expect(workers.map(({ request }) => request.settings.ext)).toEqual([false])
    ends(workers[0])
    await tick()
    expect(workers.map(({ request }) => request.settings.ext)).toEqual([false, true])
    ends(workers[1])
    await tick()
    expect(workers).toHaveLength(2)
    expect(shownOf(trainings.value).map(({ key }) => key)).toEqual(['lab:gpt-7', 'lab:gpt-7-extend'])
  })

  it('do not begin after one that failed, was stopped, or was only played', async () => {
    start({ beside: true })
    workers[0].say({ say: 'failed', what: 'no' })
    start({ beside: true })
    workers[1].say({ say: 'ended', status: 'interrupted' })
    start({ beside: true })
    ends(workers[2], 'replay')
    await tick()
    expect(workers).toHaveLength(3)
  })

  it('differ in nothing else; the baseline comes first, whichever was trained first', () => {
    start({ ext: true })
    ends(workers[0])
    start({ seed: 8 })
    ends(workers[1])
    expect(shownOf(trainings.value)).toHaveLength(1)
    start()
    ends(workers[2])
    const shown = shownOf(trainings.value)
    expect(shown.map(({ settings }) => [settings.seed, settings.ext])).toEqual([[7, false], [7, true]])
    expect(other(other(gptDefaults))).toEqual(gptDefaults)
    expect(differ(gptDefaults, { ...gptDefaults, engine: 'cpu', beside: true })).toBe(false)
    expect(differ(gptDefaults, { ...gptDefaults, beta: 1 })).toBe(true)
  })

  it('know where DPO began, once it did', () => {
    const training = start({ base: 4, sftUpdates: 3, ext: true })
    const at = (step: number): void =>
      workers[0].say({ say: 'progress', progress: { stage: '', step, steps: 20, seconds: 0, values: {} } })
    workers[0].say(about('cpu'))
    at(10)
    expect(pushedFrom(training)).toBeUndefined()
    at(11)
    expect(pushedFrom(training)).toBe(10)
  })
})
