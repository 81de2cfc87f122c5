/**
 * RPO, or DPO + NLL: DPO − α·log π(y⁺)[/|y⁺|], c₊ = β(1−a) + α[/|y⁺|], c₋ = −β(1−a) (paper.md §2.5). α stands on the
 * NLL and not on DPO. Without a reference this is CPO.
 *
 * TRL's `loss_type: [sigmoid, sft]` with weights [1, α] is `reduction: 'token-mean'`; TRL's `rpo_alpha`, until it was
 * taken out, the same.
 */
import { add, logSigmoid, mul, neg, sub } from '@ldyn/tensor'
import { dpoC, type DpoOptions } from './dpo.ts'
import { mustBePositive, mustNotBeNegative } from './logistic.ts'
import type { Loss } from './loss.ts'
import { nllC, nllTerm, type NllOptions } from './nll.ts'
import { pairLoss } from './pairs.ts'

export type RpoOptions = DpoOptions & NllOptions

/** Rewards are β·r. Throws RangeError for options out of range. */
export function rpo(options: RpoOptions): Loss {
  const { beta, alpha, labelSmoothing: eps = 0, referenceFree = false } = options
  mustBePositive('rpo', { beta })
  mustNotBeNegative('rpo', { alpha })
  if (!(eps >= 0 && eps < 0.5)) throw new RangeError(`rpo: labelSmoothing is ${eps}; it must be in [0, 0.5)`)
  return pairLoss({
    name: 'rpo',
    reference: !referenceFree,
    terms: ['nll'],
    term: (chosen, rejected, totals) => {
      const x = mul(sub(chosen.ratio, rejected.ratio), beta)
      const right = neg(logSigmoid(x))
      const dpo = eps === 0 ? right : add(mul(right, 1 - eps), mul(neg(logSigmoid(neg(x))), eps))
      return add(dpo, nllTerm(options, chosen, totals))
    },
    c: (chosen, rejected, totals) => {
      const c = dpoC(chosen.ratio - rejected.ratio, options)
      return { chosen: { plus: c }, rejected: { minus: -c }, nll: nllC(options, chosen, totals) }
    },
    reward: ({ ratio }) => mul(ratio, beta),
  })
}
