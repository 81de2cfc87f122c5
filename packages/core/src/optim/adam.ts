/**
 * Adam and AdamW as torch.optim: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², and with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)
 * p ← p − lr·m̂/(√v̂ + ε). The corrections are moved into scalars, m̂/(√v̂ + ε) = c·m/(√v + ε√(1−β₂ᵗ)) with
 * c = √(1−β₂ᵗ)/(1−β₁ᵗ), which leaves twelve passes a parameter; AdamW's decay is a thirteenth.
 */
import { add, div, mul, sqrt, square, type Operand, type Tensor } from '@ldyn/tensor'
import { coupledDecay, decoupledDecay, type DecayOptions } from './decay.ts'
import { CARRY_OVER, chain, eachPart, product, type Link, type Optimizer, type Scaled } from './rule.ts'

export interface AdamOptions extends DecayOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly eps?: number
}

const scaleByAdam = ({ beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }: AdamOptions): Link => ({
  slots: ['m', 'v'],
  hyper: (step) => {
    const root = Math.sqrt(1 - beta2 ** (step + 1))
    return { correction: root / (1 - beta1 ** (step + 1)), eps: eps * root }
  },
  update: ({ u, slots, hyper }) => {
    const m = add(mul(slots.m, beta1), mul(u.x, product(u.by, 1 - beta1)))
    const v = add(mul(slots.v, beta2), mul(square(u.x), product(product(u.by, u.by), 1 - beta2)))
    return { u: { x: div(m, add(sqrt(v), hyper.eps)), by: hyper.correction }, slots: { m, v } }
  },
  split: (parts, { slots, next, hyper }) => {
    const root = add(sqrt(next.v), hyper.eps)
    const through = (x: Tensor, by: Operand): Scaled => ({
      x: div(x, root),
      by: product(by, hyper.correction),
    })
    return {
      parts: {
        ...eachPart(parts, (u) => through(u.x, product(u.by, 1 - beta1))),
        [CARRY_OVER]: through(slots.m, beta1),
      },
    }
  },
})

/** Weight decay is added to the gradient. */
export const adam = (options: AdamOptions = {}): Optimizer =>
  chain('adam', ...coupledDecay(options), scaleByAdam(options))

/** Weight decay shrinks the parameter instead; 0.01 unless given, as in torch (Hugging Face's trainers pass 0). */
export const adamw = ({ weightDecay = 0.01, ...rest }: AdamOptions = {}): Optimizer =>
  chain('adamw', ...decoupledDecay({ weightDecay, decay: rest.decay }), scaleByAdam(rest))
