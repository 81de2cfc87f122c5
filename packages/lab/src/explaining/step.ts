/**
 * One update, explained: Δθ as the optimizer applies it, what every probe token feels of it to first order, and the
 * directions that add up to it (core's explain/). What really happened is the caller's to measure, after it applied
 * the update by whatever means.
 *
 * Parts are made one after another, so that at any time one gradient and one direction of the parameters' size are
 * held beside the weights, the state after, and Δθ.
 */
import {
  CARRY_OVER,
  DECAY,
  deltaProgram,
  logProbProgram,
  lossCotangent,
  lossParts,
  partProgram,
  pullProgram,
  restProgram,
  type CausalLM,
  type LossPart,
  type LossValues,
  type Module,
  type SplitBy,
} from '@ldyn/core'
import type { Backend, DeviceTensor, HostTensor } from '@ldyn/tensor'
import type { PlannedBatch } from '../packing/plan.ts'
import { disposeTree, type DeviceTree } from '../device/trees.ts'
import type { UpdateParts } from '../training/stage-runner.ts'
import type { Weights } from '../training/update.ts'
import type { ProbeSet, ProbeValues } from './probe-set.ts'
import { Programs } from '../device/programs.ts'
import { takeScalar } from '../device/trees.ts'

export interface StepToExplain {
  readonly parts: UpdateParts
  /** Arrays of a batch with the reference's log-probs and the loss's fields (StageRunner.batchInputs). */
  inputs(batch: PlannedBatch): Readonly<Record<string, HostTensor>>
  readonly weights: Weights
  /** The state is all zeros: nothing is carried over. */
  readonly fresh?: boolean
}

export interface ExplainOptions {
  /** none: only the whole. */
  readonly by: SplitBy | 'none'
  /** An example's name in the directions' names. */
  readonly labelOf?: (example: number) => string
  /** What SFT learns is named by its type ("chosen target") also where it learns one type only. */
  readonly typed?: boolean
  /** Also by layer and module kind, one vjp a response. */
  readonly modules?: boolean
  readonly report?: (what: string, done: number, total: number) => void
}

export type ByModule = readonly { readonly module: Module; readonly change: number }[]

/** Per response and token, in the order of the probe set's responses; nats. */
export interface StepPrediction {
  readonly before: ProbeValues
  /** The change along Δθ to first order. */
  readonly predicted: ProbeValues
  /** Of log π: directions by name; they add up to `predicted.logp`. */
  readonly directions: ReadonlyMap<string, readonly Float64Array[]>
  /** Of Σ log π by response. */
  readonly modules?: readonly ByModule[]
  /** The gradient's norm before clipping, and the factor by which it was clipped. */
  readonly gradNorm: number
  readonly clipFactor: number
}

/** Owns compiled programs; dispose of it when done. */
export class StepExplainer implements Disposable {
  private readonly programs: Programs
  /** Optimizers met so far with their clipping: what they compile to is theirs alone, and stages differ in them. */
  private readonly rules: StepToExplain['parts'][] = []
  private readonly backend: Backend
  private readonly model: CausalLM
  private readonly probes: ProbeSet

  constructor(backend: Backend, model: CausalLM, probes: ProbeSet) {
    this.programs = new Programs(backend)
    this.backend = backend
    this.model = model
    this.probes = probes
  }

  /** Leaves the weights as they are. The caller owns `delta`, a tree like the parameters. */
  async predict(
    step: StepToExplain,
    options: ExplainOptions,
  ): Promise<{ prediction: StepPrediction; delta: DeviceTree }> {
    const { params } = step.weights
    const report = options.report ?? (() => {})
    const values = await this.lossValues(step)
    const { loss, count } = step.parts
    report('gradient', 0, 1)
    const grads = await this.pull(
      step,
      values.map((v) => lossCotangent(loss, v, count)),
    )
    const applied = await this.apply(step, grads)
    report('jvp', 0, 1)
    const { primal: before, tangent: predicted } = await this.probes.along(params, applied.delta)
    const directions = await this.directions(step, values, applied, options)
    disposeTree(applied.next)
    const modules = options.modules
      ? await this.probes.byModule(params, applied.delta, (done, total) => report('layers', done, total))
      : undefined
    const { gradNorm, clipFactor } = applied
    return {
      prediction: { before, predicted, directions, modules, gradNorm, clipFactor },
      delta: applied.delta,
    }
  }

  [Symbol.dispose](): void {
    this.programs[Symbol.dispose]()
  }

  private async directions(
    step: StepToExplain,
    values: readonly LossValues[],
    applied: Applied,
    options: ExplainOptions,
  ): Promise<Map<string, readonly Float64Array[]>> {
    const { by, report = () => {} } = options
    const found = new Map<string, readonly Float64Array[]>()
    if (by === 'none') return found
    const { params, state } = step.weights
    const { hyper } = step.parts
    const setting = this.setting(step)
    const perBatch = values.map((v, k) => partsOf(step, v, k, by, options))
    const names = [...new Set(perBatch.flatMap((parts) => parts.map(({ name }) => name)))]
    const rest = ([CARRY_OVER, DECAY] as const).flatMap((name) => {
      const program = name === CARRY_OVER && step.fresh ? undefined : restProgram(setting, name)
      return program ? [{ name, program }] : []
    })
    let done = 0
    const keep = async (name: string, direction: DeviceTree): Promise<void> => {
      found.set(name, (await this.probes.along(params, direction)).tangent.logp)
      disposeTree(direction)
      report('directions', ++done, names.length + rest.length)
    }
    for (const name of names) {
      const part = await this.pull(
        step,
        perBatch.map((parts) => parts.find((p) => p.name === name)?.cotangent),
      )
      const executable = await this.programs.get(`part ${this.ruleOf(step)}`, () => partProgram(setting))
      const inputs = {
        params,
        state,
        next: applied.next,
        part,
        factor: applied.clipFactor,
        hyper: { ...hyper },
      }
      const { delta } = (await executable.run(inputs)) as unknown as { delta: DeviceTree }
      disposeTree(part)
      await keep(name, delta)
    }
    for (const { name, program } of rest) {
      const executable = await this.programs.get(`rest ${name} ${this.ruleOf(step)}`, () => program)
      const out = await executable.run({ params, state, next: applied.next, hyper: { ...hyper } })
      await keep(name, (out as unknown as { delta: DeviceTree }).delta)
    }
    return found
  }

