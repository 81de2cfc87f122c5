/**
 * RMSprop as torch.optim.RMSprop, which the paper's runs use (α = 0.99, ε = 1e-8; paper.md §4.2):
 * v ← αv + (1−α)g², p ← p − lr·g/(√v + ε). Nine passes a parameter, clipping included.
 */
import { add, div, maximum, mul, sqrt, square, sub } from '@ldyn/tensor'
import { coupledDecay, type DecayOptions } from './decay.ts'
import { chain, product, type Link, type LinkResult, type Optimizer } from './rule.ts'
import { momentum } from './sgd.ts'

export interface RmspropOptions extends DecayOptions {
  readonly alpha?: number
  readonly eps?: number
  readonly momentum?: number
  /** Divide by the standard deviation, √(v − ḡ²), rather than by the root mean square. */
  readonly centered?: boolean
}

/** u ← u/(√v + ε). The scalar of u goes into (1−α)·by², so that g is not scaled before. */
const scaleByRms = ({ alpha = 0.99, eps = 1e-8, centered = false }: RmspropOptions): Link => ({
  slots: centered ? ['square', 'average'] : ['square'],
  update: ({ u, slots }): LinkResult => {
    const by2 = product(product(u.by, u.by), 1 - alpha)
    const v = add(mul(slots.square, alpha), mul(square(u.x), by2))
    if (!centered) return { u: { x: div(u.x, add(sqrt(v), eps)), by: u.by }, slots: { square: v } }
    const average = add(mul(slots.average, alpha), mul(u.x, product(u.by, 1 - alpha)))
    // A variance; rounding may take it below 0 where the gradient is steady, and torch then gives NaN.
    const variance = maximum(sub(v, square(average)), 0)
    return { u: { x: div(u.x, add(sqrt(variance), eps)), by: u.by }, slots: { square: v, average } }
  },
})

export const rmsprop = (options: RmspropOptions = {}): Optimizer =>
  chain('rmsprop', ...coupledDecay(options), scaleByRms(options), ...momentum({ momentum: options.momentum }))
