/**
 * Weight decay: coupled, g ← g + λp before the rule (torch's SGD, RMSprop, Adam), or decoupled, p ← (1 − lr·λ)p
 * (AdamW). Which parameters it is for is a `Decay`; torch's own default is all of them.
 */
import { add, mul } from '@ldyn/tensor'
import { DECAY, scaled, type Decay, type Link } from './rule.ts'

export interface DecayOptions {
  /** λ ≥ 0. */
  readonly weightDecay?: number
  /** All parameters unless given. */
  readonly decay?: Decay
}

/**
 * Hugging Face's grouping, which TRL's trainers use: no decay on biases and norms. These are the parameters of
 * rank below 2; matrices decay, embeddings among them (`Trainer.get_decay_parameter_names`).
 */
export const hfDecay: Decay = (_, { shape }) => shape.length >= 2

const everything: Decay = () => true

/** The link for λ = 0 is none at all. */
const decaying = (weightDecay: number, link: Link): readonly Link[] => {
  if (!(weightDecay >= 0)) throw new RangeError(`weightDecay is ${weightDecay}; it must be 0 or above`)
  return weightDecay === 0 ? [] : [link]
}

/** u ← u + λp. */
export const coupledDecay = ({ weightDecay = 0, decay = everything }: DecayOptions): readonly Link[] =>
  decaying(weightDecay, {
    slots: [],
    update: ({ path, p, u }) => ({
      u: decay(path, p) ? { x: add(scaled(u), mul(p, weightDecay)), by: 1 } : u,
    }),
    split: (parts, { path, p }) => ({
      parts: decay(path, p) ? { ...parts, [DECAY]: { x: p, by: weightDecay } } : parts,
    }),
  })

/** p ← (1 − lr·λ)p beside the rule's own step. */
export const decoupledDecay = ({ weightDecay = 0, decay = everything }: DecayOptions): readonly Link[] =>
  decaying(weightDecay, {
    slots: [],
    hyper: (_, lr) => ({ keep: 1 - lr * weightDecay }),
    update: ({ path, p, u, hyper }) => ({ u, keep: decay(path, p) ? hyper.keep : undefined }),
    split: (parts, { path, p, hyper }) => ({ parts, keep: decay(path, p) ? hyper.keep : undefined }),
  })
