/** Ops that make fewer values of many: sum, max, argmax, topK. */
import { ShapeError } from '../errors.ts'
import { currentGraph, type Tensor } from '../graph.ts'
import { sizeOf, stridesOf, type HostArray, type Shape } from '../spec.ts'
import { emit, fromEnd, need, needAxis, needFloat, type Ops } from './op.ts'
import { broadcast, reshape } from './movement.ts'
import { cast, constant, iota } from './structure.ts'
import { div, equal, mul, select } from './pointwise.ts'

const reduced = (shape: Shape, axes: readonly number[], keepdims: boolean): Shape =>
  keepdims ? shape.map((d, a) => (axes.includes(a) ? 1 : d)) : shape.filter((_, a) => !axes.includes(a))

/** The reduced value back under every element that it came from. */
const spread = (y: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  broadcast(reshape(y, reduced(shape, axes, true)), shape)

const checkAxes = (shape: Shape, axes: readonly number[]): void => {
  for (const a of axes) needAxis(a, shape.length)
  need(new Set(axes).size === axes.length, `axes [${axes.join(',')}] repeat`)
}

/** For every output element in order, calls `fold` with each of its input elements' flat index. */
function reduceInto(
  shape: Shape,
  axes: readonly number[],
  visit: (out: number, index: number) => void,
): void {
  const outStrides = stridesOf(reduced(shape, axes, true))
  const step = shape.map((_, a) => (axes.includes(a) ? 0 : outStrides[a]))
  const index = new Array<number>(shape.length).fill(0)
  const n = sizeOf(shape)
  for (let i = 0, out = 0; i < n; i++) {
    visit(out, i)
    for (let a = shape.length - 1; a >= 0; a--) {
      out += step[a]
      if (++index[a] < shape[a]) break
      out -= step[a] * shape[a]
      index[a] = 0
    }
  }
}

export const reductions: Ops<'sum' | 'max' | 'argmax' | 'topK'> = {
  sum: {
    doc: 'Sum over `axes` (no axes: the value itself; an empty axis: 0).',
    infer: (s, { axes, keepdims }) => {
      needFloat(s)
      checkAxes(s[0].shape, axes)
      return [{ shape: reduced(s[0].shape, axes, keepdims), dtype: 'f32' }]
    },
    jvp: ({ t, attrs }) => [sum(t[0]!, attrs.axes, attrs.keepdims)],
    vjp: ({ x, g, attrs }) => [spread(g[0]!, x[0].shape, attrs.axes)],
    evaluate: ([x], { axes }, [xs], [ys]) => {
      const y = new Float64Array(sizeOf(ys.shape))
      reduceInto(xs.shape, axes, (o, i) => (y[o] += x[i]))
      return [y]
    },
  },
  max: {
    doc: 'Largest over `axes`, none of which may be empty; a tie shares the derivative equally.',
    infer: (s, { axes, keepdims }) => {
      needFloat(s)
      checkAxes(s[0].shape, axes)
      need(
        axes.every((a) => s[0].shape[a] > 0),
        'the maximum over an empty axis has no value',
      )
      return [{ shape: reduced(s[0].shape, axes, keepdims), dtype: 'f32' }]
    },
    jvp: ({ x, y, t, attrs }) => {
      const share = tieShare(x[0], y[0], attrs.axes)
      return [sum(mul(share, t[0]!), attrs.axes, attrs.keepdims)]
    },
    vjp: ({ x, y, g, attrs }) => [
      mul(tieShare(x[0], y[0], attrs.axes), spread(g[0]!, x[0].shape, attrs.axes)),
    ],
    evaluate: ([x], { axes }, [xs], [ys]) => {
      const y = new Float64Array(sizeOf(ys.shape)).fill(-Infinity)
      reduceInto(xs.shape, axes, (o, i) => {
        if (x[i] > y[o] || x[i] !== x[i]) y[o] = x[i]
      })
      return [y]
    },
  },
  argmax: {
    doc: 'i32 index of the largest along `axis`, the first of equals; the axis is dropped.',
    infer: (s, { axis }) => {
      needFloat(s)
      needAxis(axis, s[0].shape.length)
      need(s[0].shape[axis] > 0, 'an empty axis has no largest')
      return [{ shape: s[0].shape.filter((_, a) => a !== axis), dtype: 'i32' }]
    },
    evaluate: ([x], { axis }, [xs], [ys]) => {
      const best = new Float64Array(sizeOf(ys.shape)).fill(-Infinity)
      const y = new Int32Array(best.length)
      const stride = stridesOf(xs.shape)[axis]
      reduceInto(xs.shape, [axis], (o, i) => {
        if (x[i] > best[o]) {
          best[o] = x[i]
          y[o] = Math.floor(i / stride) % xs.shape[axis]
        }
      })
      return [y]
    },
  },
  topK: {
    doc: 'The k largest along the last axis in falling order, and their i32 indices; of equals the lower index first.',
    infer: (s, { k }) => {
      needFloat(s)
      const v = s[0].shape.at(-1) ?? 0
      need(s[0].shape.length > 0 && Number.isInteger(k) && k >= 0 && k <= v, `k = ${k} is outside 0…${v}`)
      const shape = [...s[0].shape.slice(0, -1), k]
      return [
        { shape, dtype: 'f32' },
        { shape, dtype: 'i32' },
      ]
    },
    jvp: ({ x, y, t }) => [
      sum(mul(pickMask(x[0], y[1]), insertAxis(t[0]!, x[0].shape)), [x[0].shape.length]),
      undefined,
    ],
    vjp: ({ x, y, g }) =>
      g[0]
        ? [sum(mul(pickMask(x[0], y[1]), reshape(g[0], [...g[0].shape, 1])), [x[0].shape.length - 1])]
        : [undefined],
    evaluate: ([x], { k }, [xs]) => topRows(x, xs.shape.at(-1)!, k),
  },
}

/** 1/ties at the maximal elements, else 0. */
function tieShare(x: Tensor, y: Tensor, axes: readonly number[]): Tensor {
  const hit = cast(equal(x, spread(y, x.shape, axes)), 'f32')
  return div(hit, sum(hit, axes, true))
}

/** [..., k, V] one-hot rows of the chosen indices. */
function pickMask(x: Tensor, indices: Tensor): Tensor {
  const v = x.shape.at(-1)!
  const shape = [...indices.shape, v]
  return select(equal(iota(shape, -1), broadcast(reshape(indices, [...indices.shape, 1]), shape)), 1, 0)
}
const insertAxis = (t: Tensor, shape: Shape): Tensor => reshape(t, [...shape.slice(0, -1), 1, shape.at(-1)!])

function topRows(x: HostArray, v: number, k: number): HostArray[] {
  const rows = v === 0 ? 0 : x.length / v
  const values = new Float64Array(rows * k)
  const indices = new Int32Array(rows * k)
  for (let r = 0; r < rows; r++) {
    const order = Array.from({ length: v }, (_, i) => i).sort((a, b) => x[r * v + b] - x[r * v + a] || a - b)
    for (let i = 0; i < k; i++) {
      indices[r * k + i] = order[i]
      values[r * k + i] = x[r * v + order[i]]
    }
  }
  return [values, indices]
}

const allAxes = (x: Tensor, axes?: number | readonly number[]): number[] =>
  axes === undefined ? x.shape.map((_, a) => a) : [axes].flat().map((a) => fromEnd(a, x.shape.length))

/** Sum over some axes (negative ones count from the end), or over all. */
export function sum(x: Tensor, axes?: number | readonly number[], keepdims = false): Tensor {
  const list = allAxes(x, axes)
  return list.length === 0 ? x : emit('sum', reductions.sum, [x], { axes: list, keepdims })[0]
}

export function max(x: Tensor, axes?: number | readonly number[], keepdims = false): Tensor {
  const list = allAxes(x, axes)
  return list.length === 0 ? x : emit('max', reductions.max, [x], { axes: list, keepdims })[0]
}

export function mean(x: Tensor, axes?: number | readonly number[], keepdims = false): Tensor {
  const list = allAxes(x, axes)
  const n = list.reduce((k, a) => k * x.shape[a], 1)
  if (n === 0)
    throw new ShapeError(
      'mean',
      [x],
      `the mean over an empty axis (of ${list.join(',')}) has no value`,
      currentGraph().site.path,
    )
  return mul(sum(x, axes, keepdims), constant(1 / n))
}

export const argmax = (x: Tensor, axis = -1): Tensor =>
  emit('argmax', reductions.argmax, [x], { axis: fromEnd(axis, x.shape.length) })[0]

export const topK = (x: Tensor, k: number): { values: Tensor; indices: Tensor } => {
  const [values, indices] = emit('topK', reductions.topK, [x], { k })
  return { values, indices }
}

/** bool scalar: all true. Masks are counted in f32, exact below 2²⁴ falses. */
export const all = (mask: Tensor): Tensor => equal(sum(select(mask, 0, 1)), 0)
