/**
 * One stage on one backend: its programs compiled as they are first needed, its updates taken one at a time. Parameters
 * and optimizer state live on the device and every update replaces them; an update that fails, or makes a number that
 * is not finite, leaves them as they were.
 */
import {
  accumulateStep,
  applyStep,
  gradSpecs,
  replaced,
  stateSpecs,
  trainStep,
  type CausalLM,
  type Loss,
  type Optimizer,
  type Schedule,
} from '@ldyn/core'
import {
  leaves,
  type Backend,
  type DeviceTensor,
  type Executable,
  type HostTensor,
  type Program,
  type RunInput,
  type Spec,
  type Tree,
} from '@ldyn/tensor'
import { Programs } from '../device/programs.ts'
import { takeScalar, uploadZeros, type DeviceTree } from '../device/trees.ts'
import type { Plan, PlannedBatch } from '../packing/plan.ts'
import { batchInputs } from './batch-inputs.ts'
import { runFinite } from './finite.ts'
import { countOf, lossOf } from './losses.ts'
import { referenceLogps, zeroReference, type ReferenceLogps } from './reference.ts'
import { flopsOfBatches, planStage, type StagePlan, type StageToPlan } from './stage-plan.ts'
import { optimizerOf, scheduleOf, type StageConfig, type StageExample } from './stage.ts'
import type { UpdateReport, Weights } from './update.ts'

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

export interface StageSetup extends StageToPlan {
  readonly backend: Backend
  /** Updates that the optimizer's state has behind it already (Adam's correction counts them); 0 unless given. */
  readonly began?: number
}

export class StageRunner implements Disposable {
  readonly updates: number
  /** Examples that its data gives; an update takes batch·accumulate of them. */
  readonly examples: number
  private readonly backend: Backend
  private readonly model: CausalLM
  private readonly stage: StageConfig
  private readonly data: readonly StageExample[]
  private readonly planned: StagePlan
  private readonly loss: Loss
  private readonly optimizer: Optimizer
  private readonly schedule: Schedule
  private readonly began: number
  private readonly programs: Programs

  constructor({ backend, began = 0, ...setup }: StageSetup) {
    const { model, stage, examples } = setup
    this.backend = backend
    this.model = model
    this.stage = stage
    this.data = examples
    this.planned = planStage(setup)
    this.loss = lossOf(stage.loss)
    this.optimizer = optimizerOf(stage.optimizer)
    this.updates = this.planned.updates.length
    this.examples = examples.length
    this.schedule = scheduleOf(stage, this.updates)
    this.began = began
    this.programs = new Programs(backend)
  }

  get plan(): Plan {
    return this.planned.plan
  }

  /** The batches of an update's micro-steps. */
  batchesOf(update: number): readonly PlannedBatch[] {
    return this.planned.updates[update]
  }

  /** Tensors of optimizer state for each parameter. */
  get stateTensors(): number {
    return this.optimizer.slots.length
  }

  /** The updates with the least and the most work: between them time goes as FLOPs. */
  get extremes(): readonly [number, number] {
    const order = Array.from({ length: this.updates }, (_, u) => u).sort((a, b) => this.flopsOf(a) - this.flopsOf(b))
    return [order[0], order.at(-1)!]
  }

  /** Forward FLOPs of an update, padding included. */
  flopsOf(update: number): number {
    return flopsOfBatches(this.model, this.batchesOf(update))
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

  /** Whether the loss is measured against a reference. */
  get hasReference(): boolean {
    return this.loss.needs.reference
  }

  /** Reference log-probs of 0 for everything, with which a step can be timed but not trained. */
  emptyReference(): ReferenceLogps {
    return zeroReference(this.data)
  }

  /**
   * log π_ref of every token of every example that the stage will use, under `params`; empty where the loss needs none.
   * `progress(done, total)` counts examples.
   */
  async reference(
    params: DeviceTree,
    progress: (done: number, total: number) => void = () => {},
  ): Promise<ReferenceLogps> {
    if (!this.hasReference) return new Map()
    const { model, data: examples, plan, stage, programs } = this
    // In order of first use.
    const used = [...new Set(plan.batches.flatMap((b) => b.members.map((m) => m.example)))]
    const wanted = { model, examples, used, batch: stage.batch, maxShapes: plan.shapes.length }
    return referenceLogps(programs, wanted, params, progress)
  }

  /** Compiled once for every key; what comes out under the path it went in by is donated. */
  private compiled(key: string, build: () => Program, alsoDonate: readonly string[] = []): Promise<Executable> {
    return this.programs.get(key, build, (program) => [...replaced(program), ...alsoDonate])
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

  /** The input `batch` of the programs of a batch. */
  batchInputs(batch: PlannedBatch, reference: ReferenceLogps): Record<string, HostTensor> {
    return batchInputs(batch, this.loss, this.data, reference)
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
    const executable = await this.compiled(`train ${JSON.stringify(batch.shape)}`, build)
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
      const executable = await this.compiled(`accumulate ${JSON.stringify(batch.shape)}`, () =>
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

  /** Its program's outputs, under its own names. */
  private async guarded(update: number, executable: Executable, inputs: Tree<RunInput>): Promise<StepOutputs> {
    const out = await runFinite(this.backend, executable, inputs, { stage: this.stage.name, update })
    return out as unknown as StepOutputs
  }

  [Symbol.dispose](): void {
    this.programs[Symbol.dispose]()
  }
}
