/**
 * Token log-probs of a frozen reference, computed once before a stage and kept: many losses are measured against the
 * model that the stage began with, or against another.
 */
import { logProbProgram, type CausalLM } from '@ldyn/core'
import type { HostArray } from '@ldyn/tensor'
import { valuesOf, type Programs } from '../device/programs.ts'
import type { DeviceTree } from '../device/trees.ts'
import { fill } from '../packing/pack.ts'
import { costModel, planBatches, planDefaults, type PlannedBatch } from '../packing/plan.ts'
import type { StageExample } from './stage.ts'
import { inGroups } from './stage-plan.ts'

/** log π_ref of every token, for every example and sequence. */
export type ReferenceLogps = ReadonlyMap<number, readonly HostArray[]>

/** Reference log-probs of 0 for everything, with which a step can be timed but not trained. */
export const zeroReference = (examples: readonly StageExample[]): ReferenceLogps =>
  new Map(examples.map(({ sequences }, i) => [i, sequences.map((s) => new Float32Array(s.response.length))]))

interface Wanted {
  readonly model: CausalLM
  readonly examples: readonly StageExample[]
  /** The examples that are wanted, as indices. */
  readonly used: readonly number[]
  /** Examples in a batch, and different shapes of batches at most. */
  readonly batch: number
  readonly maxShapes: number
}

/** log π_ref under `params`. `progress(done, total)` counts examples. Its programs are let go of when it is done. */
export async function referenceLogps(
  programs: Programs,
  { model, examples, used, batch, maxShapes }: Wanted,
  params: DeviceTree,
  progress: (done: number, total: number) => void,
): Promise<ReferenceLogps> {
  const found = new Map<number, HostArray[]>()
  const groups = inGroups(used, batch).map((group) =>
    group.map((example) => ({ example, sequences: examples[example].sequences })),
  )
  const plan = planBatches(groups, costModel(model), { ...planDefaults, maxShapes })
  for (const planned of plan.batches) {
    const logp = await tokenLogps(programs, model, planned, params)
    planned.members.forEach(({ example }, s) => found.set(example, [...(found.get(example) ?? []), logp[s]]))
    progress(found.size, used.length)
  }
  programs.release('reference')
  return found
}

async function tokenLogps(
  programs: Programs,
  model: CausalLM,
  { packing, shape, members }: PlannedBatch,
  params: DeviceTree,
): Promise<HostArray[]> {
  const executable = await programs.get(`reference ${JSON.stringify(shape)}`, () => logProbProgram(model, shape))
  const { logp } = await valuesOf(programs.backend, executable, { params, batch: { ...fill(packing, shape) } })
  return members.map(({ sequence }, s) => logp.slice(s * shape.tokens, s * shape.tokens + sequence.response.length))
}
