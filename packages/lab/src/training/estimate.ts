/**
 * What a job will take, before it runs: its smallest and largest update and one evaluation batch of every shape are
 * compiled and run twice on the real model, and the rest is worked out from them. Nothing is written, no weight kept.
 */
import { leaves, sizeOf } from '@ldyn/tensor'
import { uploadAll } from '../device/trees.ts'
import { NumericalError, type Weights } from './update.ts'
import { prepare, type TrainJob } from './job.ts'

export interface StageEstimate {
  readonly name: string
  readonly updates: number
  /** Input tokens of all updates, padding not counted; and the share of the work that padding adds. */
  readonly tokens: number
  readonly padding: number
  readonly secondsPerUpdate: number
  readonly seconds: number
}

export interface Estimate {
  readonly steps: number
  readonly stages: readonly StageEstimate[]
  readonly evaluations: number
  readonly probeTokens: number
  readonly secondsPerEvaluation: number
  readonly checkpoints: number
  /** Loading, compiling, updates, reference passes, evaluations and checkpoints. */
  readonly seconds: number
  readonly compileSeconds: number
  /** The most memory that the process held while it was measured. */
  readonly memoryBytes: number
  /** Checkpoints that stay, probe rows and scalars. */
  readonly diskBytes: number
}

/** Bytes a second to which checkpoints are written and synced, about what a plain SSD gives. */
const DISK_RATE = 400e6

/** Measures and scales. `progress` names what is being measured. Throws what preparing and running throw. */
export async function estimate(
  job: TrainJob,
  progress: (what: string) => void = () => {},
): Promise<Estimate> {
  const { backend, checkpoint, stages } = job
  const prepared = prepare(job)
  const { runners, evaluator, probes } = prepared
  const clock = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const from = performance.now()
    const result = await work()
    return [result, (performance.now() - from) / 1000]
  }
  try {
    progress('loading the model')
    const [loaded, loading] = await clock(() => uploadAll(backend, checkpoint.tensors()))
    let params = loaded
    let compileSeconds = 0
    let evaluation = 0
    if (evaluator) {
      progress('timing an evaluation')
      const timed = await evaluator.time(params)
      compileSeconds += timed.ready
      evaluation = timed.evaluation
      evaluator[Symbol.dispose]()
    }
    const stageEstimates: StageEstimate[] = []
    let reference = 0
    for (const [i, runner] of runners.entries()) {
      progress(`timing an update of stage '${stages[i].name}'`)
      let weights: Weights = { params, state: await runner.freshState() }
      const timed: { flops: number; seconds: number; ready: number }[] = []
      for (const u of new Set(runner.extremes)) {
        const step = async (): Promise<void> => {
          try {
            weights = (await runner.update(u, weights, runner.emptyReference())).weights
          } catch (error) {
            // With an empty reference the numbers mean nothing; only the time counts.
            if (!(error instanceof NumericalError)) throw error
          }
        }
        const [, first] = await clock(step)
        const [, second] = await clock(step)
        timed.push({ flops: runner.flopsOf(u), seconds: second, ready: Math.max(0, first - second) })
      }
      params = weights.params
      for (const { value } of leaves(weights.state)) value.dispose()
      const [small, large] = [timed[0], timed.at(-1)!]
      // seconds = fixed + slope·FLOPs: the optimizer's share is the same for every update.
      const slope =
        large.flops > small.flops
          ? Math.max(0, (large.seconds - small.seconds) / (large.flops - small.flops))
          : 0
      const fixed = large.seconds - slope * large.flops
      // Each shape compiles once, and its first run is slow.
      compileSeconds += Math.max(...timed.map((t) => t.ready)) * runner.plan.shapes.length
      const seconds = fixed * runner.updates + slope * runner.plan.flops
      if (runner.hasReference) reference += seconds / 3
      stageEstimates.push({
        name: stages[i].name,
        updates: runner.updates,
        tokens: runner.plan.tokens,
        padding: runner.plan.flops / runner.plan.necessaryFlops - 1,
        secondsPerUpdate: seconds / runner.updates,
        seconds,
      })
      runner[Symbol.dispose]()
    }
    for (const { value } of leaves(params)) value.dispose()

    const { every } = job.observe
    const evaluations = !evaluator
      ? 0
      : (job.observe.first ? 1 : 0) +
        runners.reduce((n, r) => n + (every > 0 ? Math.ceil(r.updates / every) : 1), 0)
    const checkpoints = runners.reduce(
      (n, r) => n + (job.save.every > 0 ? Math.ceil(r.updates / job.save.every) : 1),
      0,
    )
    const weightBytes =
      4 * leaves(checkpoint.model.params).reduce((n, { value }) => n + sizeOf(value.shape), 0)
    const checkpointBytes = Math.max(...runners.map((r) => weightBytes * (1 + r.stateTensors)))
    const kept = stages.length + Math.min(job.save.keep, checkpoints)
    const updating = stageEstimates.reduce((n, s) => n + s.seconds, 0)
    return {
      steps: prepared.steps,
      stages: stageEstimates,
      evaluations,
      probeTokens: evaluator?.plan.tokens ?? 0,
      secondsPerEvaluation: evaluation,
      checkpoints,
      seconds:
        loading +
        compileSeconds +
        updating +
        reference +
        evaluations * evaluation +
        (checkpoints * checkpointBytes) / DISK_RATE,
      compileSeconds,
      memoryBytes: process.resourceUsage().maxRSS * 1024,
      diskBytes:
        kept * checkpointBytes + evaluations * (probes?.columns.length ?? 0) * 7 * 4 + prepared.steps * 200,
    }
  } finally {
    for (const runner of runners) runner[Symbol.dispose]()
    evaluator?.[Symbol.dispose]()
  }
}
