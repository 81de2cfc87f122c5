/**
 * IPO: (h − 1/(2β))² with h = r⁺ − r⁻ (paper.md §2.5). 'sum' takes r over the whole response, as the released code;
 * 'mean' divides each r by its response's tokens, as TRL and IPO's authors do. The two need different β.
 */
import { div, maximum, mul, square, sub } from '@ldyn/tensor'
import type { Loss } from './loss.ts'
import { pairLoss } from './pairs.ts'

export interface IpoOptions {
  /** β > 0 (τ in the IPO paper): the margin that is aimed at is 1/(2β). */
  readonly beta: number
  readonly reduction: 'sum' | 'mean'
  /** r = Σ log π: the reference is not needed. */
  readonly referenceFree?: boolean
}

/** −∂/∂h of one pair's loss: 2(1/(2β) − h). With 'sum' this is c₊ = −c₋; with 'mean' each side divides by |y±|. */
export const ipoC = (h: number, { beta }: { readonly beta: number }): number => 2 * (1 / (2 * beta) - h)

/** Rewards are β·r, r summed in either reduction (as TRL). Throws RangeError for a β that is not positive. */
export function ipo({ beta, reduction, referenceFree = false }: IpoOptions): Loss {
  if (!(beta > 0)) throw new RangeError(`ipo: beta is ${beta}; it must be above 0`)
  const tokens = (length: number): number => (reduction === 'sum' ? 1 : Math.max(1, length))
  return pairLoss({
    name: 'ipo',
    reference: !referenceFree,
    term: (chosen, rejected) => {
      const [up, down] = [chosen, rejected].map(({ ratio, length }) =>
        reduction === 'sum' ? ratio : div(ratio, maximum(length, 1)),
      )
      return square(sub(sub(up, down), 1 / (2 * beta)))
    },
    c: (chosen, rejected) => {
      const [n, m] = [tokens(chosen.length), tokens(rejected.length)]
      const slope = ipoC(chosen.ratio / n - rejected.ratio / m, { beta })
      return { chosen: { plus: slope / n }, rejected: { minus: -slope / m } }
    },
    reward: ({ ratio }) => mul(ratio, beta),
  })
}
