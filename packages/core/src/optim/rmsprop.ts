/**
 * RMSprop as torch.optim.RMSprop, which the paper's runs use (α = 0.99, ε = 1e-8; paper.md §4.2):
 * v ← αv + (1−α)g², p ← p − lr·g/(√v + ε). Nine passes a parameter, clipping included.
 */
import { add, div, maximum, mul, sqrt, square, sub, type Tensor } from '@ldyn/tensor'
import { coupledDecay, type DecayOptions } from './decay.ts'
import { chain, eachPart, product, type Link, type LinkResult, type Optimizer } from './rule.ts'
import { momentum } from './sgd.ts'

export interface RmspropOptions extends DecayOptions {
  readonly alpha?: number
  readonly eps?: number
  readonly momentum?: number
  /** Divide by the standard deviation, √(v − ḡ²), rather than by the root mean square. */
  readonly centered?: boolean
}

/** √v, or centered the standard deviation; rounding may take a variance below 0 where torch then gives NaN. */
const root = (slots: Readonly<Record<string, Tensor>>, centered = false): Tensor =>
  sqrt(centered ? maximum(sub(slots.square, square(slots.average)), 0) : slots.square)

/** u ← u/(√v + ε). The scalar of u goes into (1−α)·by², so that g is not scaled before. */
const scaleByRms = ({ alpha = 0.99, eps = 1e-8, centered = false }: RmspropOptions): Link => ({
  slots: centered ? ['square', 'average'] : ['square'],
  update: ({ u, slots }): LinkResult => {
    const by2 = product(product(u.by, u.by), 1 - alpha)
    const v = add(mul(slots.square, alpha), mul(square(u.x), by2))
    if (!centered)
      return { u: { x: div(u.x, add(root({ square: v }), eps)), by: u.by }, slots: { square: v } }
    const average = add(mul(slots.average, alpha), mul(u.x, product(u.by, 1 - alpha)))
    return {
      u: { x: div(u.x, add(root({ square: v, average }, centered), eps)), by: u.by },
      slots: { square: v, average },
    }
  },
  split: (parts, { next }) => {
    const below = add(root(next, centered), eps)
    return { parts: eachPart(parts, (u) => ({ x: div(u.x, below), by: u.by })) }
  },
})

export const rmsprop = (options: RmspropOptions = {}): Optimizer =>
  chain('rmsprop', ...coupledDecay(options), scaleByRms(options), ...momentum({ momentum: options.momentum }))