  private setting({ parts: { optimizer, maxGradNorm } }: StepToExplain) {
    return { model: this.model, optimizer, maxGradNorm }
  }

  /** Names the step's optimizer and clipping among those met, for the keys of their programs. */
  private ruleOf({ parts }: StepToExplain): string {
    const same = (one: StepToExplain['parts']): boolean =>
      one.optimizer === parts.optimizer && one.maxGradNorm === parts.maxGradNorm
    if (!this.rules.some(same)) this.rules.push(parts)
    return `of rule ${this.rules.findIndex(same)}`
  }

  /** The loss's arguments as numbers, for every micro-batch. */
  private async lossValues(step: StepToExplain): Promise<LossValues[]> {
    const found: LossValues[] = []
    for (const batch of step.parts.batches) {
      const arrays = step.inputs(batch)
      const executable = await this.programs.get(`logp ${JSON.stringify(batch.shape)}`, () =>
        logProbProgram(this.model, batch.shape),
      )
      const { logp } = await this.programs.read(executable, {
        params: step.weights.params,
        batch: { ...arrays },
      })
      const { sequences, tokens } = batch.shape
      const rows = (data: ArrayLike<number>): number[][] =>
        Array.from({ length: sequences }, (_, s) =>
          Array.from({ length: tokens }, (__, l) => data[s * tokens + l]),
        )
      const names = Object.keys(step.parts.loss.fields?.(sequences, tokens) ?? {})
      found.push({
        logp: rows(logp),
        mask: rows(arrays.mask.data),
        ...(arrays.ref ? { ref: rows(arrays.ref.data) } : {}),
        fields: Object.fromEntries(names.map((name) => [name, Array.from(arrays[name].data)])),
      })
    }
    return found
  }

  /** Σ over micro-batches of cotangent·∇log π; a batch without a cotangent has no share. */
  private async pull(
    step: StepToExplain,
    cotangents: readonly (readonly (readonly number[])[] | undefined)[],
  ): Promise<DeviceTree> {
    let grads: DeviceTree
    for (const [k, batch] of step.parts.batches.entries()) {
      const cotangent = cotangents[k]
      if (!cotangent) continue
      const onto = grads !== undefined
      const executable = await this.programs.get(
        `pull ${onto} ${JSON.stringify(batch.shape)}`,
        () => pullProgram({ model: this.model }, batch.shape, onto),
        () => (onto ? ['grads'] : []),
      )
      const { sequences, tokens } = batch.shape
      const inputs = {
        params: step.weights.params,
        batch: { ...step.inputs(batch) },
        cotangent: {
          shape: [sequences, tokens],
          dtype: 'f32' as const,
          data: Float64Array.from(cotangent.flat()),
        },
        ...(onto ? { grads } : {}),
      }
      grads = ((await executable.run(inputs)) as unknown as { grads: DeviceTree }).grads
    }
    return grads
  }

  private async apply(step: StepToExplain, grads: DeviceTree): Promise<Applied> {
    const { params, state } = step.weights
    const executable = await this.programs.get(`delta ${this.ruleOf(step)}`, () => deltaProgram(this.setting(step)))
    const out = (await executable.run({
      params,
      state,
      grads,
      hyper: { ...step.parts.hyper },
    })) as unknown as {
      readonly delta: DeviceTree
      readonly state: DeviceTree
      readonly norm: DeviceTensor
      readonly factor: DeviceTensor
      readonly finite: DeviceTensor
    }
    disposeTree(grads)
    out.finite.dispose()
    const [gradNorm, clipFactor] = [
      await takeScalar(this.backend, out.norm),
      await takeScalar(this.backend, out.factor),
    ]
    return { delta: out.delta, next: out.state, gradNorm, clipFactor }
  }
}

interface Applied {
  readonly delta: DeviceTree
  readonly next: DeviceTree
  readonly gradNorm: number
  readonly clipFactor: number
}

/** After minus before, token by token. */
export const difference = (after: readonly Float64Array[], before: readonly Float64Array[]): Float64Array[] =>
  after.map((row, i) => row.map((x, t) => x - before[i][t]))

/** The parts of a micro-batch's loss. What SFT learns is told apart by its type where it learns several. */
function partsOf(
  { parts: { loss, count, batches } }: StepToExplain,
  values: LossValues,
  k: number,
  by: SplitBy,
  { labelOf = String, typed = false }: ExplainOptions,
): LossPart[] {
  const types = new Set(batches.flatMap(({ members }) => members.map(({ sequence }) => sequence.type)))
  const byType = loss.terms.includes('target') && (typed || types.size > 1)
  const { members } = batches[k]
  const exampleOf = values.mask.map((_, s) => {
    if (s >= members.length) return 'padding'
    const { example, sequence } = members[s]
    return [...(by === 'examples' ? [labelOf(example)] : []), ...(byType ? [sequence.type] : [])].join(' ')
  })
  return lossParts(loss, values, { count, by: by === 'examples' || byType ? 'examples' : 'terms', exampleOf })
}
