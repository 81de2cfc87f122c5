/**
 * One pass through a job's stages on a device: updates, evaluations, checkpoints, each on file before the next begins.
 */
import type { Parameter } from '@ldyn/models'
import type { RunWriter } from '@ldyn/runs'
import { leaves } from '@ldyn/tensor'
import { Decomposer } from '../explaining/decompose.ts'
import { bandsOf, summarise, type TokenObservation } from '../observing/evaluator.ts'
import { Watcher } from '../observing/watcher.ts'
import { disposeTree, uploadAll, type DeviceTree } from '../device/trees.ts'
import { metricsOf, type PreparedJob, type SessionJob, type TrainEvent } from './job.ts'
import type { Kept, Keeping } from './keeping.ts'
import { NumericalError, type Weights } from './update.ts'
import type { ReferenceLogps } from './reference.ts'

/** One pass through a job: what is on the device, and where in the stages it stands. */
export class Session {
  private readonly job: SessionJob
  private readonly prepared: PreparedJob
  private readonly writer: RunWriter
  private readonly keeping: Keeping
  private readonly report: (event: TrainEvent) => void
  private watcher: Watcher | undefined

  constructor(job: SessionJob, prepared: PreparedJob, writer: RunWriter, keeping: Keeping) {
    this.job = job
    this.prepared = prepared
    this.writer = writer
    this.keeping = keeping
    this.report = job.report ?? (() => {})
  }

  /** From the beginning, or from what was kept. */
  async run(saved: Kept | undefined): Promise<'done' | 'interrupted'> {
    const { stages, save, observe } = this.job
    using decomposer = this.decomposer()
    using watcher = this.makeWatcher()
    this.watcher = watcher
    let weights: Weights = saved
      ? await this.keeping.load()
      : { params: await this.loadModel(), state: undefined }
    const from = !saved
      ? { stage: 0, update: 0 }
      : saved.stageEnd
        ? { stage: saved.stage + 1, update: 0 }
        : saved
    let step = saved?.step ?? 0
    if (step === 0 && observe.first) await this.evaluate(0, stages[0].name, weights.params)

    for (let k = from.stage; k < stages.length; k++) {
      const [stage, runner] = [stages[k], this.prepared.runners[k]]
      const first = k === from.stage ? from.update : 0
      await this.writer.event({ type: 'stage', stage: stage.name, edge: 'start', s: step - first })
      this.report({
        type: 'stage',
        stage: stage.name,
        updates: runner.updates,
        examples: runner.examples,
        shapes: runner.plan.shapes.length,
      })
      if (first === 0) {
        disposeTree(weights.state)
        weights = { params: weights.params, state: await runner.freshState() }
      }
      const reference = await this.reference(k, weights.params)
      for (let u = first; u < runner.updates; u++) {
        const started = performance.now()
        try {
          const rowOf = (example: number): number => this.prepared.exampleRows[k][example]
          const pending = decomposer?.wants(u) && (await decomposer.before(runner, u, weights, reference, rowOf))
          const done = await runner.update(u, weights, reference)
          weights = done.weights
          const values = { ...done.report.metrics, learning_rate: done.report.lr }
          await this.writer.scalars(++step, stage.name, values)
          this.report({
            type: 'update',
            stage: stage.name,
            step,
            steps: this.prepared.steps,
            seconds: (performance.now() - started) / 1000,
            values,
          })
          if (pending) {
            const found = await decomposer!.after(pending, weights.params)
            await this.writer.decomposition(step, stage.name, found)
          }
        } catch (error) {
          // The weights are those before the failed update; losing them would lose the stage.
          if (error instanceof Error && error.name === 'NumericalError')
            await this.save(k, u, step, weights, false)
          throw error
        }
        const last = u + 1 === runner.updates
        if (last || (observe.every > 0 && (u + 1) % observe.every === 0))
          await this.evaluate(step, stage.name, weights.params)
        const stop = (await this.job.shouldStop?.()) ?? false
        if (last || stop || (save.every > 0 && (u + 1) % save.every === 0))
          await this.save(k, u + 1, step, weights, last)
        if (last) await this.writer.event({ type: 'stage', stage: stage.name, edge: 'end', s: step })
        if (stop && !(last && k + 1 === stages.length)) return this.end(weights, 'interrupted')
      }
      runner[Symbol.dispose]()
    }
    return this.end(weights, 'done')
  }

  private end<S>({ params, state }: Weights, status: S): S {
    disposeTree(params)
    disposeTree(state)
    return status
  }

  private decomposer(): Decomposer | undefined {
    const { backend, checkpoint, observe, plan } = this.job
    if (!observe.decompose || observe.decompose.every === 0) return undefined
    return new Decomposer(backend, checkpoint.model, this.prepared.probeRows, observe.decompose, plan)
  }

