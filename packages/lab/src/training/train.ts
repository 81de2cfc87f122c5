/**
 * Training with a probe set looked at again and again: the stages in turn, an evaluation of every probe every few
 * updates, checkpoints, and all of it on file as it happens. A run that was stopped, by Ctrl-C or by kill −9, goes on
 * from its last checkpoint and ends with the numbers of an undisturbed one.
 */
import { join } from 'node:path'
import { makeFolder } from '@ldyn/formats/node'
import type { Tokenizer } from '@ldyn/models'
import type { Checkpoint } from '@ldyn/models/node'
import { layOutProbes, metrics, type Metric, type Probes } from '@ldyn/runs'
import { createRun, resumeRun, type NewRun, type RunWriter } from '@ldyn/runs/node'
import { leaves, type Backend } from '@ldyn/tensor'
import { Evaluator, summarise, type TokenObservation } from '../observing/evaluator.ts'
import { planDefaults, type PlanOptions } from '../packing/plan.ts'
import { DataError, type Row } from '../rows/row.ts'
import {
  encodeEach,
  encodeRows,
  type Encoded,
  type EncodedRow,
  type TokenOptions,
} from '../tokens/tokenise.ts'
import {
  listCheckpoints,
  loadCheckpoint,
  loadReference,
  saveCheckpoint,
  saveReference,
  tidyCheckpoints,
  type SavedCheckpoint,
} from './checkpoint.ts'
import { disposeTree, uploadAll, type DeviceTree } from './device-params.ts'
import { stageExamples, typesOf, type StageConfig } from './stage.ts'
import { NumericalError, StageRunner, type ReferenceLogps, type Weights } from './stage-runner.ts'

export interface TrainJob {
  /** The run's directory. */
  readonly out: string
  readonly backend: Backend
  readonly checkpoint: Checkpoint
  readonly tokenizer: Tokenizer
  readonly data: readonly Row[]
  readonly stages: readonly StageConfig[]
  readonly tokens: TokenOptions
  readonly seed: number
  /** Rows to watch, and which of their responses. */
  readonly probes: { readonly rows: readonly Row[]; readonly types: readonly string[] }
  readonly observe: { readonly every: number; readonly first: boolean; readonly tokens: boolean }
  /** A checkpoint every so many updates and at the end of each stage; of the former the newest `keep` stay. */
  readonly save: { readonly every: number; readonly keep: number }
  readonly plan?: PlanOptions
  /** What goes into run.json beside what is known here. */
  readonly about: Pick<NewRun, 'id' | 'created' | 'argv' | 'config' | 'environment' | 'datasets'> & {
    readonly git?: NewRun['git']
    readonly tokenizerHash: string
  }
  readonly resume: boolean
  readonly report?: (event: TrainEvent) => void
  /** Asked between updates: true stops after a checkpoint. */
  readonly shouldStop?: () => boolean
}

export type TrainEvent =
  | { readonly type: 'load'; readonly done: number; readonly total: number }
  | { readonly type: 'resume'; readonly step: number; readonly directory?: string }
  | {
      readonly type: 'stage'
      readonly stage: string
      readonly updates: number
      readonly examples: number
      readonly shapes: number
    }
  | { readonly type: 'reference'; readonly stage: string; readonly done: number; readonly total: number }
  | {
      readonly type: 'update'
      readonly stage: string
      readonly step: number
      readonly steps: number
      readonly seconds: number
      readonly values: Readonly<Record<string, number>>
    }
  | { readonly type: 'evaluate'; readonly step: number; readonly done: number; readonly total: number }
  | {
      readonly type: 'evaluation'
      readonly step: number
      readonly stage: string
      readonly seconds: number
      readonly logp: Readonly<Record<string, number>>
    }
  | {
      readonly type: 'checkpoint'
      readonly step: number
      readonly directory: string
      readonly seconds: number
    }
  | { readonly type: 'warning'; readonly code: string; readonly message: string }

export interface TrainResult {
  readonly status: 'done' | 'interrupted'
  readonly steps: number
  readonly directory: string
}

