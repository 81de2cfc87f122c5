// One training, wherever it runs: the lab's own session over a run in memory. A device that is lost takes nothing with
// it but the updates since the weights were last kept: the session goes on with the CPU, in the same run.
import { keepingInMemory, newRunOf, NumericalError, prepare, Session } from '@ldyn/lab/browser'
import { createRunIn, memoryRun, resumeRunIn } from '@ldyn/runs'
import { DeviceError } from '@ldyn/tensor'
import { openEngine, type Engine } from './engines.ts'
import { jobOf } from './job.ts'
import type { GptSettings } from '../settings.ts'
import type { EngineAbout, FromWorker, TrainRequest } from './protocol.ts'

export interface TrainOptions {
  /** Waits while it is paused; true: stop. */
  readonly shouldStop: () => Promise<boolean>
  /** Opens an engine; tests give one that is lost on the way. */
  readonly open?: typeof openEngine
}

/** What a CPU can train while one watches, where nobody asked for a CPU: half as wide, at higher rates. */
export const sizedFor = (settings: GptSettings, rung: EngineAbout['rung']): GptSettings =>
  rung === 'cpu' && settings.engine === 'auto' && settings.width > 32
    ? { ...settings, width: 32, lr: 2 * settings.lr, dpoLr: Number((1.5 * settings.dpoLr).toPrecision(6)) }
    : settings

/** Trains to the end, telling everything; never rejects. */
export const train = async (
  request: TrainRequest,
  { shouldStop, open = openEngine }: TrainOptions,
  tell: (message: FromWorker) => void,
): Promise<void> => {
  const { id, settings: asked, ...looks } = request
  let engine: Engine | undefined
  try {
    engine = await open(asked.engine === 'replay' ? 'auto' : asked.engine)
    tell({ say: 'engine', about: engine.about })
    const settings = sizedFor(asked, engine.about.rung)
    // Taking an update apart costs a CPU as much as twenty updates, and evaluations go with the probes.
    const slow = engine.about.rung === 'cpu' && asked.engine === 'auto'
    const seen = slow ? { ...looks, decompose: 0, probes: Math.min(looks.probes, 6) } : looks
    const storage = memoryRun(id, 'a page', change => tell({ say: 'change', change }))
    let keeping = keepingInMemory(engine.backend)
    for (let resumed = false; ; resumed = true) {
      const job = await jobOf({
        ...seen,
        id,
        settings,
        backend: engine.backend,
        shouldStop,
        report: event => {
          if (event.type === 'update') {
            const { stage, step, steps, seconds, values } = event
            tell({ say: 'progress', progress: { stage, step, steps, seconds, values } })
          } else if (event.type === 'evaluate' || event.type === 'reference') {
            const { type: what, done, total } = event
            tell({ say: 'doing', doing: { what, done, total } })
          }
        },
      })
      const prepared = prepare(job)
      const run = newRunOf(job, prepared)
      const writer = resumed
        ? await resumeRunIn(storage, keeping.newest?.step ?? 0, { backend: run.backend })
        : await createRunIn(storage, run, prepared.probes)
      try {
        const status = await new Session(job, prepared, writer, keeping).run(keeping.newest)
        await writer.finish(status)
        tell({ say: 'ended', status })
        return
      } catch (error) {
        if (error instanceof DeviceError && engine.about.rung === 'webgpu') {
          await writer.close()
          tell({ say: 'lost', why: error.message, from: keeping.newest?.step ?? 0 })
          engine = await open('cpu', error.message)
          keeping = keeping.on(engine.backend)
          tell({ say: 'engine', about: engine.about })
          continue
        }
        const what = error instanceof Error ? error.message : String(error)
        await writer.finish('failed', what).catch(() => {})
        throw error
      } finally {
        for (const runner of prepared.runners) runner[Symbol.dispose]()
        prepared.evaluator?.[Symbol.dispose]()
      }
    }
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    const where =
      error instanceof NumericalError
        ? `stage ${error.stage}, update ${error.update}, ${error.op}${error.path && ` of ${error.path}`}`
        : undefined
    tell({ say: 'failed', what, ...(where === undefined ? {} : { where }) })
  } finally {
    await engine?.backend.dispose().catch(() => {})
  }
}
