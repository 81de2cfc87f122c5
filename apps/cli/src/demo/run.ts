/** The demo's arms as training jobs, and running them one after the other: each ends as a run like any other. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileHash, tokenDefaults, train, type TrainEvent, type TrainJob } from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import type { Json } from '@ldyn/runs'
import type { Backend } from '@ldyn/tensor'
import { arms, type Arm, type Size } from './arms.ts'
import { demoData, MODEL, PREFERENCES, PROBE_TYPES } from './data.ts'
import { environmentOf } from '../train/environment.ts'

export interface DemoRequest {
  /** Directory of both runs, made where it is missing. */
  readonly out: string
  readonly size: Size
  readonly seed: number
  readonly backend: Backend
  readonly version: string
  readonly argv: readonly string[]
}

export interface ArmJob {
  readonly arm: Arm
  readonly job: TrainJob
}

export interface OpenedDemo extends AsyncDisposable {
  readonly jobs: readonly ArmJob[]
}

/** Opens what is embedded. Throws ModelError, DataError. */
export async function openDemo({ out, size, seed, backend, version, argv }: DemoRequest): Promise<OpenedDemo> {
  const data = await demoData(size.probes, seed)
  const hash = await fileHash(PREFERENCES)
  const checkpoint = await openModel(MODEL)
  const tokenizer = await checkpoint.tokenizer()
  const textOf = (id: number): string => tokenizer.decode(Int32Array.of(id))
  const environment = environmentOf(version)
  const jobs = arms(size).map((arm): ArmJob => ({
    arm,
    job: {
      out: join(out, arm.name),
      backend,
      checkpoint,
      tokenizer,
      data: data.train,
      stages: arm.stages,
      tokens: tokenDefaults(checkpoint.model.context),
      seed,
      probes: { rows: data.probes, types: PROBE_TYPES },
      observe: {
        // All that the viewer's screens show; none of it changes what is trained.
        every: size.observeEvery,
        first: true,
        tokens: true,
        bands: true,
        watch: { rows: 2, tokens: 3, textOf },
        decompose: { every: size.decomposeEvery, probes: 6, directions: 'terms', textOf },
      },
      save: { every: 0, keep: 1 },
      about: {
        id: `demo-${arm.name}`,
        created: new Date().toISOString(),
        argv,
        config: { demo: arm.name, stages: arm.stages } as unknown as Json,
        environment,
        datasets: [{ path: PREFERENCES, hash, rows: data.train.length }],
        tokenizerHash: createHash('sha256').update(tokenizer.files['tokenizer.json']).digest('hex'),
      },
      resume: false,
    },
  }))
  return { jobs, [Symbol.asyncDispose]: () => checkpoint.dispose() }
}

/** An event of an arm's training, and where the whole demo stands: updates done in both arms. */
export interface DemoEvent {
  readonly arm: Arm
  readonly event: TrainEvent
  readonly done: number
  readonly total: number
}

export interface FinishedArm {
  readonly arm: Arm
  readonly directory: string
  readonly seconds: number
}

/**
 * Trains every arm; those that were finished before `shouldStop` said so are in the result. Throws what `train` does:
 * RunError (a run is there already, not writable, disk full), NumericalError, DeviceError.
 */
export async function runArms(
  jobs: readonly ArmJob[],
  report: (event: DemoEvent) => void,
  shouldStop: () => boolean,
): Promise<readonly FinishedArm[]> {
  const updatesOf = ({ stages }: Arm): number => stages.reduce((n, { updates }) => n + updates, 0)
  const total = jobs.reduce((n, { arm }) => n + updatesOf(arm), 0)
  const finished: FinishedArm[] = []
  let before = 0
  for (const { arm, job } of jobs) {
    if (shouldStop()) break
    const started = performance.now()
    let done = before
    const { status } = await train({
      ...job,
      shouldStop,
      report: (event) => {
        if (event.type === 'update') done = before + event.step
        report({ arm, event, done, total })
      },
    })
    if (status === 'interrupted') break
    before += updatesOf(arm)
    finished.push({ arm, directory: job.out, seconds: (performance.now() - started) / 1000 })
  }
  return finished
}
