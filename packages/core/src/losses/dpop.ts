/**
 * DPOP (Smaug): −log σ(β[h − λ·max(0, −r⁺)]), c₊ = β(1−a)(1 + λ·1[r⁺ < 0]), c₋ = −β(1−a), a = σ of
 * the loss's own argument (paper.md §2.5). While y⁺ is below the reference it is pulled 1 + λ times as hard: the
 * direction 'penalty' is the λ. At r⁺ = 0 the subgradient is 0.
 */
import { logSigmoid, maximum, mul, neg, sub } from '@ldyn/tensor'
import { dpoC } from './dpo.ts'
import { mustBePositive, mustNotBeNegative } from './logistic.ts'
import type { Loss } from './loss.ts'
import { pairLoss } from './pairs.ts'

export interface DpopOptions {
  /** β > 0. */
  readonly beta: number
  /** λ ≥ 0, inside of β as in the paper. */
  readonly lambda: number
}

/** β(1 − a) of one pair. */
export const dpopC = (up: number, down: number, { beta, lambda }: DpopOptions): number =>
  dpoC(up - down - lambda * Math.max(0, -up), { beta })

/** Rewards are β·r. Throws RangeError for options out of range. */
export function dpop(options: DpopOptions): Loss {
  const { beta, lambda } = options
  mustBePositive('dpop', { beta })
  mustNotBeNegative('dpop', { lambda })
  return pairLoss({
    name: 'dpop',
    reference: true,
    terms: ['penalty'],
    term: (chosen, rejected) => {
      // The constant comes first: of equals the derivative goes to the first.
      const below = maximum(0, neg(chosen.ratio))
      const gap = sub(sub(chosen.ratio, rejected.ratio), mul(below, lambda))
      return neg(logSigmoid(mul(gap, beta)))
    },
    c: (chosen, rejected) => {
      const c = dpopC(chosen.ratio, rejected.ratio, options)
      return { chosen: { plus: c }, rejected: { minus: -c }, penalty: { plus: chosen.ratio < 0 ? c * lambda : 0 } }
    },
    reward: ({ ratio }) => mul(ratio, beta),
  })
}
