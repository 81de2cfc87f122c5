/**
 * Which composites have a way of their own here; `expand` leaves a composite to its definition in other ops (norms
 * and gelu would take as many passes over memory either way).
 */
import type { CompositeName, OpAttrs } from '@ldyn/tensor'
import { attention, attentionBackward } from './attention.ts'
import type { Call, Emitter, Value } from './emitter.ts'
import { tokenStats } from './head.ts'
import { overwrite, type Lowering } from './primitives.ts'
import { sizeOf } from './shapes.ts'

type Composite<A> = Lowering<A> | 'expand'

/** One call over the last axis of the value as a matrix, of the same shape. */
function byRows<A>(call: (e: Emitter) => Call): Lowering<A> {
  return (e, [x], _, [out]) => {
    const shape = [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]
    return [e.reshape(e.call([e.full(e.reshape(x, shape))], { ...out, shape }, call(e)), out.shape)]
  }
}

/** i32 [N, 2]: of every row its own number and the column that `idx` gives. */
export function places(e: Emitter, idx: Value): Value {
  const n = sizeOf(idx.shape)
  const spec = { shape: [n, 1], dtype: 'i32' } as const
  const rows = e.constant(spec, Array.from({ length: n }, (_, i) => i))
  const columns = e.full(e.reshape(idx, [n, 1]))
  return e.call([rows, columns], { ...spec, shape: [n, 2] }, (r, c) => e.tf.concat([r, c], 1))
}

/** [..., V] as [N, V]. */
const matrix = (e: Emitter, x: Value): Value =>
  e.full(e.reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]))

export const composites: { readonly [K in CompositeName]: Composite<OpAttrs[K]> } = {
  sigmoid: (e, [x], _, [out]) => [e.pointwise([x], out, e.tf.sigmoid)],
  silu: (e, [x], _, [out]) => [e.pointwise([x, e.pointwise([x], out, e.tf.sigmoid)], out, e.tf.mul)],
  gelu: 'expand',
  softplus: (e, [x], _, [out]) => [e.pointwise([x], out, e.tf.softplus)],
  logSigmoid: (e, [x], _, [out]) => {
    const flipped = e.pointwise([x], out, e.tf.neg)
    return [e.pointwise([e.pointwise([flipped], out, e.tf.softplus)], out, e.tf.neg)]
  },
  expm1: (e, [x], _, [out]) => [e.pointwise([x], out, e.tf.expm1)],
  softmax: byRows(({ tf }) => (x) => tf.softmax(x)),
  logSoftmax: byRows(({ tf, engine: { native } }) => native?.logSoftmax ?? ((x) => tf.logSoftmax(x))),
  logSumExp: 'expand',
  takeAlong: (e, [x, idx], _, [out]) => {
    const flat = { ...out, shape: [sizeOf(out.shape)] }
    const picked = e.call([matrix(e, x), places(e, idx)], flat, (t, at) => e.tf.gatherND(t, at))
    return [e.reshape(picked, out.shape)]
  },
  // Read at the places, add there, and write back: one pass over [N, V], where a sum with scattered zeros takes two.
  addAlong: (e, [x, idx, upd], _, [out]) => {
    const [rows, at] = [matrix(e, x), places(e, idx)]
    const column = { ...out, shape: [sizeOf(idx.shape)] }
    const old = e.call([rows, at], column, (t, i) => e.tf.gatherND(t, i))
    const now = e.full(e.pointwise([old, e.full(e.reshape(upd, column.shape))], column, e.tf.add))
    return [e.reshape(e.call([rows, at, now], rows, overwrite(e)), out.shape)]
  },
  // tfjs-node has no fused product of its own and would add the bias behind the scenes.
  linear: (e, [x, w, b], _, [out]) => {
    const [k, n] = w.shape
    const rows = sizeOf(out.shape.slice(0, -1))
    if (k === 0) return [b ? { ...b, shape: out.shape } : e.splat(0, out)]
    const flat = { ...out, shape: [rows, n] }
    const [left, right] = [e.full(e.reshape(x, [rows, k])), e.full(w)]
    if (!b) return [e.reshape(e.call([left, right], flat, (p, q) => e.tf.matMul(p, q)), out.shape)]
    const bias = e.full(b)
    if (e.engine.native) {
      const product = e.call([left, right], flat, (p, q) => e.tf.matMul(p, q))
      return [e.reshape(e.call([product, bias], flat, (p, q) => e.tf.add(p, q)), out.shape)]
    }
    const fused: Call = (p, q, r) =>
      e.tf.fused.matMul({ a: p, b: q, transposeA: false, transposeB: false, bias: r })
    return [e.reshape(e.call([left, right, bias], flat, fused), out.shape)]
  },
  layerNorm: 'expand',
  rmsNorm: 'expand',
  rope: 'expand',
  attention,
  attentionBackward,
  tokenLogProb: 'expand',
  tokenLogProbBackward: 'expand',
  tokenStats,
  conv2d: 'expand',
  avgPool: 'expand',
}
