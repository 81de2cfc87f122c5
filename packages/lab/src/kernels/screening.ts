/**
 * Displacement scores of preference pairs before any training: one forward pass a pair (core's
 * predictors/displacement.ts), and how well a score ranked what then happened.
 */
import {
  displacementProgram,
  displacementScores,
  spearman,
  DISPLACEMENT_SCORES,
  type BatchShape,
  type CausalLM,
  type DisplacementScores,
  type RankCorrelation,
  type ResponseStates,
} from '@ldyn/core'
import { hostTensor, type Backend, type Executable, type HostArray } from '@ldyn/tensor'
import { fill } from '../packing/pack.ts'
import { costModel, planBatches, planDefaults, type PlannedBatch } from '../packing/plan.ts'
import type { Sequence } from '../tokens/tokenise.ts'
import type { DeviceTree } from '../device/trees.ts'
import { valuesOf } from '../device/programs.ts'
import type { Progress } from './side.ts'

export interface Pair {
  readonly chosen: Sequence
  readonly rejected: Sequence
}

export interface ScreenRequest {
  readonly backend: Backend
  readonly model: CausalLM
  readonly params: DeviceTree
  readonly pairs: readonly Pair[]
  readonly progress?: Progress
}

/** Scores in the order of the pairs. Throws RangeError for a score that is not finite, with the pair. */
export async function screenPairs(request: ScreenRequest): Promise<DisplacementScores[]> {
  const { backend, model, params, pairs, progress = () => {} } = request
  const plan = planBatches(
    pairs.map(({ chosen, rejected }, example) => [{ example, sequences: [chosen, rejected] }]),
    costModel(model),
    planDefaults,
  )
  const executables = new Map<BatchShape, Executable>()
  try {
    const scores: DisplacementScores[] = []
    for (const batch of plan.batches) {
      progress(scores.length, pairs.length)
      let executable = executables.get(batch.shape)
      if (!executable) {
        executable = await backend.compile(displacementProgram(model, batch.shape))
        executables.set(batch.shape, executable)
      }
      scores.push(await scoresOf(backend, executable, params, batch, model.width, scores.length))
    }
    progress(pairs.length, pairs.length)
    return scores
  } finally {
    for (const executable of executables.values()) executable.dispose()
  }
}

async function scoresOf(
  backend: Backend,
  executable: Executable,
  params: DeviceTree,
  { packing, shape, members }: PlannedBatch,
  width: number,
  pair: number,
): Promise<DisplacementScores> {
  const arrays = fill(packing, shape)
  const reads = members.map(({ sequence }, s) =>
    Array.from(sequence.response, (_, l) => arrays.grid.data[s * shape.tokens + l]),
  )
  const last = Array.from({ length: shape.sequences }, (_, s) => reads[s]?.at(-1) ?? 0)
  const out = await valuesOf(backend, executable, {
    params,
    batch: { ...arrays, last: hostTensor(last, [shape.sequences], 'i32') },
  })
  const states = (s: number): ResponseStates => {
    const of = (x: HostArray): ArrayLike<number> => x.slice(s * width, (s + 1) * width)
    const pick = (x: HostArray): number[] => reads[s].map((read) => x[read])
    return {
      ids: members[s].sequence.response,
      sum: of(out.sums),
      last: of(out.last),
      logp: pick(out['stats.logp']),
      piSquared: pick(out['stats.piSquared']),
    }
  }
  try {
    return displacementScores(states(0), states(1))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`pair ${pair}: ${error.message}`, { cause: error })
  }
}

export type ScoreCorrelations = Readonly<Record<keyof DisplacementScores, RankCorrelation>>

/**
 * Spearman's ρ of every score with what then happened to each pair, such as Δlog π(y⁺) after minus before. A score
 * that predicts displacement ranks against it: negative for those where higher means more displacement.
 */
export const correlations = (
  scores: readonly DisplacementScores[],
  outcome: readonly number[],
): ScoreCorrelations =>
  Object.fromEntries(
    DISPLACEMENT_SCORES.map((name) => [
      name,
      spearman(
        scores.map((s) => s[name]),
        outcome,
      ),
    ]),
  ) as Record<keyof DisplacementScores, RankCorrelation>
