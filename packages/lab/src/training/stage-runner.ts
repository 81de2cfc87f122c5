/**
 * One stage on one backend: its batches planned, its programs compiled as they are first needed, its updates taken
 * one at a time. Parameters and optimizer state live on the device and every update replaces them; an update that
 * fails, or makes a number that is not finite, leaves them as they were.
 */
import {
  accumulateStep,
  applyStep,
  gradSpecs,
  logProbProgram,
  replaced,
  stateSpecs,
  trainStep,
  type BatchShape,
  type CausalLM,
  type Loss,
  type Optimizer,
  type Schedule,
} from '@ldyn/core'
import {
  type HostArray,
  leaves,
  NonFiniteError,
  watchFinite,
  type Backend,
  type DeviceTensor,
  type Executable,
  type HostTensor,
  type Program,
  type RunInput,
  type Spec,
  type Tree,
} from '@ldyn/tensor'
import {
  costModel,
  planBatches,
  planDefaults,
  type Plan,
  type PlanOptions,
  type PlannedBatch,
} from '../packing/plan.ts'
import { costOf } from '../packing/buckets.ts'
import { fill } from '../packing/pack.ts'
import { takeScalar, uploadZeros, type DeviceTree } from './device-params.ts'
import { mixSeed, orderUpdates } from './order.ts'
import { NumericalError, type ReferenceLogps, type UpdateReport, type Weights } from './update.ts'
import { countOf, lossOf } from './losses.ts'
import { optimizerOf, scheduleOf, type StageConfig, type StageExample } from './stage.ts'

interface StepOutputs {
  readonly params: DeviceTree
  readonly state: DeviceTree
  readonly grads: DeviceTree
  readonly metrics: Tree<DeviceTensor>
  readonly finite: DeviceTensor
}

/** An update as data: its micro-batches, the mean's divisor over all of them, the optimizer's scalars. */
export interface UpdateParts {
  readonly batches: readonly PlannedBatch[]
  readonly loss: Loss
  readonly optimizer: Optimizer
  readonly maxGradNorm?: number
  readonly hyper: Readonly<Record<string, number>>
  readonly count: number
  readonly examples: readonly StageExample[]
}

export interface StageSetup {
  readonly backend: Backend
  readonly model: CausalLM
  readonly stage: StageConfig
  readonly examples: readonly StageExample[]
  readonly seed: number
  /** For every update its examples, where that is not the seed's to say. */
  readonly order?: readonly (readonly number[])[]
  /** Updates that the optimizer's state has behind it already (Adam's correction counts them); 0 unless given. */
  readonly began?: number
  readonly plan?: PlanOptions
}

export class StageRunner implements Disposable {
  readonly updates: number
  /** Examples that its data gives; an update takes batch·accumulate of them. */
  readonly examples: number
  readonly plan: Plan
  /** For every update the batches of its micro-steps, as indices into the plan. */
  private readonly micro: readonly (readonly number[])[]
  private readonly backend: Backend
  private readonly model: CausalLM
  private readonly stage: StageConfig
  private readonly data: readonly StageExample[]
  private readonly loss: Loss
  private readonly optimizer: Optimizer
  private readonly schedule: Schedule
  private readonly began: number
  private readonly programs = new Map<string, Promise<Executable>>()

  constructor(setup: StageSetup) {
    const { backend, model, stage, examples, seed, began = 0, plan = planDefaults } = setup
    const order =
      setup.order ??
      orderUpdates({
        ...stage,
        examples: examples.length,
        batch: stage.batch * stage.accumulate,
        seed: mixSeed(seed, hashName(stage.name)),
      })
    const micro: number[][] = []
    let start = 0
    const groups = order.flatMap((update) => {
      const parts: number[][] = []
      for (let from = 0; from < update.length; from += stage.batch)
        parts.push(update.slice(from, from + stage.batch))
      micro.push(parts.map((_, i) => start + i))
      start += parts.length
      return parts
    })
    this.backend = backend
    this.model = model
    this.stage = stage
    this.data = examples
    this.loss = lossOf(stage.loss)
    this.optimizer = optimizerOf(stage.optimizer)
    this.updates = order.length
    this.examples = examples.length
    this.schedule = scheduleOf(stage, order.length)
    this.began = began
    this.micro = micro
    this.plan = planBatches(
      groups.map((group) => group.map((example) => ({ example, sequences: examples[example].sequences }))),
      costModel(model),
      plan,
    )
  }

