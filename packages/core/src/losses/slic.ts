/**
 * SLiC: max(0, δ − βΔ), Δ = s⁺ − s⁻ with s = Σ log π, or r where a reference is used; c± = ±β·1[δ > βΔ]
 * (paper.md §2.5, where β = 1 and there is no reference). At the kink the subgradient is 0. The regulariser
 * λ·(−log π(y_ref)) is the direction 'nll', with y_ref = y⁺.
 *
 * TRL's `hinge` is δ = 1 with its own β and a reference; CPO's `hinge` the same without one.
 */
import { add, maximum, mul, sub } from '@ldyn/tensor'
import { mustBePositive, mustNotBeNegative } from './logistic.ts'
import type { Loss } from './loss.ts'
import { nllC, nllTerm, type NllOptions } from './nll.ts'
import { pairLoss } from './pairs.ts'

export interface SlicOptions {
  /** δ > 0: the margin from which on a pair is left alone. */
  readonly delta: number
  /** β > 0, 1 unless given: scales the difference. */
  readonly beta?: number
  /** Δ is of log π (the default) and not of log π − log π_ref. */
  readonly referenceFree?: boolean
  /** λ of the regulariser on y⁺, 0 unless given, and its reduction. */
  readonly nll?: NllOptions
}

/** c₊ of the rank part for one pair, c₋ = −c₊: β while βΔ < δ, then 0. */
export const slicC = (gap: number, { delta, beta = 1 }: SlicOptions): number => (delta - beta * gap > 0 ? beta : 0)

/** Rewards are β·s. Throws RangeError for options out of range. */
export function slic(options: SlicOptions): Loss {
  const { delta, beta = 1, referenceFree = true, nll = { alpha: 0, reduction: 'sum' } } = options
  mustBePositive('slic', { delta, beta })
  mustNotBeNegative('slic', { lambda: nll.alpha })
  const explicit = nll.alpha > 0
  return pairLoss({
    name: 'slic',
    reference: !referenceFree,
    terms: explicit ? ['nll'] : [],
    term: (chosen, rejected, totals) => {
      // The constant comes first: of equals the derivative goes to the first, so that it is 0 at the kink.
      const rank = maximum(0, sub(delta, mul(sub(chosen.ratio, rejected.ratio), beta)))
      return explicit ? add(rank, nllTerm(nll, chosen, totals)) : rank
    },
    c: (chosen, rejected, totals) => {
      const c = slicC(chosen.ratio - rejected.ratio, options)
      return { chosen: { plus: c }, rejected: { minus: -c }, nll: nllC(nll, chosen, totals) }
    },
    reward: ({ ratio }) => mul(ratio, beta),
  })
}
