// The toy: one softmax over V classes in one context, and updates that pull or push a class (paper.md §2.6, App. E).
// Every number is @ldyn/core's: Lemma 1 for the step, its closed form of DPO for the weight, the notebook's own draws.
// Classes are named by their rank at the start, so that the peak is on the left and the valley on the right.
import {
  argmaxOf,
  dpoC,
  firstOrderSqueeze,
  logSoftmaxOf,
  massReport,
  randomState,
  squeezeStep,
  squeezeThreshold,
  toyCase,
  type MassReport,
  type SqueezeStep,
} from '@ldyn/core'
import type { ToySettings } from './settings.ts'

export interface ToyUpdate {
  readonly stage: 'sft' | 'push'
  /** Factor of the learning rate: DPO's β(1 − a), or 1. */
  readonly weight: number
  readonly steps: readonly SqueezeStep[]
}

export interface Toy {
  /** ‖x‖² of the context: η' = lr·weight·‖x‖². */
  readonly xSquared: number
  /** log p after 0, 1, … updates, SFT first: [V] each. */
  readonly path: readonly Float64Array[]
  /** What update i did, from path[i] to path[i + 1]. */
  readonly updates: readonly ToyUpdate[]
  /** How many of them are SFT, and come first. */
  readonly sft: number
}

/** Spread of the seed's noise around the power law. */
const NOISE = 0.25

/** Logits at the start, largest first, and ‖x‖². */
export const startOf = ({ start, V, peak, seed }: ToySettings): { logits: Float64Array; xSquared: number } => {
  if (start !== 'drawn') {
    const { logits, xSquared } = toyCase(start, start === 'A' || start === 'B' || start === 'D' ? {} : { vocab: V })
    return { logits: logits.slice().sort().reverse(), xSquared }
  }
  const { normal } = randomState(seed)
  const noise = peak > 0 ? NOISE : 0
  const logits = Float64Array.from({ length: V }, (_, r) => -peak * Math.log(r + 1) + noise * normal())
  return { logits: logits.sort().reverse(), xSquared: 1 }
}

/** What the next update does, seen from `now`; `reference` is where the pushing began. */
const updateAt = (
  s: ToySettings,
  xSquared: number,
  i: number,
  now: Float64Array,
  reference: Float64Array,
): ToyUpdate => {
  const eta = s.lr * xSquared
  if (i < s.ext) return { stage: 'sft', weight: 1, steps: [{ y: s.neg, eta }] }
  // A response whose context is another one has not moved here.
  const r = (y: number, there: boolean): number => (there ? now[y] - reference[y] : 0)
  const h = r(s.pos, s.push !== 'neg') - r(s.neg, s.push !== 'pos')
  const weight = s.beta > 0 ? dpoC(h, { beta: s.beta }) : 1
  const pull = s.push === 'neg' ? [] : [{ y: s.pos, eta: eta * weight }]
  const push = s.push === 'pos' ? [] : [{ y: s.neg, eta: -eta * weight }]
  return { stage: 'push', weight, steps: [...push, ...pull] }
}

/** All of it, from the seed. */
export const runToy = (s: ToySettings): Toy => {
  const { logits, xSquared } = startOf(s)
  const path = [logSoftmaxOf(logits)]
  const updates: ToyUpdate[] = []
  for (let i = 0; i < s.ext + s.n; i++) {
    const update = updateAt(s, xSquared, i, path[i], path[Math.min(s.ext, i)])
    updates.push(update)
    path.push(squeezeStep(path[i], ...update.steps).logp)
  }
  return { xSquared, path, updates, sft: s.ext }
}

export interface LastUpdate {
  readonly update: ToyUpdate
  readonly before: Float64Array
  readonly after: Float64Array
  /** By class: Δlog p to first order (−η·A·K·G), and what happened. */
  readonly predicted: Float64Array
  readonly actual: Float64Array
  /** ‖actual − predicted‖₂. */
  readonly residual: number
  /** G of the update's steps, with their weights and signs: Σ ±weight·(π − e_y), [V]. */
  readonly G: Float64Array
  /** p_thr: above it a class rises. Where the update only pushes one class. */
  readonly threshold: number | undefined
}

/** The last update taken apart; undefined before the first. */
export const lastUpdate = ({ path, updates, xSquared }: Toy, lr: number): LastUpdate | undefined => {
  const update = updates.at(-1)
  if (!update) return undefined
  const [before, after] = [path.at(-2)!, path.at(-1)!]
  const actual = after.map((l, i) => l - before[i])
  const predicted = new Float64Array(before.length)
  const G = new Float64Array(before.length)
  for (const { y, eta } of update.steps) {
    const slope = firstOrderSqueeze(before, y)
    for (let i = 0; i < before.length; i++) {
      predicted[i] += eta * slope[i]
      G[i] += (eta / (lr * xSquared)) * (Math.exp(before[i]) - Number(i === y))
    }
  }
  const [only] = update.steps
  const pushes = update.steps.length === 1 && only.eta < 0
  return {
    update,
    before,
    after,
    predicted,
    actual,
    residual: Math.hypot(...actual.map((a, i) => a - predicted[i])),
    G,
    threshold: pushes ? squeezeThreshold(before, only) : undefined,
  }
}

/** The class that the push, or where there is none the pull, is on. */
const aboutOf = (s: ToySettings): number => (s.push === 'pos' ? s.pos : s.neg)

/** What the updates behind SFT moved; undefined before the first. */
export const movedBy = (toy: Toy, s: ToySettings): MassReport | undefined =>
  s.n === 0 ? undefined : massReport(toy.path[toy.sft], toy.path.at(-1)!, aboutOf(s))

export interface Followed {
  readonly key: string
  readonly label: string
  readonly y: number
}

/** Classes that are worth following: the likeliest when the pushing began, y⁺, y⁻, and some in between. */
export const followed = (toy: Toy, s: ToySettings): readonly Followed[] => {
  const from = toy.path[toy.sft]
  const top = argmaxOf(from)
  const named = [
    { key: 'argmax', label: 'likeliest', y: top },
    { key: 'chosen', label: 'y⁺', y: s.pos },
    { key: 'rejected', label: 'y⁻', y: s.neg },
  ].filter(({ y }, i, all) => all.findLastIndex(one => one.y === y) === i)
  const own = new Set(named.map(({ y }) => y))
  const rest = Array.from(from.keys())
    .filter(y => !own.has(y))
    .sort((a, b) => from[b] - from[a])
  const others = [...new Set([0, Math.floor(rest.length / 4), rest.length - 1].map(i => rest[i]))]
  return [...named, ...others.map(y => ({ key: `class ${y}`, label: `class ${y}`, y }))]
}
