/**
 * Cal-DPO in the form of its code: −log σ(h) + ½(r⁺ − 1/2β)² + ½(r⁻ + 1/2β)², c₊ = (1−σ(h)) − (r⁺ − 1/2β),
 * c₋ = −(1−σ(h)) − (r⁻ + 1/2β) (paper.md §2.5). The squares, the direction 'calibration', hold both log-ratios at
 * ±1/2β; β is in no other place, so a small one sets a far target (β = 0.1: ±5; β = 0.001: ±500, which diverges).
 */
import { add, logSigmoid, mul, neg, square, sub } from '@ldyn/tensor'
import { mustBePositive, sigma } from './logistic.ts'
import type { Loss } from './loss.ts'
import { pairLoss } from './pairs.ts'

export interface CalDpoOptions {
  /** β > 0: the log-ratios that are aimed at are ±1/(2β). */
  readonly beta: number
}

/** Rewards are β·r. Throws RangeError for a β that is not positive. */
export function calDpo({ beta }: CalDpoOptions): Loss {
  mustBePositive('cal-dpo', { beta })
  const target = 1 / (2 * beta)
  return pairLoss({
    name: 'cal-dpo',
    reference: true,
    terms: ['calibration'],
    term: (chosen, rejected) => {
      const compare = neg(logSigmoid(sub(chosen.ratio, rejected.ratio)))
      const squares = add(square(sub(chosen.ratio, target)), square(add(rejected.ratio, target)))
      return add(compare, mul(squares, 0.5))
    },
    c: (chosen, rejected) => {
      const c = sigma(rejected.ratio - chosen.ratio)
      return {
        chosen: { plus: c },
        rejected: { minus: -c },
        calibration: { plus: target - chosen.ratio, minus: -(rejected.ratio + target) },
      }
    },
    reward: ({ ratio }) => mul(ratio, beta),
  })
}
