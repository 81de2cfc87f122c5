/**
 * Where execution providers of ONNX Runtime differ in what their kernels get right.
 *
 * WebGPU (onnxruntime-node 1.30): Softplus is ln(1 + eˣ) in f32, 0 from x = −17 on, and WGSL's log and tanh promise
 * absolute, not relative, errors near 1 and 0. So what is made of log is left to definitions that keep their digits
 * (log1p by its series), and near 0 tanh and expm1 are series. ScatterElements fails on tensors above the 128 MiB that
 * an adapter binds at once.
 */
import type { CompositeName, OpAttrs } from '@ldyn/tensor'
import type { ExecutionProvider } from '../runtime/options.ts'
import { composites, type Composite } from './composites.ts'
import type { Emitter, Ref } from './emitter.ts'
import { primitives, type Lowering } from './primitives.ts'
import type { Spec } from './shapes.ts'

export interface Dialect {
  readonly primitives: typeof primitives
  readonly composites: { readonly [K in CompositeName]: Composite<OpAttrs[K]> }
  /** Bytes of the largest tensor that rows are scattered into at once. */
  readonly scatterBytes: number
}

const cpu: Dialect = { primitives, composites, scatterBytes: Infinity }

/** x·(c₀ + y·(c₁ + y·(c₂ + …))) where |x| < limit, else `far`. */
function nearZero(e: Emitter, x: Ref, y: Ref, terms: readonly number[], limit: number, far: Ref): Ref {
  const out: Spec = { shape: x.shape, dtype: 'f32' }
  const sum = terms
    .map((c) => e.splat(c, out))
    .reduceRight((inner, c) => e.pointwise('Add', [e.pointwise('Mul', [y, inner], out), c], out))
  const near = e.pointwise('Less', [e.pointwise('Abs', [x], out), e.splat(limit, out)], { ...out, dtype: 'bool' })
  return e.pointwise('Where', [near, e.pointwise('Mul', [x, sum], out), far], out)
}

/** 1/n! for n = 1 … 10: eˣ − 1 to f32's rounding for |x| < 1. */
const expm1Terms = Array.from({ length: 10 }, (_, i) => 1 / factorial(i + 1))
function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1)
}

const expm1: Lowering<OpAttrs['expm1']> = (e, [x], _, [out]) => {
  const far = e.pointwise('Sub', [e.pointwise('Exp', [x], out), e.splat(1, out)], out)
  return [nearZero(e, x, x, expm1Terms, 1, far)]
}

/** tanh x = x − x³/3 + 2x⁵/15 − 17x⁷/315 + 62x⁹/2835 − …: to f32's rounding for |x| < 0.3. */
const tanh: Lowering<OpAttrs['tanh']> = (e, [x], _, [out]) => {
  const squared = e.pointwise('Mul', [x, x], out)
  const terms = [1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835]
  return [nearZero(e, x, squared, terms, 0.3, e.pointwise('Tanh', [x], out))]
}

const webgpu: Dialect = {
  primitives: { ...primitives, tanh },
  composites: { ...composites, softplus: 'expand', logSigmoid: 'expand', tokenStats: 'expand', expm1 },
  scatterBytes: 2 ** 27,
}

/** The dialect of a provider; those that were not tried get the CPU's. */
export const dialectOf = (provider: ExecutionProvider): Dialect => (provider === 'webgpu' ? webgpu : cpu)
