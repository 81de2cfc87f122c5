/**
 * Ops that move values and compute nothing: reshape, transpose, broadcast, slice, pad, concat.
 *
 * `broadcast` is the only broadcaster: pointwise ops take equal shapes and their callers (pointwise.ts)
 * insert it, so that "sum over broadcast axes" stands in exactly one rule.
 */
import { ShapeError } from '../errors.ts'
import { currentGraph, type Tensor } from '../graph.ts'
import { sameShape, sizeOf, stridesOf, type HostArray, type Shape, type Spec } from '../spec.ts'
import { emit, fromEnd, need, needAxis, refuse, type Ops } from './op.ts'
import { sum } from './reductions.ts'
import { constant } from './structure.ts'

/** A fresh array of the same kind. */
const like = (x: HostArray, length: number): HostArray =>
  x instanceof Int32Array
    ? new Int32Array(length)
    : x instanceof Uint8Array
      ? new Uint8Array(length)
      : new Float64Array(length)

/** y[i₀,i₁,…] = x[offset + Σ iₐ·step[a]] over all of `shape`. */
function gatherStrided(x: HostArray, shape: Shape, step: readonly number[], offset = 0): HostArray {
  const y = like(x, sizeOf(shape))
  const index = new Array<number>(shape.length).fill(0)
  for (let i = 0, at = offset; i < y.length; i++) {
    y[i] = x[at]
    for (let a = shape.length - 1; a >= 0; a--) {
      at += step[a]
      if (++index[a] < shape[a]) break
      at -= step[a] * shape[a]
      index[a] = 0
    }
  }
  return y
}

/** Axes of `to` along which `from`, right-aligned, is repeated. */
export function repeatedAxes(from: Shape, to: Shape): number[] {
  const lead = to.length - from.length
  return to.flatMap((d, a) => (a < lead || (from[a - lead] === 1 && d !== 1) ? [a] : []))
}