  /** The batches of an update's micro-steps. */
  batchesOf(update: number): readonly PlannedBatch[] {
    return this.micro[update].map((i) => this.plan.batches[i])
  }

  /** Tensors of optimizer state for each parameter. */
  get stateTensors(): number {
    return this.optimizer.slots.length
  }

  /** The updates with the least and the most work: between them time goes as FLOPs. */
  get extremes(): readonly [number, number] {
    const order = this.micro.map((_, u) => u).sort((a, b) => this.flopsOf(a) - this.flopsOf(b))
    return [order[0], order.at(-1)!]
  }

  /** Forward FLOPs of an update, padding included. */
  flopsOf(update: number): number {
    const cost = costModel(this.model)
    return this.batchesOf(update).reduce((n, b) => n + costOf(cost, b.shape), 0)
  }

  /** Reference log-probs of 0 for everything, with which a step can be timed but not trained. */
  emptyReference(): ReferenceLogps {
    return new Map(
      this.data.map(({ sequences }, i) => [i, sequences.map((s) => new Float32Array(s.response.length))]),
    )
  }

  /** Zeros for the optimizer. */
  freshState(): Promise<DeviceTree> {
    return uploadZeros(this.backend, this.stateSpecs)
  }

  /** Of the optimizer's state, as a checkpoint keeps it. */
  get stateSpecs(): Tree<Spec> {
    return stateSpecs(this.optimizer, this.model.params)
  }

  /** What changes from update to update in the optimizer's rule. */
  private hyper(u: number): Readonly<Record<string, number>> {
    return this.optimizer.hyper(this.began + u, this.schedule(u))
  }

  /** Examples that any update of the stage uses, in order of first use. */
  private used(): number[] {
    return [...new Set(this.plan.batches.flatMap((b) => b.members.map((m) => m.example)))]
  }

  /** Whether the loss is measured against a reference. */
  get hasReference(): boolean {
    return this.loss.needs.reference
  }

  /**
   * log π_ref of every token of every example that the stage will use, under `params`; empty where the loss needs none.
   * `progress(done, total)` counts examples.
   */
  async reference(
    params: DeviceTree,
    progress: (done: number, total: number) => void = () => {},
  ): Promise<ReferenceLogps> {
    const cache = new Map<number, HostArray[]>()
    if (!this.hasReference) return cache
    const wanted = this.used()
    const groups: { example: number; sequences: StageExample['sequences'] }[][] = []
    for (let from = 0; from < wanted.length; from += this.stage.batch) {
      groups.push(
        wanted
          .slice(from, from + this.stage.batch)
          .map((example) => ({ example, sequences: this.data[example].sequences })),
      )
    }
    const plan = planBatches(groups, costModel(this.model), {
      ...planDefaults,
      maxShapes: this.plan.shapes.length,
    })
    for (const batch of plan.batches) {
      const logp = await this.tokenLogps(batch, params)
      batch.members.forEach(({ example }, s) => cache.set(example, [...(cache.get(example) ?? []), logp[s]]))
      progress(cache.size, wanted.length)
    }
    this.release('reference')
    return cache
  }