/** Everything about a job that can be known before it runs. */
export interface PreparedJob {
  readonly runners: readonly StageRunner[]
  readonly evaluator: Evaluator | undefined
  readonly probes: Probes | undefined
  readonly probeRows: readonly EncodedRow[]
  readonly steps: number
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

/** Tokenises, plans and checks a job; computes nothing. Throws DataError where the data does not fit the stages. */
export function prepare(job: TrainJob): PreparedJob {
  const {
    backend,
    checkpoint: { model },
    tokenizer,
    stages,
    tokens,
    seed,
    plan = planDefaults,
  } = job
  const names = stages.map((s) => s.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice)
    throw new DataError(`two stages are named '${twice}'`, { fix: 'give each stage a name of its own' })
  const warnings: { code: string; message: string }[] = []
  const noteOverflow = (what: string, { dropped, truncated }: Encoded): void => {
    const limit = `${tokens.maxLength} tokens with their prompt`
    if (truncated > 0)
      warnings.push({ code: 'truncated', message: `${what}: ${truncated} responses are cut to ${limit}` })
    if (dropped > 0)
      warnings.push({
        code: 'dropped',
        message: `${what}: ${dropped} rows have more than ${limit} and are left out`,
      })
  }
  const runners = stages.map((stage) => {
    const data = encodeRows(job.data, typesOf(stage), tokenizer, tokens)
    noteOverflow(`stage '${stage.name}'`, data)
    const runner = new StageRunner({
      backend,
      model,
      stage,
      examples: stageExamples(stage, data.rows),
      seed,
      plan,
    })
    if (runner.updates === 0) {
      throw new DataError(`stage '${stage.name}' has no update to make`, {
        why: `${job.data.length} rows, ${stage.batch * stage.accumulate} examples an update`,
        fix: 'lower batch, or set dropLast to false',
      })
    }
    return runner
  })
  // Each probe response is encoded by itself, so that its tokens do not depend on which others are watched; one that
  // does not fit is absent from its row.
  const perType = job.probes.types.map((type) => encodeEach(job.probes.rows, type, tokenizer, tokens))
  perType.forEach((each, t) => noteOverflow(`probes of type '${job.probes.types[t]}'`, each))
  const probeRows = job.probes.rows.map((row, i) => ({
    row,
    sequences: perType.flatMap(({ byRow }) => byRow[i] ?? []),
  }))
  const lengths = probeRows.map((r) => new Map(r.sequences.map((s) => [s.type, s.response.length])))
  const probes =
    job.probes.rows.length === 0
      ? undefined
      : layOutProbes(
          job.probes.rows.map((row) => ({
            prompt: row.prompt,
            group: String(row.row),
            responses: Object.fromEntries(job.probes.types.map((type) => [type, row.responses[type] ?? ''])),
          })),
          job.probes.types,
          (row, type) => lengths[row].get(type) ?? 0,
        )
  return {
    runners,
    evaluator: probes && new Evaluator(backend, model, probeRows, plan),
    probes,
    probeRows,
    steps: runners.reduce((n, r) => n + r.updates, 0),
    warnings,
  }
}

/**
 * Runs a job to its end, or until `shouldStop`. Throws NumericalError where an update makes a number that is not
 * finite (the run is then `failed`, with a checkpoint of the weights before it), and what the run's files and the
 * backend throw.
 */
export async function train(job: TrainJob): Promise<TrainResult> {
  const report = job.report ?? (() => {})
  const prepared = prepare(job)
  for (const warning of prepared.warnings) report({ type: 'warning', ...warning })
  const saved = job.resume ? (await listCheckpoints(job.out)).at(-1) : undefined
  await using writer = await openWriter(job, prepared, saved)
  if (job.resume) report({ type: 'resume', step: saved?.step ?? 0, directory: saved?.directory })
  try {
    await tidyCheckpoints(job.out, job.save.keep)
    for (const { code, message } of prepared.warnings) await writer.event({ type: 'warning', code, message })
    const status = await new Session(job, prepared, writer, report).run(saved)
    await writer.finish(status)
    return { status, steps: prepared.steps, directory: job.out }
  } catch (error) {
    await writer.finish('failed', error instanceof Error ? error.message : String(error)).catch(() => {})
    throw error
  } finally {
    for (const runner of prepared.runners) runner[Symbol.dispose]()
    prepared.evaluator?.[Symbol.dispose]()
  }
}

async function openWriter(
  job: TrainJob,
  { probes, runners }: PreparedJob,
  saved: SavedCheckpoint | undefined,
): Promise<RunWriter> {
  if (job.resume) return resumeRun(job.out, saved?.step ?? 0)
  const { tokenizerHash, ...about } = job.about
  const {
    name,
    capabilities: { device, version },
  } = job.backend
  const params = leaves(job.checkpoint.model.params).reduce(
    (n, { value }) => n + value.shape.reduce((a, b) => a * b, 1),
    0,
  )
  return createRun(
    job.out,
    {
      ...about,
      seed: job.seed,
      backend: { name, device, version },
      model: { path: job.checkpoint.path, hash: job.checkpoint.hash, params },
      tokenizer: { hash: tokenizerHash },
      stages: job.stages.map((stage, i) => ({
        name: stage.name,
        loss: stage.loss.name,
        updates: runners[i].updates,
      })),
      columns: { metrics: probes ? metrics : [], tokens: probes && job.observe.tokens ? ['logp'] : [] },
    },
    probes,
  )
}

/** One pass through a job: what is on the device, and where in the stages it stands. */
class Session {
  private readonly job: TrainJob
  private readonly prepared: PreparedJob
  private readonly writer: RunWriter
  private readonly report: (event: TrainEvent) => void

