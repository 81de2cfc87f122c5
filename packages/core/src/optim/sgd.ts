/** Stochastic gradient descent with torch.optim.SGD's momentum, dampening and Nesterov form. */
import { add, mul } from '@ldyn/tensor'
import { coupledDecay, type DecayOptions } from './decay.ts'
import { CARRY_OVER, chain, eachPart, product, scaled, type Link, type Optimizer } from './rule.ts'

export interface MomentumOptions {
  /** μ in [0, 1). */
  readonly momentum?: number
  readonly dampening?: number
  readonly nesterov?: boolean
}

/**
 * b ← μb + (1 − dampening)u and u ← b, or with Nesterov u ← u + μb. As in torch the first step takes b = u,
 * undampened. None at all for μ = 0.
 */
export function momentum({
  momentum: mu = 0,
  dampening = 0,
  nesterov = false,
}: MomentumOptions): readonly Link[] {
  if (nesterov && (mu === 0 || dampening !== 0))
    throw new RangeError('sgd: nesterov needs a momentum and no dampening')
  if (mu === 0) return []
  return [
    {
      slots: ['momentum'],
      hyper: dampening === 0 ? undefined : (step) => ({ undamped: step === 0 ? 1 : 1 - dampening }),
      update: ({ u, slots, hyper }) => {
        const fresh = { x: u.x, by: product(u.by, hyper.undamped ?? 1) }
        const b = add(mul(slots.momentum, mu), scaled(fresh))
        return { u: { x: nesterov ? add(scaled(u), mul(b, mu)) : b, by: 1 }, slots: { momentum: b } }
      },
      // A part g enters b as damp·g; with Nesterov u is g + μb. Both are the part times a scalar.
      split: (parts, { slots, hyper }) => {
        const share = nesterov ? 1 + mu : hyper.undamped ?? 1
        return {
          parts: {
            ...eachPart(parts, (u) => ({ x: u.x, by: product(u.by, share) })),
            [CARRY_OVER]: { x: slots.momentum, by: nesterov ? mu * mu : mu },
          },
        }
      },
    },
  ]
}

export interface SgdOptions extends MomentumOptions, DecayOptions {}

/** p ← p − lr·u: two passes, five with momentum. */
export const sgd = (options: SgdOptions = {}): Optimizer =>
  chain('sgd', ...coupledDecay(options), ...momentum(options))
