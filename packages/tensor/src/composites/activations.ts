/**
 * Smooth pointwise composites: sigmoid, silu, gelu, softplus, logSigmoid, expm1.
 *
 * Everything is built on tanh where that avoids overflow or cancellation: σ(x) = ½(1 + tanh(x/2)) never
 * overflows, and expm1(x) = 2t/(1 − t) with t = tanh(x/2) keeps its digits near 0 as long as tanh does.
 */
import type { Tensor } from '../graph.ts'
import type { OpAttrs } from '../ops/attrs.ts'
import { emit, needFloat, type Op, type Ops } from '../ops/op.ts'
import {
  add, div, erf, exp, less, log, maximum, minimum, mul, neg, select, square, sub, tanh,
} from '../ops/pointwise.ts'

type Name = 'sigmoid' | 'silu' | 'softplus' | 'logSigmoid' | 'expm1' | 'gelu'

/** A composite f with its derivative f′, each a function of x (and y = f(x)). */
function smooth<A extends OpAttrs[Name]>(
  doc: string,
  f: (x: Tensor, attrs: A) => Tensor,
  slope: (x: Tensor, y: Tensor, attrs: A) => Tensor,
): Op<A> {
  return {
    doc,
    infer: (s) => {
      needFloat(s)
      return [s[0]]
    },
    expand: ([x], attrs) => [f(x, attrs)],
    jvp: ({ x, y, t, attrs }) => [mul(t[0]!, slope(x[0], y[0], attrs))],
    vjp: ({ x, y, g, attrs }) => [mul(g[0]!, slope(x[0], y[0], attrs))],
  }
}

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
/** The inner argument of the tanh form: √(2/π)·(x + 0.044715·x³). */
const geluInner = (x: Tensor): Tensor => mul(mul(x, add(mul(square(x), 0.044715), 1)), SQRT_2_OVER_PI)

/**
 * ln(1 + u) for u ≥ 0 with u's own relative precision: 2·artanh(w), w = u/(2 + u), by its series below ¼,
 * where
 * 1 + u would round u's digits away. (w² ≤ 1/81, so nine terms reach f64's rounding.)
 */
export function log1p(u: Tensor): Tensor {
  const small = minimum(u, 0.25)
  const w = div(small, add(small, 2))
  const w2 = square(w)
  let series = add(mul(w2, 1 / 17), 1 / 15)
  for (let n = 13; n > 0; n -= 2) series = add(mul(w2, series), 1 / n)
  return select(less(u, 0.25), mul(mul(w, series), 2), log(add(u, 1)))
}

export const activations: Ops<Name> = {
  sigmoid: smooth(
    'σ(x) = 1/(1 + e^(−x)).',
    (x) => mul(add(tanh(mul(x, 0.5)), 1), 0.5),
    (_, y) => mul(y, sub(1, y)),
  ),
  silu: smooth(
    'x·σ(x). f′ = σ + y(1 − σ).',
    (x) => mul(x, sigmoid(x)),
    (x, y) => {
      const s = sigmoid(x)
      return add(s, mul(y, sub(1, s)))
    },
  ),
  gelu: smooth(
    'x·Φ(x); form `erf` exact (GPT-NeoX), `tanh` the usual approximation (GPT-2).',
    (x, { form }) =>
      mul(mul(x, 0.5), add(form === 'erf' ? erf(mul(x, Math.SQRT1_2)) : tanh(geluInner(x)), 1)),
    (x, _, { form }) => {
      if (form === 'erf') {
        const cdf = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5)
        return add(cdf, mul(x, mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))))
      }
      const th = tanh(geluInner(x))
      const inner = mul(add(mul(square(x), 3 * 0.044715), 1), SQRT_2_OVER_PI)
      return add(mul(add(th, 1), 0.5), mul(mul(mul(x, 0.5), sub(1, square(th))), inner))
    },
  ),
  softplus: smooth(
    'ln(1 + eˣ) = max(x, 0) + ln(1 + e^(−|x|)). f′ = σ(x).',
    (x) => add(maximum(x, 0), log1p(exp(neg(maximum(x, neg(x)))))),
    (x) => sigmoid(x),
  ),
  logSigmoid: smooth(
    'ln σ(x) = −softplus(−x). f′ = σ(−x).',
    (x) => neg(softplus(neg(x))),
    (x) => sigmoid(neg(x)),
  ),
  expm1: smooth(
    'eˣ − 1 without cancellation near 0: for |x| < 1 from tanh(x/2), else by exp. f′ = eˣ.',
    (x) => {
      const t = tanh(mul(maximum(minimum(x, 1), -1), 0.5))
      const near = div(mul(t, 2), sub(1, t))
      return selectNear(x, near, sub(exp(x), 1))
    },
    (x) => exp(x),
  ),
}

const selectNear = (x: Tensor, near: Tensor, far: Tensor): Tensor =>
  select(less(maximum(x, neg(x)), 1), near, far)

export const sigmoid = (x: Tensor): Tensor => emit('sigmoid', activations.sigmoid, [x], {})[0]
export const silu = (x: Tensor): Tensor => emit('silu', activations.silu, [x], {})[0]
export const gelu = (x: Tensor, form: 'erf' | 'tanh'): Tensor =>
  emit('gelu', activations.gelu, [x], { form })[0]
export const softplus = (x: Tensor): Tensor => emit('softplus', activations.softplus, [x], {})[0]
export const logSigmoid = (x: Tensor): Tensor => emit('logSigmoid', activations.logSigmoid, [x], {})[0]
export const expm1 = (x: Tensor): Tensor => emit('expm1', activations.expm1, [x], {})[0]