  constructor(job: TrainJob, prepared: PreparedJob, writer: RunWriter, report: (event: TrainEvent) => void) {
    this.job = job
    this.prepared = prepared
    this.writer = writer
    this.report = report
  }

  async run(saved: SavedCheckpoint | undefined): Promise<'done' | 'interrupted'> {
    const { stages, save, observe } = this.job
    let weights: Weights = saved
      ? await loadCheckpoint(this.job.backend, saved, this.job.checkpoint.model)
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
        } catch (error) {
          // The weights are those before the failed update; losing them would lose the stage.
          if (error instanceof Error && error.name === 'NumericalError')
            await this.save(k, u, step, weights, false)
          throw error
        }
        const last = u + 1 === runner.updates
        if (last || (observe.every > 0 && (u + 1) % observe.every === 0))
          await this.evaluate(step, stage.name, weights.params)
        const stop = this.job.shouldStop?.() ?? false
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

  private async loadModel(): Promise<DeviceTree> {
    const { checkpoint, backend } = this.job
    const total = leaves(checkpoint.model.params).length
    let done = 0
    const counted = async function* (
      this: Session,
    ): ReturnType<Checkpoint['tensors']> extends AsyncIterable<infer T> ? AsyncGenerator<T> : never {
      for await (const parameter of checkpoint.tensors()) {
        this.report({ type: 'load', done: ++done, total })
        yield parameter
      }
    }.bind(this)
    return uploadAll(backend, counted())
  }

  /** The stage's reference: kept on file, so that a resumed run has the same numbers. */
  private async reference(k: number, params: DeviceTree): Promise<ReferenceLogps> {
    const [stage, runner] = [this.job.stages[k], this.prepared.runners[k]]
    if (!runner.hasReference) return new Map()
    const kept = await loadReference(this.job.out, stage.name)
    if (kept) return kept
    const reference = await runner.reference(params, (done, total) =>
      this.report({ type: 'reference', stage: stage.name, done, total }),
    )
    await makeFolder(join(this.job.out, 'reference'))
    await saveReference(this.job.out, stage.name, reference)
    return reference
  }

  private async save(
    stage: number,
    update: number,
    step: number,
    weights: Weights,
    stageEnd: boolean,
  ): Promise<void> {
    const { backend, checkpoint, tokenizer, out, stages } = this.job
    const started = performance.now()
    await this.writer.sync()
    const stageName = stages[stage].name
    const { directory } = await saveCheckpoint({
      run: out,
      stage,
      stageName,
      update,
      step,
      stageEnd,
      backend,
      model: checkpoint.model,
      source: checkpoint,
      tokenizer,
      weights,
    })
    await tidyCheckpoints(out, this.job.save.keep)
    await this.writer.event({
      type: 'checkpoint',
      stage: stageName,
      s: step,
      path: directory.slice(out.length + 1),
    })
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
    const values = Object.fromEntries(
      metrics.map((name) => [name, new Float32Array(probes.columns.length)]),
    ) as Record<Metric, Float32Array>
    const last = probes.columns.at(-1)!
    const tokenLogp = new Float32Array(this.job.observe.tokens ? last.offset + last.tokens : 0)
    const sums = new Map<string, { sum: number; n: number }>()
    let done = 0
    for await (const group of evaluator.evaluate(params)) {
      for (const o of group) {
        const column = o.example * types.length + types.indexOf(o.type)
        const summary = this.finite(step, stage, o, () => summarise(o, this.job.checkpoint.model.vocab))
        for (const name of metrics) values[name][column] = summary[name]
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
    const logp = Object.fromEntries(
      types.flatMap((type) => (sums.has(type) ? [[type, sums.get(type)!.sum / sums.get(type)!.n]] : [])),
    )
    this.report({ type: 'evaluation', step, stage, seconds: (performance.now() - started) / 1000, logp })
  }
}
