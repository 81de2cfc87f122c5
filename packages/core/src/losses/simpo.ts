/**
 * SimPO: −log σ(β(ℓ̄⁺ − ℓ̄⁻) − γ), ℓ̄ the mean log π of a token; no reference. c± = ±(β/|y±|)(1 − σ) (paper.md §2.5,
 * ρ = γ/β). With ε > 0 labels are smoothed as in cDPO; α adds CPO's −log π(y⁺) ("CPO-SimPO").
 *
 * TRL's parameters are the same: `simpo_gamma` = γ, `cpo_alpha` = α (1 there unless set, 0 here), its NLL a token-mean.
 */
import { add, div, logSigmoid, maximum, mul, neg, sub, type Tensor } from '@ldyn/tensor'
import { dpoC } from './dpo.ts'
import { mustBePositive, mustNotBeNegative } from './logistic.ts'
import type { Loss } from './loss.ts'
import { nllC, nllTerm, type NllOptions } from './nll.ts'
import { pairLoss, type Scores } from './pairs.ts'

export interface SimpoOptions {
  /** β > 0: of the order of 2, since it multiplies means and not sums. */
  readonly beta: number
  /** γ ≥ 0: the margin, in units of β·ℓ̄. */
  readonly gamma: number
  /** ε in [0, ½). */
  readonly labelSmoothing?: number
  /** CPO's term; none unless given. */
  readonly nll?: NllOptions
}

/** c₊·|y⁺| of one pair, = −c₋·|y⁻|, from the difference of the mean log-probs. */
export const simpoC = (gap: number, { beta, gamma, labelSmoothing }: SimpoOptions): number =>
  dpoC(gap - gamma / beta, { beta, labelSmoothing })

const meanOf = ({ logp, length }: Scores<Tensor>): Tensor => div(logp, maximum(length, 1))

/** Rewards are β·ℓ̄, without the margin (as TRL). Throws RangeError for options out of range. */
export function simpo(options: SimpoOptions): Loss {
  const { beta, gamma, labelSmoothing: eps = 0, nll = { alpha: 0, reduction: 'mean' } } = options
  mustBePositive('simpo', { beta })
  mustNotBeNegative('simpo', { gamma, alpha: nll.alpha })
  if (!(eps >= 0 && eps < 0.5)) throw new RangeError(`simpo: labelSmoothing is ${eps}; it must be in [0, 0.5)`)
  const explicit = nll.alpha > 0
  return pairLoss({
    name: 'simpo',
    reference: false,
    terms: explicit ? ['nll'] : [],
    term: (chosen, rejected, totals) => {
      const x = sub(mul(sub(meanOf(chosen), meanOf(rejected)), beta), gamma)
      const right = neg(logSigmoid(x))
      const loss = eps === 0 ? right : add(mul(right, 1 - eps), mul(neg(logSigmoid(neg(x))), eps))
      return explicit ? add(loss, nllTerm(nll, chosen, totals)) : loss
    },
    c: (chosen, rejected, totals) => {
      const [n, m] = [Math.max(1, chosen.length), Math.max(1, rejected.length)]
      const c = simpoC(chosen.logp / n - rejected.logp / m, options)
      return { chosen: { plus: c / n }, rejected: { minus: -c / m }, nll: nllC(nll, chosen, totals) }
    },
    reward: (scores) => mul(meanOf(scores), beta),
  })
}
