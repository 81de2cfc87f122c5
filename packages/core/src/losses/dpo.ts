/**
 * DPO and cDPO: −(1−ε) log σ(βh) − ε log σ(−βh) with h = r⁺ − r⁻, r = Σ log π − Σ log π_ref (paper.md §2.5).
 * ε = 0 is DPO; ε > 0 says that a share ε of the labels is wrong (cDPO).
 */
import { add, logSigmoid, mul, neg, sub } from '@ldyn/tensor'
import { sigma } from './logistic.ts'
import type { Loss } from './loss.ts'
import { pairLoss } from './pairs.ts'

export interface DpoOptions {
  /** β > 0: scales both the step and how fast it saturates. */
  readonly beta: number
  /** ε in [0, ½). */
  readonly labelSmoothing?: number
  /** r = Σ log π: the reference counts as uniform and is not needed. */
  readonly referenceFree?: boolean
}

/** c₊ of one pair, c₋ = −c₊: β[(1−ε)(1−a) − εa], a = σ(βh). */
export const dpoC = (h: number, { beta, labelSmoothing: eps = 0 }: DpoOptions): number =>
  beta * ((1 - eps) * sigma(-beta * h) - eps * sigma(beta * h))

/** Rewards are β·r. Throws RangeError for a β or ε out of range. */
export function dpo(options: DpoOptions): Loss {
  const { beta, labelSmoothing: eps = 0, referenceFree = false } = options
  if (!(beta > 0)) throw new RangeError(`dpo: beta is ${beta}; it must be above 0`)
  if (!(eps >= 0 && eps < 0.5)) throw new RangeError(`dpo: labelSmoothing is ${eps}; it must be in [0, 0.5)`)
  return pairLoss({
    name: 'dpo',
    reference: !referenceFree,
    term: (chosen, rejected) => {
      const x = mul(sub(chosen.ratio, rejected.ratio), beta)
      const right = neg(logSigmoid(x))
      return eps === 0 ? right : add(mul(right, 1 - eps), mul(neg(logSigmoid(neg(x))), eps))
    },
    c: (chosen, rejected) => {
      const c = dpoC(chosen.ratio - rejected.ratio, options)
      return { chosen: { plus: c }, rejected: { minus: -c } }
    },
    reward: ({ ratio }) => mul(ratio, beta),
  })
}
