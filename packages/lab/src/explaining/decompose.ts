/**
 * Updates of a training run taken apart as they happen (`observe.decompose`): before the update what it will do to some
 * probes, to first order and by direction; after it what it did. The update itself is the trainer's own, so that a run
 * has the same numbers with and without it.
 */
import type { CausalLM, SplitBy } from '@ldyn/core'
import type { DecomposedTokens, Decomposition } from '@ldyn/runs'
import type { Backend } from '@ldyn/tensor'
import type { PlanOptions } from '../packing/plan.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'
import { disposeTree, type DeviceTree } from '../device/trees.ts'
import type { StageRunner } from '../training/stage-runner.ts'
import type { ReferenceLogps } from '../training/reference.ts'
import type { Weights } from '../training/update.ts'
import { ProbeSet } from './probe-set.ts'
import { difference, StepExplainer, type StepPrediction } from './step.ts'

export interface DecomposeOptions {
  /** Every so many updates of a stage; 0: never. */
  readonly every: number
  /** Probe rows, from the first. */
  readonly probes: number
  /** By terms of the loss, or by terms of every example, which costs a gradient and a jvp for each. */
  readonly directions: SplitBy
  /** Also by token of the response; its text is what this makes of an id. */
  readonly textOf?: (id: number) => string
}

/** What is known of an update before it was taken. */
export interface Pending {
  readonly prediction: StepPrediction
  readonly rows: readonly number[]
  readonly lr: number
}

const total = (values: Float64Array): number => values.reduce((n, x) => n + x, 0)
/** Seven digits: what float32 holds, in a third of the bytes. */
const brief = (values: Float64Array): number[] => Array.from(values, (x) => Number(x.toPrecision(7)))

/** Owns compiled programs and uploaded probes; dispose of it when done. */
export class Decomposer implements Disposable {
  private readonly options: DecomposeOptions
  private readonly probes: ProbeSet
  private readonly explainer: StepExplainer

  constructor(
    backend: Backend,
    model: CausalLM,
    rows: readonly EncodedRow[],
    options: DecomposeOptions,
    plan?: PlanOptions,
  ) {
    this.options = options
    this.probes = new ProbeSet(backend, model, rows.slice(0, options.probes), { plan })
    this.explainer = new StepExplainer(backend, model, this.probes)
  }

  /** Whether update `u` of a stage is one of those. */
  wants(u: number): boolean {
    const { every } = this.options
    return every > 0 && (u + 1) % every === 0 && this.probes.responses.length > 0
  }

  /** Before update `u`; `rowOf` gives the data row of an example. The weights stay as they are. */
  async before(
    runner: StageRunner,
    u: number,
    weights: Weights,
    reference: ReferenceLogps,
    rowOf: (example: number) => number,
  ): Promise<Pending> {
    const parts = runner.partsOf(u)
    const { prediction, delta } = await this.explainer.predict(
      { parts, inputs: (batch) => runner.batchInputs(batch, reference), weights, fresh: u === 0 },
      { by: this.options.directions, labelOf: (example) => String(rowOf(example)), typed: true },
    )
    disposeTree(delta)
    const members = parts.batches.flatMap((batch) => batch.members.map(({ example }) => rowOf(example)))
    return { prediction, rows: [...new Set(members)], lr: parts.hyper.lr }
  }

  /** After it, under the new parameters. */
  async after({ prediction, rows, lr }: Pending, params: DeviceTree): Promise<Decomposition> {
    const { before, predicted, directions, gradNorm, clipFactor } = prediction
    const actual = difference((await this.probes.evaluate(params)).logp, before.logp)
    return {
      rows,
      lr,
      grad_norm: gradNorm,
      clip_factor: clipFactor,
      residual: Math.hypot(...difference(actual, predicted.logp).map((row) => Math.hypot(...row))),
      probes: this.probes.responses.map(({ example, type }, i) => ({
        row: example,
        type,
        actual: total(actual[i]),
        predicted: total(predicted.logp[i]),
        directions: Object.fromEntries([...directions].map(([name, values]) => [name, total(values[i])])),
        ...this.tokensOf(i, prediction, actual[i]),
      })),
    }
  }

  private tokensOf(
    i: number,
    { before, predicted, directions }: StepPrediction,
    actual: Float64Array,
  ): { readonly tokens?: DecomposedTokens } {
    const { textOf } = this.options
    if (!textOf) return {}
    return {
      tokens: {
        text: Array.from(this.probes.responses[i].ids, textOf),
        logp: brief(before.logp[i]),
        actual: brief(actual),
        predicted: brief(predicted.logp[i]),
        directions: Object.fromEntries([...directions].map(([name, values]) => [name, brief(values[i])])),
      },
    }
  }

  [Symbol.dispose](): void {
    this.explainer[Symbol.dispose]()
    this.probes[Symbol.dispose]()
  }
}