export const movement: Ops<'reshape' | 'transpose' | 'broadcast' | 'slice' | 'pad' | 'concat'> = {
  reshape: {
    doc: 'The same values in row-major order under another shape.',
    infer: ([x], { shape }) => {
      need(
        shape.every((d) => Number.isInteger(d) && d >= 0),
        `[${shape.join(',')}] is no shape for ${sizeOf(x.shape)} elements`,
      )
      need(
        sizeOf(x.shape) === sizeOf(shape),
        `${sizeOf(x.shape)} elements do not fill [${shape.join(',')}] (${sizeOf(shape)})`,
      )
      return [{ shape, dtype: x.dtype }]
    },
    jvp: ({ t, attrs }) => [reshape(t[0]!, attrs.shape)],
    vjp: ({ g, x }) => [reshape(g[0]!, x[0].shape)],
    evaluate: ([x]) => [x],
  },
  transpose: {
    doc: 'y.shape[a] = x.shape[perm[a]].',
    infer: ([x], { perm }) => {
      need(
        perm.length === x.shape.length && perm.every((_, a) => perm.includes(a)),
        `[${perm.join(',')}] is no permutation of ${x.shape.length} axes`,
      )
      return [{ shape: perm.map((a) => x.shape[a]), dtype: x.dtype }]
    },
    jvp: ({ t, attrs }) => [transpose(t[0]!, attrs.perm)],
    vjp: ({ g, attrs }) => [transpose(g[0]!, inverse(attrs.perm))],
    evaluate: ([x], { perm }, [xs], [ys]) => {
      const strides = stridesOf(xs.shape)
      return [
        gatherStrided(
          x,
          ys.shape,
          perm.map((a) => strides[a]),
        ),
      ]
    },
  },
  broadcast: {
    doc: 'Repeats x, right-aligned with `shape`, along new axes and axes of size 1.',
    infer: ([x], { shape }) => {
      const lead = shape.length - x.shape.length
      need(
        lead >= 0 && x.shape.every((d, a) => d === 1 || d === shape[a + lead]),
        `cannot be repeated to [${shape.join(',')}]`,
      )
      return [{ shape, dtype: x.dtype }]
    },
    jvp: ({ t, attrs }) => [broadcast(t[0]!, attrs.shape)],
    vjp: ({ g, x, attrs }) => [reshape(sum(g[0]!, repeatedAxes(x[0].shape, attrs.shape)), x[0].shape)],
    evaluate: ([x], { shape }, [xs]) => {
      const lead = shape.length - xs.shape.length
      const strides = stridesOf(xs.shape)
      return [
        gatherStrided(
          x,
          shape,
          shape.map((_, a) => (a < lead || xs.shape[a - lead] === 1 ? 0 : strides[a - lead])),
        ),
      ]
    },
  },
  slice: {
    doc: 'Elements start ≤ i < end along every axis.',
    infer: ([x], { start, end }) => {
      need(
        start.length === x.shape.length && end.length === x.shape.length,
        `start and end need ${x.shape.length} entries`,
      )
      x.shape.forEach((d, a) =>
        need(
          start[a] >= 0 && start[a] <= end[a] && end[a] <= d,
          `[${start[a]}, ${end[a]}) is outside axis ${a} of size ${d}`,
        ),
      )
      return [{ shape: end.map((e, a) => e - start[a]), dtype: x.dtype }]
    },
    jvp: ({ t, attrs }) => [slice(t[0]!, attrs.start, attrs.end)],
    vjp: ({ g, x, attrs }) => [
      pad(
        g[0]!,
        attrs.start,
        x[0].shape.map((d, a) => d - attrs.end[a]),
      ),
    ],
    evaluate: ([x], { start }, [xs], [ys]) => {
      const strides = stridesOf(xs.shape)
      return [
        gatherStrided(
          x,
          ys.shape,
          strides,
          start.reduce((o, s, a) => o + s * strides[a], 0),
        ),
      ]
    },
  },
  pad: {
    doc: 'Zeros (false) before and after, by `lo` and `hi` along every axis.',
    infer: ([x], { lo, hi }) => {
      need(
        lo.length === x.shape.length && hi.length === x.shape.length && [...lo, ...hi].every((n) => n >= 0),
        `lo and hi need ${x.shape.length} entries ≥ 0`,
      )
      return [{ shape: x.shape.map((d, a) => d + lo[a] + hi[a]), dtype: x.dtype }]
    },
    jvp: ({ t, attrs }) => [pad(t[0]!, attrs.lo, attrs.hi)],
    vjp: ({ g, x, attrs }) => [
      slice(
        g[0]!,
        attrs.lo,
        x[0].shape.map((d, a) => d + attrs.lo[a]),
      ),
    ],
    evaluate: ([x], { lo }, [xs], [ys]) => {
      const y = like(x, sizeOf(ys.shape))
      scatterBlock(x, xs.shape, y, ys.shape, lo)
      return [y]
    },
  },
  concat: {
    doc: 'Joined along `axis`; all other axes equal.',
    infer: (xs, { axis }) => {
      need(xs.length > 0, 'nothing to join')
      const [{ shape, dtype }] = xs
      needAxis(axis, shape.length)
      for (const x of xs) {
        need(x.dtype === dtype, `dtypes ${dtype} and ${x.dtype} do not join`)
        need(
          x.shape.length === shape.length && x.shape.every((d, a) => a === axis || d === shape[a]),
          `shapes differ outside axis ${axis}`,
        )
      }
      return [
        { shape: shape.map((d, a) => (a === axis ? xs.reduce((n, x) => n + x.shape[a], 0) : d)), dtype },
      ]
    },
    jvp: ({ x, t, attrs }) => [
      concat(
        x.map((xi, i) => t[i] ?? zerosLike(xi)),
        attrs.axis,
      ),
    ],
    vjp: ({ x, g, attrs: { axis } }) => {
      let from = 0
      return x.map((xi) => sliceAxis(g[0]!, axis, from, (from += xi.shape[axis])))
    },
    evaluate: (xs, { axis }, specs, [ys]) => {
      const y = like(xs[0], sizeOf(ys.shape))
      const origin = ys.shape.map(() => 0)
      xs.forEach((x, i) => {
        scatterBlock(x, specs[i].shape, y, ys.shape, origin)
        origin[axis] += specs[i].shape[axis]
      })
      return [y]
    },
  },
}

