/**
 * The toy of the paper's App. E, step by step (core's squeeze/cases.ts): one softmax, a few classes pulled or pushed,
 * and after every update where the mass went. Exact: Lemma 1 is the whole computation.
 */
import {
  argmaxOf,
  firstOrderThreshold,
  massByRank,
  massReport,
  NOTEBOOK_SEED,
  squeezeThreshold,
  toyCase,
  trajectory,
  type CaseName,
  type MassReport,
  type ToyCase,
} from '@ldyn/core'
import { metricsOfClass } from './distribution.ts'
import type { Frame, Simulation, Watched } from './record.ts'

export interface SqueezeRequest {
  readonly case: CaseName
  readonly steps: number
  readonly seed?: number
  readonly vocab?: number
  readonly features?: number
  readonly lr?: number
}

export interface SqueezeResult {
  readonly toy: ToyCase
  /** From the start to after the first step, and to the end. */
  readonly first: MassReport
  readonly whole: MassReport
  /** Of the first step's push: p_thr, exact and to first order; absent where the case only pulls. */
  readonly threshold?: { readonly exact: number; readonly firstOrder: number }
  readonly simulation: Simulation
}

/** Types of watched classes: pulled, pushed, the largest other one before the first step, and the rest. */
const TYPES = ['chosen', 'rejected', 'greedy', 'others'] as const

/** Throws RangeError for sizes that do not hold the case. */
export function simulateSqueeze(request: SqueezeRequest): SqueezeResult {
  const { case: name, steps, seed = NOTEBOOK_SEED } = request
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new RangeError(`sim squeeze: ${steps} steps; at least 1 is needed`)
  const toy = toyCase(name, request)
  const path = trajectory(toy, steps)
  const vocab = toy.logits.length
  const [about] = toy.steps
  const greedy = argmaxOf(path[0], about.y)
  const typeOf = (i: number): (typeof TYPES)[number] => {
    const own = toy.steps.find(({ y }) => y === i)
    if (own) return own.eta > 0 ? 'chosen' : 'rejected'
    return i === greedy ? 'greedy' : 'others'
  }
  const watched: Watched[] = Array.from({ length: vocab }, (_, y) => ({ row: y, type: typeOf(y), context: 0, y }))
  const types = TYPES.filter((type) => watched.some((w) => w.type === type))
  const push = toy.steps.find(({ eta }) => eta < 0)
  const stage = push ? 'push' : 'pull'
  const frames = path.map((logp, s): Frame => {
    const bands = massByRank(logp)
    const scalars = {
      loss: -logp[about.y],
      learning_rate: toy.lr,
      ...Object.fromEntries(Object.entries(bands).map(([band, p]) => [`mass/${band}`, p])),
      ...(push ? { threshold: squeezeThreshold(logp, push) } : {}),
    }
    return {
      step: s,
      stage,
      ...(s === 0 ? {} : { scalars }),
      values: watched.map(({ y }) => metricsOfClass(logp, y)),
    }
  })
  return {
    toy,
    first: massReport(path[0], path[1], about.y),
    whole: massReport(path[0], path[steps], about.y),
    ...(push
      ? {
          threshold: { exact: squeezeThreshold(path[0], push), firstOrder: firstOrderThreshold(path[0], push.y) },
        }
      : {}),
    simulation: {
      kind: `squeeze, case ${name}`,
      params: vocab * (request.features ?? (name === 'E' ? 50 : 4)),
      config: { sim: 'squeeze', case: name, steps, seed, vocab, lr: toy.lr, xSquared: toy.xSquared },
      seed,
      stages: [{ name: stage, loss: stage === 'pull' ? 'sft' : 'push', updates: steps }],
      rows: watched.map(({ y }) => `class ${y}`),
      types,
      watched,
      frames,
    },
  }
}
