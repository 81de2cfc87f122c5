/**
 * Supervised finetuning: −log π(y). Every sequence of the batch is a target; which responses are targets (y⁺; y⁺ and
 * y⁻ for `extend`) is decided where batches are made. paper.md §2.5 (c = 1 on every token), §4.2.
 *
 * The two reductions differ by a factor of the mean length, so learning rates do not carry over (paper.md §10 D).
 */
import { neg, sum } from '@ldyn/tensor'
import { lengths, present, sequenceSums, weightedMean, type Loss } from './loss.ts'

export interface SftOptions {
  /** 'sum': summed per sequence, mean over sequences (the released code). 'token-mean': Σ NLL / Σ tokens (TRL). */
  readonly reduction: 'sum' | 'token-mean'
}

/** Metrics: `logps/target`, mean over sequences of Σ log π, in nats. */
export const sft = ({ reduction }: SftOptions): Loss => ({
  name: 'sft',
  needs: { reference: false, pairs: false },
  total: ({ logp, mask }) => neg(sum(sequenceSums(logp, mask))),
  count: ({ mask }) => sum(reduction === 'sum' ? present(lengths(mask)) : mask),
  metrics: ({ logp, mask }) => ({
    'logps/target': weightedMean(sequenceSums(logp, mask), present(lengths(mask))),
  }),
  c: ({ mask }) => mask.map((row) => [...row]),
  terms: ['target'],
  directions: ({ mask }) => ({ target: mask.map((row) => [...row]) }),
})