/** Copies x into y with its first element at `origin`. */
function scatterBlock(
  x: HostArray,
  shape: Shape,
  y: HostArray,
  into: Shape,
  origin: readonly number[],
): void {
  const strides = stridesOf(into)
  const index = new Array<number>(shape.length).fill(0)
  let at = origin.reduce((o, s, a) => o + s * strides[a], 0)
  for (let i = 0; i < x.length; i++) {
    y[at] = x[i]
    for (let a = shape.length - 1; a >= 0; a--) {
      at += strides[a]
      if (++index[a] < shape[a]) break
      at -= strides[a] * shape[a]
      index[a] = 0
    }
  }
}

export const inverse = (perm: readonly number[]): number[] => perm.map((_, a) => perm.indexOf(a))

/** One entry of `shape` may be −1: the rest. (Beside a 0 there is no rest to speak of: write it out.) */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1)
  const free = shape.filter((d) => d === -1).length
  const full = free === 1 ? shape.map((d) => (d === -1 ? sizeOf(x.shape) / known : d)) : shape
  return sameShape(x.shape, full) ? x : emit('reshape', movement.reshape, [x], { shape: full })[0]
}

export const transpose = (x: Tensor, perm: readonly number[]): Tensor =>
  perm.every((p, a) => p === a) && perm.length === x.shape.length
    ? x
    : emit('transpose', movement.transpose, [x], { perm })[0]

/** The last two axes exchanged. */
export const transposeLast = (x: Tensor): Tensor => {
  const r = x.shape.length
  return transpose(
    x,
    x.shape.map((_, a) => (a < r - 2 ? a : a === r - 2 ? r - 1 : r - 2)),
  )
}

export const broadcast = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : emit('broadcast', movement.broadcast, [x], { shape })[0]

/** The common shape of operands under right-aligned broadcasting. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((s) => s.length))
  return Array.from({ length: rank }, (_, a) => {
    const sizes = shapes.map((s) => s[a - (rank - s.length)] ?? 1)
    const d = sizes.find((n) => n !== 1) ?? 1
    if (sizes.some((n) => n !== 1 && n !== d))
      refuse(
        `shapes ${shapes.map((s) => `[${s.join(',')}]`).join(' and ')} do not match at axis ${a - rank} (${d} and ${sizes.find((n) => n !== 1 && n !== d)})`,
      )
    return d
  })
}

export const slice = (x: Tensor, start: readonly number[], end: readonly number[]): Tensor =>
  start.every((s) => s === 0) && sameShape(x.shape, end)
    ? x
    : emit('slice', movement.slice, [x], { start, end })[0]

/** Elements from ≤ i < to of one axis, all of the others. */
export const sliceAxis = (x: Tensor, axis: number, from: number, to: number): Tensor => {
  const a = fromEnd(axis, x.shape.length)
  if (!(a in x.shape)) {
    throw new ShapeError(
      'slice',
      [x],
      `axis ${axis} does not exist in rank ${x.shape.length}`,
      currentGraph().site.path,
    )
  }
  return slice(
    x,
    x.shape.map((_, i) => (i === a ? from : 0)),
    x.shape.map((d, i) => (i === a ? to : d)),
  )
}

export const pad = (x: Tensor, lo: readonly number[], hi: readonly number[]): Tensor =>
  [...lo, ...hi].every((n) => n === 0) ? x : emit('pad', movement.pad, [x], { lo, hi })[0]

export const concat = (xs: readonly Tensor[], axis: number): Tensor =>
  xs.length === 1
    ? xs[0]
    : emit('concat', movement.concat, xs, { axis: fromEnd(axis, xs[0]?.shape.length ?? 0) })[0]

/** New leading axis over equal shapes. */
export const stack = (xs: readonly Tensor[]): Tensor =>
  concat(
    xs.map((x) => reshape(x, [1, ...x.shape])),
    0,
  )

export const zeros = (shape: Shape): Tensor => broadcast(constant(0), shape)
export const zerosLike = (s: Spec): Tensor => zeros(s.shape)