  private async tokenLogps(batch: PlannedBatch, params: DeviceTree): Promise<HostArray[]> {
    const executable = await this.compiled('reference', batch.shape, () =>
      logProbProgram(this.model, batch.shape),
    )
    const { logp } = (await executable.run({ params, batch: { ...fill(batch.packing, batch.shape) } })) as {
      logp: DeviceTensor
    }
    const { data, shape } = await this.backend.read(logp)
    logp.dispose()
    return batch.members.map(({ sequence }, s) =>
      data.slice(s * shape[1], s * shape[1] + sequence.response.length),
    )
  }

  /** Compiled once for every kind and shape; what comes out under the path it went in by is donated. */
  private compiled(
    kind: string,
    shape: BatchShape | undefined,
    build: () => Program,
    alsoDonate: readonly string[] = [],
  ): Promise<Executable> {
    const key = `${kind} ${JSON.stringify(shape)}`
    let executable = this.programs.get(key)
    if (!executable) {
      const program = build()
      executable = this.backend.compile(program, { donate: [...replaced(program), ...alsoDonate] })
      this.programs.set(key, executable)
    }
    return executable
  }

  /** What update `u` is made of, for taking it apart: nothing is computed. */
  partsOf(u: number): UpdateParts {
    const batches = this.batchesOf(u)
    return {
      batches,
      loss: this.loss,
      optimizer: this.optimizer,
      maxGradNorm: this.stage.maxGradNorm || undefined,
      hyper: this.hyper(u),
      count: batches.map((batch) => this.countOf(batch)).reduce((a, b) => a + b),
      examples: this.data,
    }
  }

  private countOf(batch: PlannedBatch): number {
    return countOf(this.stage.loss, { sequences: batch.members.length, tokens: batch.packing.shape.reads })
  }

  /** A batch's arrays, and the reference's log-probs where the loss needs them: the input `batch` of its programs. */
  batchInputs(batch: PlannedBatch, reference: ReferenceLogps): Record<string, HostTensor> {
    const { sequences, tokens } = batch.shape
    // Which of its example's sequences each member is.
    const seen = new Map<number, number>()
    const places = batch.members.map(({ example }) => {
      const nth = seen.get(example) ?? 0
      seen.set(example, nth + 1)
      return { example, nth }
    })
    const arrays = { ...fill(batch.packing, batch.shape) } as Record<string, HostTensor>
    for (const [name, spec] of Object.entries(this.loss.fields?.(sequences, tokens) ?? {})) {
      const data = new Float64Array(sequences)
      places.forEach(({ example, nth }, s) => (data[s] = this.data[example].fields![name][nth]))
      arrays[name] = { ...spec, data }
    }
    if (!this.hasReference) return arrays
    const ref = new Float64Array(sequences * tokens)
    places.forEach(({ example, nth }, s) => ref.set(reference.get(example)![nth], s * tokens))
    return { ...arrays, ref: { shape: [sequences, tokens], dtype: 'f32', data: ref } }
  }

  /**
   * Takes update `u` (from 0): weights in, weights out; the old handles are consumed.
   * Throws NumericalError, with the old weights alive and unchanged, where a number is not finite.
   */
  async update(
    u: number,
    weights: Weights,
    reference: ReferenceLogps,
  ): Promise<{ weights: Weights; report: UpdateReport }> {
    const hyper = this.hyper(u)
    const batches = this.batchesOf(u)
    return batches.length === 1
      ? this.single(u, batches[0], weights, reference, hyper)
      : this.accumulated(u, batches, weights, reference, hyper)
  }

  private async single(
    u: number,
    batch: PlannedBatch,
    { params, state }: Weights,
    reference: ReferenceLogps,
    hyper: Readonly<Record<string, number>>,
  ): Promise<{ weights: Weights; report: UpdateReport }> {
    const { model, loss, optimizer } = this
    const build = (): Program =>
      trainStep({
        model,
        shape: batch.shape,
        loss,
        optimizer,
        maxGradNorm: this.stage.maxGradNorm || undefined,
      })
    const executable = await this.compiled('train', batch.shape, build)
    const inputs = { params, state, batch: this.batchInputs(batch, reference), hyper }
    const out = await this.guarded(u, executable, inputs)
    return { weights: { params: out.params, state: out.state }, report: await this.report(u, hyper.lr, out) }
  }

