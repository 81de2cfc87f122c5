/**
 * The softmax family over the last axis, and reading or adding at one index of it (`takeAlong`, `addAlong`).
 * The maximum that keeps exp in range is a constant to the derivatives, since the result does not depend on
 * it.
 */
import type { Tensor } from '../graph.ts'
import { sameShape, type Spec } from '../spec.ts'
import { emit, need, needFloat, type Ops } from '../ops/op.ts'
import { broadcast, reshape, zerosLike } from '../ops/movement.ts'
import { add, div, equal, exp, log, mul, select, sub } from '../ops/pointwise.ts'
import { max, sum } from '../ops/reductions.ts'
import { iota, stopGradient } from '../ops/structure.ts'

/** [...] → [..., 1]. */
const column = (x: Tensor): Tensor => reshape(x, [...x.shape, 1])
const shifted = (x: Tensor): Tensor => sub(x, stopGradient(max(x, -1, true)))
/** One where the last axis' position is the index: bool [..., V]. */
const hits = (x: Tensor, idx: Tensor): Tensor => equal(iota(x.shape, -1), broadcast(column(idx), x.shape))

/** At least one element along the last axis. */
const needRow = ({ shape }: Spec): void => {
  need(shape.length > 0, 'needs a last axis, a scalar has none')
  need(shape.at(-1)! > 0, 'the last axis is empty')
}

export const softmaxFamily: Ops<'softmax' | 'logSoftmax' | 'logSumExp' | 'takeAlong' | 'addAlong'> = {
  softmax: {
    doc: 'π = eˣ / Σeˣ over the last axis. ẏ = π∘(ẋ − ⟨π, ẋ⟩), the same for the vjp.',
    infer: (s) => {
      needFloat(s)
      needRow(s[0])
      return [s[0]]
    },
    expand: ([x]) => {
      const e = exp(shifted(x))
      return [div(e, sum(e, -1, true))]
    },
    jvp: ({ y: [y], t }) => [centred(y, t[0]!)],
    vjp: ({ y: [y], g }) => [centred(y, g[0]!)],
  },
  logSoftmax: {
    doc: 'x − ln Σeˣ over the last axis. ẏ = ẋ − ⟨π, ẋ⟩ (this is A·ẋ of Prop. 1); x̄ = ȳ − π Σȳ.',
    infer: (s) => {
      needFloat(s)
      needRow(s[0])
      return [s[0]]
    },
    expand: ([x]) => {
      const z = shifted(x)
      return [sub(z, log(sum(exp(z), -1, true)))]
    },
    jvp: ({ y: [y], t }) => [sub(t[0]!, sum(mul(exp(y), t[0]!), -1, true))],
    vjp: ({ y: [y], g }) => [sub(g[0]!, mul(exp(y), sum(g[0]!, -1, true)))],
  },
  logSumExp: {
    doc: 'ln Σeˣ over the last axis, which is dropped.',
    infer: (s) => {
      needFloat(s)
      needRow(s[0])
      return [{ shape: s[0].shape.slice(0, -1), dtype: 'f32' }]
    },
    expand: ([x]) => [add(log(sum(exp(shifted(x)), -1)), stopGradient(max(x, -1)))],
    jvp: ({ x: [x], t }) => [sum(mul(softmax(x), t[0]!), -1)],
    vjp: ({ x: [x], g }) => [mul(softmax(x), column(g[0]!))],
  },
  takeAlong: {
    doc: 'x[…, idx[…]]: f32 [..., V], i32 [...] → [...].',
    infer: ([x, idx]) => {
      needFloat([x])
      needRow(x)
      need(
        idx.dtype === 'i32' && sameShape(idx.shape, x.shape.slice(0, -1)),
        `indices must be i32[${x.shape.slice(0, -1).join(',')}]`,
      )
      return [{ shape: idx.shape, dtype: 'f32' }]
    },
    expand: ([x, idx]) => [sum(select(hits(x, idx), x, 0), -1)],
    jvp: ({ x, t }) => [t[0] && takeAlong(t[0], x[1])],
    vjp: ({ x, g }) => [addAlong(zerosLike(x[0]), x[1], g[0]!), undefined],
  },
  addAlong: {
    doc: 'x with upd[…] added at […, idx[…]]: f32 [..., V], i32 [...], f32 [...] → [..., V].',
    infer: ([x, idx, upd]) => {
      needFloat([x, upd])
      needRow(x)
      need(
        idx.dtype === 'i32' && sameShape(idx.shape, x.shape.slice(0, -1)) && sameShape(idx.shape, upd.shape),
        `indices and updates must have shape [${x.shape.slice(0, -1).join(',')}]`,
      )
      return [x]
    },
    expand: ([x, idx, upd]) => [select(hits(x, idx), add(x, column(upd)), x)],
    jvp: ({ x, t }) => [t[2] ? addAlong(t[0] ?? zerosLike(x[0]), x[1], t[2]) : t[0]],
    vjp: ({ x, g }) => [g[0], undefined, takeAlong(g[0]!, x[1])],
  },
}

/** π∘(v − ⟨π, v⟩). */
const centred = (y: Tensor, v: Tensor): Tensor => mul(y, sub(v, sum(mul(y, v), -1, true)))

export const softmax = (x: Tensor): Tensor => emit('softmax', softmaxFamily.softmax, [x], {})[0]
export const logSoftmax = (x: Tensor): Tensor => emit('logSoftmax', softmaxFamily.logSoftmax, [x], {})[0]
export const logSumExp = (x: Tensor): Tensor => emit('logSumExp', softmaxFamily.logSumExp, [x], {})[0]
export const takeAlong = (x: Tensor, idx: Tensor): Tensor =>
  emit('takeAlong', softmaxFamily.takeAlong, [x, idx], {})[0]
export const addAlong = (x: Tensor, idx: Tensor, upd: Tensor): Tensor =>
  emit('addAlong', softmaxFamily.addAlong, [x, idx, upd], {})[0]
