// The trainings of this page: each a worker, a run in memory that all screens show, and what is known of it. They live
// as long as the page, whichever screen is open.
import { signal, type ReadonlySignal } from '@preact/signals'
import { growingFiles, paths, type RunManifest } from '@ldyn/runs'
import type { MemoryRuns } from '../../data/memory.ts'
import type { RunState, RunSummary } from '../../wire.ts'
import type { GptSettings } from '../settings.ts'
import { startWorker, type TrainingWorker } from './start-worker.ts'
import type { Doing, EngineAbout, FromWorker, Progress, TrainRequest } from './protocol.ts'

export type TrainingState = 'starting' | 'running' | 'paused' | 'done' | 'stopped' | 'failed'

export interface Training {
  readonly key: string
  readonly settings: GptSettings
  readonly state: ReadonlySignal<TrainingState>
  readonly engine: ReadonlySignal<EngineAbout | undefined>
  readonly progress: ReadonlySignal<Progress | undefined>
  /** What takes its time beside updates. */
  readonly doing: ReadonlySignal<Doing | undefined>
  /** What went wrong, with its place; the run up to there stays. */
  readonly trouble: ReadonlySignal<{ readonly what: string; readonly where?: string } | undefined>
  /** The device was lost on the way. */
  readonly lost: ReadonlySignal<{ readonly why: string; readonly from: number } | undefined>
  /** Grows with every change of the run's files. */
  readonly version: ReadonlySignal<number>
  contents(): ReadonlyMap<string, Uint8Array>
  pause(): void
  resume(): void
  stop(): void
}

const RUN_STATE: Readonly<Record<TrainingState, RunState>> = {
  starting: 'live',
  running: 'live',
  paused: 'live',
  done: 'done',
  stopped: 'interrupted',
  failed: 'failed',
}

const summaryOf = (
  key: string,
  contents: ReadonlyMap<string, Uint8Array>,
  progress: Progress | undefined,
): Omit<RunSummary, 'state'> => {
  const manifest = JSON.parse(new TextDecoder().decode(contents.get(paths.manifest))) as RunManifest
  const index = new TextDecoder().decode(contents.get(paths.index) ?? new Uint8Array(0))
  return {
    key,
    id: manifest.id,
    created: manifest.created,
    model: manifest.model.path,
    params: manifest.model.params,
    stages: manifest.stages,
    step: progress?.step ?? 0,
    updates: manifest.stages.reduce((sum, stage) => sum + stage.updates, 0),
    evaluations: index.split('\n').length - 1,
    probes: 0,
    types: 0,
    warnings: [],
    sparks: {},
  }
}

export interface StartOptions extends Omit<TrainRequest, 'id'> {
  readonly memory: MemoryRuns
  /** What trains; the page's own worker unless a test gives another. */
  readonly worker?: (hear: (message: FromWorker) => void, broke: (why: string) => void) => TrainingWorker
}

/** Begins a training; its run is at `key` as soon as it has a manifest. */
export const startTraining = ({ memory, worker = startWorker, ...request }: StartOptions): Training => {
  const { settings } = request
  const name = `gpt-${settings.seed}${settings.ext ? '-extend' : ''}`
  let [id, nth] = [name, 1]
  while (memory.has(`lab:${id}`)) id = `${name}-${++nth}`
  const key = `lab:${id}`
  const files = growingFiles(key)
  const state = signal<TrainingState>('starting')
  const engine = signal<EngineAbout | undefined>(undefined)
  const progress = signal<Progress | undefined>(undefined)
  const doing = signal<Doing | undefined>(undefined)
  const trouble = signal<{ what: string; where?: string } | undefined>(undefined)
  const lost = signal<{ why: string; from: number } | undefined>(undefined)
  const version = signal(0)

  const over = (): boolean => ['done', 'stopped', 'failed'].includes(state.peek())
  const stand = (next: TrainingState): void => {
    if (over()) return
    state.value = next
    memory.stands(key, RUN_STATE[next])
  }
  const end = (next: 'done' | 'stopped' | 'failed'): void => {
    stand(next)
    own.end()
  }
  const fail = (what: string, where?: string): void => {
    if (over()) return
    trouble.value = { what, ...(where === undefined ? {} : { where }) }
    end('failed')
  }
  const hear = (message: FromWorker): void => {
    switch (message.say) {
      case 'engine':
        engine.value = message.about
        break
      case 'change': {
        const { change } = message
        if ('whole' in change) files.replace(change.path, change.whole)
        else files.append(change.path, change.from, change.bytes)
        version.value++
        if (!('whole' in change)) memory.grew(key, change.path, change.from, change.from + change.bytes.length)
        else if (change.path === paths.manifest && memory.has(key)) memory.stands(key, RUN_STATE[state.peek()])
        else if (change.path === paths.manifest) {
          const summary = (): RunSummary => ({
            ...summaryOf(key, files.contents(), progress.peek()),
            state: RUN_STATE[state.peek()],
          })
          memory.hold({ key, files: files.files, state: 'live', summary })
          if (state.peek() === 'starting') stand('running')
        }
        break
      }
      case 'progress':
        doing.value = undefined
        progress.value = message.progress
        break
      case 'doing':
        doing.value = message.doing
        break
      case 'lost':
        lost.value = { why: message.why, from: message.from }
        break
      case 'ended':
        end(message.status === 'done' ? 'done' : 'stopped')
        break
      case 'failed':
        fail(message.what, message.where)
        break
    }
  }
  /** The last rung: where no worker starts at all, a recorded run is played. */
  const replay = (instead?: string): void => {
    own.end()
    void import('./replay.ts').then(
      ({ startReplay }) => {
        own = startReplay(hear, instead)
        own.tell({ do: 'train', request: { ...request, id } })
      },
      (error: unknown) => fail('The recorded run could not be fetched', String(error)),
    )
  }
  const broke = (why: string): void => {
    if (engine.peek() === undefined && settings.engine === 'auto') replay(`No worker starts here (${why})`)
    else fail('The worker that trains ended', why)
  }
  let own: TrainingWorker = { tell: () => {}, end: () => {} }
  if (settings.engine === 'replay') replay()
  else {
    try {
      own = worker(hear, broke)
      own.tell({ do: 'train', request: { ...request, id } })
    } catch (error) {
      broke(error instanceof Error ? error.message : String(error))
    }
  }
  return {
    key,
    settings,
    state,
    engine,
    progress,
    doing,
    trouble,
    lost,
    version,
    contents: files.contents,
    pause() {
      if (state.peek() !== 'running') return
      own.tell({ do: 'pause' })
      stand('paused')
    },
    resume() {
      if (state.peek() !== 'paused') return
      own.tell({ do: 'resume' })
      stand('running')
    },
    stop: () => own.tell({ do: 'stop' }),
  }
}
