/**
 * What another loss, β, learning rate, extend, a gate or other pairs would do, predicted: for each the update that the
 * optimizer would apply at the model at hand, and one jvp of the probes along it (first order). One update from a fresh
 * optimizer state, with the reference that is given or else the model itself.
 *
 * Sizes of updates under different losses are not comparable (a loss's scale is a learning rate too); what chosen and
 * argmax pay for one nat of margin is, and stands beside.
 */
import { moveProgram, type CausalLM } from '@ldyn/core'
import type { Backend, HostArray } from '@ldyn/tensor'
import { disposeTree, type DeviceTree } from '../device/trees.ts'
import { ProbeSet } from '../explaining/probe-set.ts'
import { StepExplainer } from '../explaining/step.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'
import { isPreference } from '../training/losses.ts'
import { StageRunner } from '../training/stage-runner.ts'
import { stageExamples, type StageConfig, type StageExample } from '../training/stage.ts'
import { ArgmaxProbe } from './argmax-probe.ts'
import {
  byType,
  contributions,
  summarised,
  worstOf,
  type Contribution,
  type Effect,
  type PredictedEffect,
} from './effects.ts'
import { whatIfsOf, type WhatIf } from './what-ifs.ts'

export interface WhatIfs {
  readonly base: PredictedEffect
  /** What the update as it is really does to log π, by type: how good the first order is. */
  readonly actual: Readonly<Record<string, Effect>>
  readonly others: readonly PredictedEffect[]
  /** The pairs of the update, the worst for chosen first. */
  readonly pairs: readonly Contribution[]
  readonly probes: number
}

export interface WhatIfRequest {
  readonly backend: Backend
  readonly model: CausalLM
  /** The model at hand, on the backend; stays the caller's. */
  readonly params: DeviceTree
  /** The loss's reference; the model at hand unless given. */
  readonly reference?: DeviceTree
  /** Encoded pairs of one update, and the probes. */
  readonly data: readonly EncodedRow[]
  readonly probes: readonly EncodedRow[]
  readonly base: StageConfig
  readonly report?: (what: string, done: number, total: number) => void
}

/**
 * A learning rate at which a fresh state's first step has the size of a later one: RMSprop's mean square begins at 0,
 * which makes its first step 1/√(1 − α) times as long. Adam corrects for that itself.
 */
export const steadyRate = ({ lr, optimizer }: StageConfig): number =>
  optimizer.name === 'rmsprop' ? lr * Math.sqrt(1 - optimizer.alpha) : lr

/** Predicts the stage's update as it is, each what-if, and the update without its worst pairs. */
export async function predictWhatIfs(request: WhatIfRequest): Promise<WhatIfs> {
  const { backend, model, params, base, data, report = () => {} } = request
  using probes = new ProbeSet(backend, model, request.probes)
  using argmax = new ArgmaxProbe(backend, model, request.probes, 'chosen')
  await argmax.look(params)
  const others = whatIfsOf(base)
  const total = others.length + 2
  let done = 0

  // The loss enters as a cotangent only, so that what is compiled for one serves all.
  using explainer = new StepExplainer(backend, model, probes)
  const known = new Map<number, readonly HostArray[]>()
  /** log π_ref of each pair, computed once. */
  const referenceFor = async (
    runner: StageRunner,
    examples: readonly StageExample[],
    rows: readonly EncodedRow[],
  ) => {
    if (!runner.hasReference) return new Map<number, readonly HostArray[]>()
    const rowOf = (example: number): number => rows[examples[example].row].row.row
    if (examples.some((_, example) => !known.has(rowOf(example)))) {
      for (const [example, logp] of await runner.reference(request.reference ?? params))
        known.set(rowOf(example), logp)
    }
    return new Map(examples.map((_, example) => [example, known.get(rowOf(example))!]))
  }

  /** Log π of every response at θ + Δθ, less what it was. */
  const really = async (delta: DeviceTree, before: readonly Float64Array[]) => {
    using move = await backend.compile(moveProgram({ model }))
    const { params: after } = (await move.run({ params, delta, t: 1 })) as unknown as {
      readonly params: DeviceTree
    }
    const { logp } = await probes.evaluate(after)
    disposeTree(after)
    return byType(
      probes,
      logp.map((row, i) => row.map((x, t) => x - before[i][t])),
    )
  }

  const predict = async ({ name, says, stage }: WhatIf, rows: readonly EncodedRow[], byPair = false) => {
    const examples = stageExamples(stage, rows)
    const once: StageConfig = {
      ...stage,
      lr: steadyRate(stage),
      batch: examples.length,
      accumulate: 1,
      updates: 1,
      epochs: undefined,
      shuffle: false,
      dropLast: false,
      schedule: { name: 'constant', warmup: 0 },
    }
    using runner = new StageRunner({
      backend,
      model,
      stage: once,
      examples,
      seed: 0,
      order: [examples.map((_, i) => i)],
    })
    const reference = await referenceFor(runner, examples, rows)
    const state = await runner.freshState()
    const { prediction, delta } = await explainer.predict(
      {
        parts: runner.partsOf(0),
        inputs: (batch) => runner.batchInputs(batch, reference),
        weights: { params, state },
        fresh: true,
      },
      { by: byPair ? 'examples' : 'none', labelOf: (example) => `${example}` },
    )
    const top = await argmax.along(params, delta)
    const actual = byPair ? await really(delta, prediction.before.logp) : {}
    disposeTree(delta)
    disposeTree(state)
    const effect = summarised(
      { name, says, preference: isPreference(stage.loss) },
      probes,
      prediction.predicted.logp,
      top,
      prediction.gradNorm,
    )
    report('what-ifs', ++done, total)
    return {
      effect,
      actual,
      pairs: byPair ? contributions(probes, prediction.directions, examples, rows) : [],
    }
  }

  const { effect, actual, pairs } = await predict(
    { name: 'as it is', says: base.loss.name, stage: base },
    data,
    true,
  )
  const found: PredictedEffect[] = []
  for (const one of others) found.push((await predict(one, data)).effect)
  const worst = new Set(worstOf(pairs).map(({ row }) => row))
  const rest = data.filter(({ row }) => !worst.has(row.row))
  if (worst.size > 0 && rest.length > 0) {
    const name = `without ${worst.size} of ${data.length} pairs`
    const says = `the same update without the pairs that are worst for chosen (rows ${[...worst].join(', ')})`
    found.push((await predict({ name, says, stage: base }, rest)).effect)
  }
  report('what-ifs', total, total)
  return { base: effect, actual, others: found, pairs, probes: request.probes.length }
}
