/**
 * SPPO-hard: (r⁺ − η/2)² + (r⁻ + η/2)², with c₊ = 2(η/2 − r⁺), c₋ = −2(r⁻ + η/2) (paper.md §2.5). y⁻ *is* pushed
 * down, but only to r⁻ = −η/2: the push is bounded, not absent.
 *
 * The paper prints the loss with a minus in front and G = 2(r⁺ − η/2)(π − y⁺) + 2(r⁻ + η/2)(π − y⁻) (eq. 22): the
 * opposite of both true coefficients. `form: 'printed'` is that, for comparison: it climbs the loss (paper.md §1.7).
 * TRL's `sppo_hard` is the true form with η = 1/β.
 */
import { add, mul, neg, square, sub } from '@ldyn/tensor'
import { mustBePositive } from './logistic.ts'
import type { Loss } from './loss.ts'
import { pairLoss } from './pairs.ts'

export interface SppoOptions {
  /** η > 0: the log-ratios that are aimed at are ±η/2. */
  readonly eta: number
  /** 'true' (the default) descends; 'printed' has the signs of the paper's eq. 22, which climb. */
  readonly form?: 'true' | 'printed'
}

/** c₊ and c₋ of one pair. */
export function sppoC(up: number, down: number, { eta, form = 'true' }: SppoOptions): { plus: number; minus: number } {
  const sign = form === 'true' ? 1 : -1
  return { plus: sign * 2 * (eta / 2 - up), minus: sign * -2 * (down + eta / 2) }
}

/** Rewards are r/η (TRL's β·r). Throws RangeError for an η that is not positive. */
export function sppo(options: SppoOptions): Loss {
  const { eta, form = 'true' } = options
  mustBePositive('sppo', { eta })
  return pairLoss({
    name: form === 'true' ? 'sppo' : 'sppo-printed',
    reference: true,
    term: (chosen, rejected) => {
      const squares = add(square(sub(chosen.ratio, eta / 2)), square(add(rejected.ratio, eta / 2)))
      return form === 'true' ? squares : neg(squares)
    },
    c: (chosen, rejected) => {
      const { plus, minus } = sppoC(chosen.ratio, rejected.ratio, options)
      return { chosen: { plus }, rejected: { minus } }
    },
    reward: ({ ratio }) => mul(ratio, 1 / eta),
  })
}
