/**
 * Which composites become ONNX ops of their own, and how; `expand` leaves a composite to its definition in other
 * ops. Training programs contain few of these: derivatives are written in primitives.
 */
import type { CompositeName, OpAttrs } from '@ldyn/tensor'
import { ref, type Attributes, type Emitter, type Ref } from './emitter.ts'
import type { Lowering } from './primitives.ts'
import type { Spec } from './shapes.ts'
import { attention, rope } from './attention.ts'
import { tokenStats } from './head.ts'

export type Composite<A> = Lowering<A> | 'expand'

/** One ONNX op over whole tensors, of the same shape as its first operand. */
function whole<A>(op: string, attributes: (attrs: A) => Attributes): Lowering<A> {
  return (e, x, attrs, [out]) => [
    ref(
      e.node(
        op,
        x.map((v) => e.full(v)),
        attributes(attrs),
      ),
      out,
    ),
  ]
}

const map = (e: Emitter, op: string, x: Ref, out: Spec): Ref => e.pointwise(op, [x], out)
/** i32 [...] → [..., 1]. */
const column = (e: Emitter, x: Ref): string => e.reshape(e.full(x), x.shape, [...x.shape, 1])

export const composites: { readonly [K in CompositeName]: Composite<OpAttrs[K]> } = {
  sigmoid: (e, [x], _, [out]) => [map(e, 'Sigmoid', x, out)],
  silu: (e, [x], _, [out]) => [e.pointwise('Mul', [x, map(e, 'Sigmoid', x, out)], out)],
  gelu: (e, [x], { form }, [out]) => [
    e.pointwise('Gelu', [x], out, { approximate: form === 'erf' ? 'none' : 'tanh' }),
  ],
  softplus: (e, [x], _, [out]) => [map(e, 'Softplus', x, out)],
  logSigmoid: (e, [x], _, [out]) => [map(e, 'Neg', map(e, 'Softplus', map(e, 'Neg', x, out), out), out)],
  expm1: 'expand',
  softmax: whole('Softmax', () => ({ axis: -1 })),
  logSoftmax: whole('LogSoftmax', () => ({ axis: -1 })),
  // ONNX's ReduceLogSumExp is 8 × slower than LogSoftmax. The largest entry of log π is −ln Σ e^(x − max).
  logSumExp: (e, [x], _, [out]) => {
    const largest = (name: string): string => e.node('ReduceMax', [name, e.list([-1])], { keepdims: 0 })
    const full = e.full(x)
    return [ref(e.node('Sub', [largest(full), largest(e.node('LogSoftmax', [full], { axis: -1 }))]), out)]
  },
  takeAlong: (e, [x, idx], _, [out]) => {
    const picked = e.node('GatherElements', [e.full(x), column(e, idx)], { axis: -1 })
    return [ref(e.reshape(picked, [...idx.shape, 1], idx.shape), out)]
  },
  addAlong: (e, [x, idx, upd], _, [out]) => [
    ref(
      e.node('ScatterElements', [e.full(x), column(e, idx), column(e, upd)], { axis: -1, reduction: 'add' }),
      out,
    ),
  ],
  linear: 'expand',
  layerNorm: whole('LayerNormalization', ({ eps }) => ({ axis: -1, epsilon: { float: eps } })),
  rmsNorm: whole('RMSNormalization', ({ eps }) => ({ axis: -1, epsilon: { float: eps } })),
  rope,
  attention,
  attentionBackward: 'expand',
  tokenLogProb: 'expand',
  tokenLogProbBackward: 'expand',
  tokenStats,
  conv2d: 'expand',
  avgPool: 'expand',
}
