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
import { ProbeSet } from '../explaining/probe-set.ts'
import { StepExplainer } from '../explaining/step.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'
import { disposeTree, type DeviceTree } from '../training/device-params.ts'
import { isPreference, type LossConfig } from '../training/losses.ts'
import { StageRunner } from '../training/stage-runner.ts'
import { stageExamples, type StageConfig, type StageExample } from '../training/stage.ts'
import { ArgmaxProbe } from './argmax-probe.ts'

export interface WhatIf {
  readonly name: string
  readonly says: string
  readonly stage: StageConfig
}

/** A mean over probes and its standard error, nats per response. */
export interface Effect {
  readonly change: number
  readonly se: number
  readonly n: number
}

export interface PredictedEffect {
  readonly name: string
  readonly says: string
  /** Pulls one response and pushes another: what a nat of margin costs is then worth comparing. */
  readonly preference: boolean
  /** Δ log π by response type, summed over tokens. */
  readonly types: Readonly<Record<string, Effect>>
  /** Of log π(chosen) − log π(rejected), probe by probe. */
  readonly margin: Effect | undefined
  /** Of Σ log max π along chosen. */
  readonly argmax: Effect | undefined
  /** Δ log π(chosen) and Δ argmax for each nat of margin gained; undefined where none is gained. */
  readonly perMargin: { readonly chosen: number; readonly argmax: number } | undefined
  readonly gradNorm: number
}

export interface Contribution {
  /** Data row of the pair. */
  readonly row: number
  /** What its terms do to log π(chosen) of the probes, mean, nats: they add up over pairs to the whole. */
  readonly chosen: number
}

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

/** β of a loss that has one; 0.1, the paper's, for one that has none. */
export const betaOfLoss = (loss: LossConfig): number => ('beta' in loss ? loss.beta : 0.1)

/** What is compared with a stage as it is: remedies that are losses (paper.md §9), the paper's own extend, a gate. */
export function whatIfsOf(base: StageConfig): readonly WhatIf[] {
  const beta = betaOfLoss(base.loss)
  const dpo: LossConfig =
    base.loss.name === 'dpo' ? base.loss : { name: 'dpo', beta, labelSmoothing: 0, referenceFree: false }
  const as = (name: string, says: string, loss: LossConfig): WhatIf => ({
    name,
    says,
    stage: { ...base, loss },
  })
  const all = [
    as('dpo', 'DPO', dpo),
    as(`dpo, β ${Number((3 * beta).toPrecision(3))}`, 'DPO with three times the β', {
      ...dpo,
      beta: 3 * beta,
    }),
    as('dpo, gated', 'DPO whose push on y⁻ is gated by the probability of its tokens (Gate-DPO)', {
      ...dpo,
      gate: { statistic: 'quantile', sharpness: 20, threshold: 0.1 },
    }),
    as('rpo, α 1', 'DPO and the NLL of y⁺ per token (RPO)', {
      ...dpo,
      name: 'rpo',
      alpha: 1,
      reduction: 'mean',
    }),
    as('dpop, λ 5', 'DPO with a penalty where y⁺ falls below the reference (DPOP)', {
      name: 'dpop',
      beta,
      lambda: 5,
    }),
    as('ipo', 'IPO: pulls and pushes until the log-ratio is 1/(2β)', {
      name: 'ipo',
      beta,
      reduction: 'sum',
      referenceFree: false,
    }),
    {
      name: 'extend',
      says: 'finetuning on both y⁺ and y⁻ (the paper’s remedy, before DPO)',
      stage: {
        ...base,
        loss: { name: 'sft', reduction: 'sum' },
        targets: ['chosen', 'rejected'],
      } as StageConfig,
    },
    {
      name: 'sft',
      says: 'finetuning on y⁺ alone',
      stage: { ...base, loss: { name: 'sft', reduction: 'sum' }, targets: ['chosen'] } as StageConfig,
    },
  ]
  const own = JSON.stringify(base.loss) + JSON.stringify(base.targets)
  return all.filter(({ stage }) => JSON.stringify(stage.loss) + JSON.stringify(stage.targets) !== own)
}

/** The worst pairs that are left out: a quarter of them, one at least. */
export const worstOf = (pairs: readonly Contribution[]): readonly Contribution[] =>
  pairs.slice(0, Math.max(1, Math.floor(pairs.length / 4))).filter(({ chosen }) => chosen < 0)

const effectOf = (values: readonly number[]): Effect => {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  const se = n < 2 ? 0 : Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1) / n)
  return { change: mean, se, n }
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0)

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

/** Σ over tokens of each response's change, by type and probe row. */
const sumsByType = (
  probes: ProbeSet,
  logp: readonly Float64Array[],
): ReadonlyMap<string, ReadonlyMap<number, number>> => {
  const found = new Map<string, Map<number, number>>()
  probes.responses.forEach(({ example, type }, i) => {
    const own = found.get(type) ?? new Map<number, number>()
    found.set(type, own.set(example, sum(logp[i])))
  })
  return found
}

const byType = (probes: ProbeSet, logp: readonly Float64Array[]): Readonly<Record<string, Effect>> =>
  Object.fromEntries(
    [...sumsByType(probes, logp)].map(([type, values]) => [type, effectOf([...values.values()])]),
  )

const summarised = (
  about: Pick<PredictedEffect, 'name' | 'says' | 'preference'>,
  probes: ProbeSet,
  logp: readonly Float64Array[],
  top: ReadonlyMap<number, number>,
  gradNorm: number,
): PredictedEffect => {
  const sums = sumsByType(probes, logp)
  const [chosen, rejected] = [sums.get('chosen'), sums.get('rejected')]
  const gaps = [...(chosen ?? [])].flatMap(([row, up]) =>
    rejected?.has(row) ? [up - rejected.get(row)!] : [],
  )
  const margin = gaps.length > 0 ? effectOf(gaps) : undefined
  const argmax = top.size > 0 ? effectOf([...top.values()]) : undefined
  const types = byType(probes, logp)
  const gained = margin && margin.change > 0 && types.chosen && argmax ? margin.change : undefined
  return {
    ...about,
    types,
    margin,
    argmax,
    gradNorm,
    perMargin:
      gained === undefined
        ? undefined
        : { chosen: types.chosen.change / gained, argmax: argmax!.change / gained },
  }
}

/** What each example's terms do to log π(chosen) of the probes, by data row. */
const contributions = (
  probes: ProbeSet,
  directions: ReadonlyMap<string, readonly Float64Array[]>,
  examples: readonly StageExample[],
  rows: readonly EncodedRow[],
): readonly Contribution[] => {
  const chosen = probes.responses.flatMap(({ type }, i) => (type === 'chosen' ? [i] : []))
  const byRow = new Map<number, number>()
  for (const [name, values] of directions) {
    const example = examples[Number(/^\d+(?= )/.exec(name)?.[0] ?? NaN)]
    if (!example) continue
    const { row } = rows[example.row].row
    byRow.set(
      row,
      (byRow.get(row) ?? 0) + chosen.reduce((total, i) => total + sum(values[i]), 0) / chosen.length,
    )
  }
  return [...byRow].map(([row, change]) => ({ row, chosen: change })).sort((a, b) => a.chosen - b.chosen)
}