  private makeWatcher(): Watcher | undefined {
    const { backend, checkpoint, observe, plan } = this.job
    if (!observe.watch || observe.watch.rows === 0 || this.prepared.probeRows.length === 0) return undefined
    return new Watcher(backend, checkpoint.model, this.prepared.probeRows, observe.watch, plan)
  }

  private async loadModel(): Promise<DeviceTree> {
    const { checkpoint, backend } = this.job
    const total = leaves(checkpoint.model.params).length
    let done = 0
    const counted = async function* (this: Session): AsyncGenerator<Parameter> {
      for await (const parameter of checkpoint.tensors()) {
        this.report({ type: 'load', done: ++done, total })
        yield parameter
      }
    }.bind(this)
    return uploadAll(backend, counted())
  }

  /** The stage's reference: kept, so that a resumed run has the same numbers. */
  private async reference(k: number, params: DeviceTree): Promise<ReferenceLogps> {
    const [stage, runner] = [this.job.stages[k], this.prepared.runners[k]]
    if (!runner.hasReference) return new Map()
    const kept = await this.keeping.reference(stage.name)
    if (kept) return kept
    const reference = await runner.reference(params, (done, total) =>
      this.report({ type: 'reference', stage: stage.name, done, total }),
    )
    await this.keeping.keepReference(stage.name, reference)
    return reference
  }

  private async save(
    stage: number,
    update: number,
    step: number,
    weights: Weights,
    stageEnd: boolean,
  ): Promise<void> {
    const started = performance.now()
    await this.writer.sync()
    const stageName = this.job.stages[stage].name
    const found = await this.keeping.save({ stage, stageName, update, step, stageEnd }, weights)
    if (!found) return
    const { directory, path } = found
    await this.writer.event({ type: 'checkpoint', stage: stageName, s: step, path })
    this.report({ type: 'checkpoint', step, directory, seconds: (performance.now() - started) / 1000 })
  }

  /** A probe whose log-probs are not finite is a numerical failure of the run, with its place. */
  private finite<T>(step: number, stage: string, { example, type }: TokenObservation, compute: () => T): T {
    try {
      return compute()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const update = step - this.stepsBefore(stage)
      throw new NumericalError(
        stage,
        update,
        'tokenStats',
        `probe row ${example}, '${type}' (${error.message})`,
      )
    }
  }

  private stepsBefore(stage: string): number {
    const k = this.job.stages.findIndex((s) => s.name === stage)
    return this.prepared.runners.slice(0, k).reduce((n, r) => n + r.updates, 0)
  }

  private async evaluate(step: number, stage: string, params: DeviceTree): Promise<void> {
    const { evaluator, probes } = this.prepared
    if (!evaluator || !probes) return
    const started = performance.now()
    const types = this.job.probes.types
    const names = metricsOf(this.job)
    const values = Object.fromEntries(
      names.map((name) => [name, new Float32Array(probes.columns.length)]),
    ) as Record<(typeof names)[number], Float32Array>
    const last = probes.columns.at(-1)!
    const tokenLogp = new Float32Array(this.job.observe.tokens ? last.offset + last.tokens : 0)
    const sums = new Map<string, { sum: number; n: number }>()
    let done = 0
    for await (const group of evaluator.evaluate(params)) {
      for (const o of group) {
        const column = o.example * types.length + types.indexOf(o.type)
        const summary = this.finite(step, stage, o, () => summarise(o, this.job.checkpoint.model.vocab))
        for (const [name, value] of Object.entries({ ...summary, ...bandsOf(o) }))
          if (name in values) values[name as (typeof names)[number]][column] = value
        if (this.job.observe.tokens) tokenLogp.set(Float32Array.from(o.logp), probes.columns[column].offset)
        const known = sums.get(o.type) ?? { sum: 0, n: 0 }
        sums.set(o.type, { sum: known.sum + summary.logp, n: known.n + 1 })
      }
      done += group.length
      this.report({ type: 'evaluate', step, done, total: probes.columns.length - probes.absent.length })
    }
    await this.writer.probes(step, stage, {
      metrics: values,
      ...(this.job.observe.tokens ? { tokens: { logp: tokenLogp } } : {}),
    })
    if (this.watcher) await this.writer.watched(step, stage, await this.watcher.look(params))
    const logp = Object.fromEntries(
      types.flatMap((type) => (sums.has(type) ? [[type, sums.get(type)!.sum / sums.get(type)!.n]] : [])),
    )
    this.report({ type: 'evaluation', step, stage, seconds: (performance.now() - started) / 1000, logp })
  }
}