  private async accumulated(
    u: number,
    batches: readonly PlannedBatch[],
    { params, state }: Weights,
    reference: ReferenceLogps,
    hyper: Readonly<Record<string, number>>,
  ): Promise<{ weights: Weights; report: UpdateReport }> {
    const { model, loss, optimizer } = this
    const counts = batches.map((b) => this.countOf(b))
    const count = counts.reduce((a, b) => a + b)
    let grads = await uploadZeros(this.backend, gradSpecs(model.params))
    // `loss` is already this micro-batch's share of the whole; the other metrics are means of the micro-batch.
    const metrics: Record<string, number> = {}
    for (const [k, batch] of batches.entries()) {
      const executable = await this.compiled('accumulate', batch.shape, () =>
        accumulateStep({ model, shape: batch.shape, loss }),
      )
      const out = await this.guarded(u, executable, {
        params,
        grads,
        batch: this.batchInputs(batch, reference),
        count,
      })
      grads = out.grads
      const own = await this.report(u, hyper.lr, out)
      for (const [name, value] of Object.entries(own.metrics)) {
        metrics[name] = (metrics[name] ?? 0) + (name === 'loss' ? value : (value * counts[k]) / count)
      }
    }
    const apply = await this.compiled(
      'apply',
      undefined,
      () => applyStep({ model, optimizer, maxGradNorm: this.stage.maxGradNorm || undefined }),
      ['grads'],
    )
    const out = await this.guarded(u, apply, { params, state, grads, hyper })
    const report = await this.report(u, hyper.lr, out)
    return {
      weights: { params: out.params, state: out.state },
      report: { ...report, metrics: { ...metrics, ...report.metrics } },
    }
  }

  private async report(
    u: number,
    lr: number,
    out: Pick<StepOutputs, 'metrics' | 'finite'>,
  ): Promise<UpdateReport> {
    out.finite.dispose()
    // All at once: on a card, waiting for one after the other takes longer than a small step.
    const read = async ({ path, value }: { path: string; value: DeviceTensor }) =>
      [path, await takeScalar(this.backend, value)] as const
    const entries = await Promise.all(leaves(out.metrics).map(read))
    return { update: u, lr, metrics: Object.fromEntries(entries) }
  }

  private async guarded(u: number, executable: Executable, inputs: Tree<RunInput>): Promise<StepOutputs> {
    try {
      return (await executable.run(inputs)) as unknown as StepOutputs
    } catch (error) {
      if (!(error instanceof NonFiniteError)) throw error
      const first = await this.firstNonFinite(executable.program, inputs)
      throw new NumericalError(this.stage.name, u, first.op, first.path)
    }
  }

  /** Runs the same inputs through a program that reports, value by value, what is finite. */
  private async firstNonFinite(
    program: Program,
    inputs: Tree<RunInput>,
  ): Promise<{ op: string; path: string }> {
    const watched = watchFinite(program)
    using executable = await this.backend.compile(watched.program)
    const { finite } = (await executable.run(inputs)) as { finite: DeviceTensor }
    const { data } = await this.backend.read(finite)
    finite.dispose()
    const at = data.findIndex((flag) => flag === 0)
    return at < 0 ? { op: 'an op that this backend fuses', path: '' } : watched.sites[at]
  }

  /** Lets go of compiled programs, of one kind or of all: each holds memory of its own. */
  private release(kind = ''): void {
    for (const [key, executable] of this.programs) {
      if (!key.startsWith(kind)) continue
      this.programs.delete(key)
      void executable.then((e) => e.dispose())
    }
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** A stage's stream of random numbers depends on its name, not on its place, so that stages can be inserted. */
const hashName = (name: string): number => [...name].reduce((h, c) => Math.imul(h, 31) + c.codePointAt(0)!, 7)
