/**
 * Which examples each update of a stage takes, in which batches, and how much work that is: known before anything is
 * computed, from the seed and the lengths of the data.
 */
import type { CausalLM } from '@ldyn/core'
import { costOf } from '../packing/buckets.ts'
import { costModel, planBatches, planDefaults, type Plan, type PlannedBatch, type PlanOptions } from '../packing/plan.ts'
import { mixSeed, orderUpdates } from './order.ts'
import type { StageConfig, StageExample } from './stage.ts'

export interface StageToPlan {
  readonly model: CausalLM
  readonly stage: StageConfig
  readonly examples: readonly StageExample[]
  readonly seed: number
  /** For every update its examples, where that is not the seed's to say. */
  readonly order?: readonly (readonly number[])[]
  readonly plan?: PlanOptions
}

export interface StagePlan {
  readonly plan: Plan
  /** For every update the batches of its micro-steps. */
  readonly updates: readonly (readonly PlannedBatch[])[]
}

export function planStage({ model, stage, examples, seed, order, plan = planDefaults }: StageToPlan): StagePlan {
  const updates =
    order ??
    orderUpdates({
      ...stage,
      examples: examples.length,
      batch: stage.batch * stage.accumulate,
      seed: mixSeed(seed, hashName(stage.name)),
    })
  const micro = updates.map((update) => inGroups(update, stage.batch))
  const planned = planBatches(
    micro.flat().map((group) => group.map((example) => ({ example, sequences: examples[example].sequences }))),
    costModel(model),
    plan,
  )
  let taken = 0
  return { plan: planned, updates: micro.map(({ length }) => planned.batches.slice(taken, (taken += length))) }
}

/** Forward FLOPs of some batches, padding included. */
export function flopsOfBatches(model: CausalLM, batches: readonly PlannedBatch[]): number {
  const cost = costModel(model)
  return batches.reduce((n, { shape }) => n + costOf(cost, shape), 0)
}

/** A list cut into groups of `size`, the last perhaps smaller. */
export const inGroups = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))

/** A stage's stream of random numbers depends on its name, not on its place, so that stages can be inserted. */
const hashName = (name: string): number => [...name].reduce((h, c) => Math.imul(h, 31) + c.codePointAt(0)!, 7)
