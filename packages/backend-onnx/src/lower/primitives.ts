/**
 * Every primitive as ONNX nodes. Facts about ONNX Runtime's CPU kernels that decided something stand beside it.
 *
 * Values without elements never get here (program.ts makes them constants), so outputs have at least one element.
 */
import type { PrimitiveName, OpAttrs } from '@ldyn/tensor'
import { aligned, encoded, isWhole, ref, type Emitter, type Ref } from './emitter.ts'
import { broadcastShapes, sameShape, sizeOf, type Shape, type Spec } from './shapes.ts'

export type Lowering<A> = (e: Emitter, x: readonly Ref[], attrs: A, out: readonly Spec[]) => readonly Ref[]

const pointwise =
  <A>(op: string): Lowering<A> =>
  (e, x, _, [out]) => [e.pointwise(op, x, out)]

/** TensorProto.DataType, as Cast takes it. */
export const TYPE = { f32: 1, i32: 6, i64: 7, bool: 9 } as const

const swapLast = (rank: number): number[] =>
  Array.from({ length: rank }, (_, a) => (a < rank - 2 ? a : 2 * rank - 3 - a))

/** The same value under another shape that its held shape also repeats to. */
const stands = (x: Ref, shape: Shape, held: Shape = x.held): Ref => ({
  ...x,
  shape,
  held,
  scatter: undefined,
})

/** How many terms ReduceSum is given at once: it adds one after another in f32, 33 million with an error of 10⁻³. */
const TERMS = 4096

/** The largest length up to TERMS that divides n; 1 where only short ones do. */
function partLength(n: number): number {
  for (let length = TERMS; length >= 16; length--) if (n % length === 0) return length
  return 1
}

/** Sums over axes of a tensor, of which each becomes 1: parts of long ones first, then the sum of those. */
function sumInParts(e: Emitter, tensor: string, shape: Shape, axes: readonly number[]): string {
  const held = [...shape]
  let name = tensor
  for (const axis of [...axes].reverse()) {
    while (held[axis] > TERMS) {
      let length = partLength(held[axis])
      if (length === 1) {
        length = TERMS
        const missing = Math.ceil(held[axis] / length) * length - held[axis]
        const after = held.map((_, a) => (a === axis ? missing : 0))
        name = e.node('Pad', [name, e.list([...held.map(() => 0), ...after])])
        held[axis] += missing
      }
      const parts = held[axis] / length
      const split = held.flatMap((d, a) => (a === axis ? [parts, length] : [d]))
      name = e.node('ReduceSum', [e.reshape(name, held, split), e.list([axis + 1])], { keepdims: 0 })
      held[axis] = parts
    }
    name = e.node('ReduceSum', [name, e.list([axis])], { keepdims: 1 })
    held[axis] = 1
  }
  return name
}

/** ReduceSum or ReduceMax over the axes that are really there; a sum multiplies by the length of the others. */
function reduce(
  e: Emitter,
  op: 'ReduceSum' | 'ReduceMax',
  x: Ref,
  axes: readonly number[],
  keepdims: boolean,
  out: Spec,
): Ref {
  const lead = x.shape.length - x.held.length
  const own = axes.filter((a) => a >= lead).map((a) => a - lead)
  const real = own.filter((a) => x.held[a] !== 1)
  const held = x.held.flatMap((d, a) => (own.includes(a) ? (keepdims ? [1] : []) : [d]))
  let name = x.name()
  if (real.length > 0) {
    const long = op === 'ReduceSum' && real.reduce((n, a) => n * x.held[a], 1) > TERMS
    const dropped = !long && !keepdims && real.length === own.length
    name = long
      ? sumInParts(e, name, x.held, real)
      : e.node(op, [name, e.list(real)], { keepdims: dropped ? 0 : 1 })
    const now = dropped ? held : x.held.map((d, a) => (real.includes(a) ? 1 : d))
    name = e.reshape(name, now, held)
  } else {
    name = e.reshape(name, x.held, held)
  }
  const repeats = axes
    .filter((a) => a < lead || (x.held[a - lead] === 1 && x.shape[a] !== 1))
    .reduce((n, a) => n * x.shape[a], 1)
  const once = ref(name, out, held)
  return op === 'ReduceSum' && repeats !== 1 ? e.pointwise('Mul', [once, e.splat(repeats, out)], out) : once
}

/** A matrix product's operand with its last two axes held in full; batch axes may stay small. */
function matrix(e: Emitter, x: Ref): { name: string; batch: Shape } {
  const held = aligned(x)
  const [rows, cols] = x.shape.slice(-2)
  const batch = held.slice(0, -2)
  if (sameShape(held.slice(-2), [rows, cols]) && x.held.length >= 2)
    return { name: x.name(), batch: x.held.slice(0, -2) }
  return { name: e.node('Expand', [x.name(), e.list([...batch, rows, cols])]), batch }
}

/** i32 [I…] as a column per index, repeated over `width` columns. */
function indexRows(e: Emitter, idx: Ref, width: number): string {
  const n = sizeOf(idx.shape)
  const column = e.reshape(e.full(idx), idx.shape, [n, 1])
  return width === 1 ? column : e.node('Expand', [column, e.list([n, width])])
}

export const primitives: { readonly [K in Exclude<PrimitiveName, 'input'>]: Lowering<OpAttrs[K]> } = {
  constant: (e, _, { values, shape, dtype }, [out]) => {
    const first = values[0]
    if (values.every((v: number) => Object.is(v, first))) return [e.splat(first, out)]
    return [ref(e.initializer(dtype, shape, encoded(dtype, values)), out)]
  },
  iota: (e, _, { shape, axis }, [out]) => {
    const held = [shape[axis], ...shape.slice(axis + 1).map(() => 1)]
    return [
      ref(
        e.initializer(
          'i32',
          held,
          Int32Array.from({ length: shape[axis] }, (__, i) => i),
        ),
        out,
        held,
      ),
    ]
  },
  stopGradient: (_, [x]) => [x],
  cast: (e, [x], { dtype }, [out]) => [
    x.dtype === dtype ? x : e.pointwise('Cast', [x], out, { to: TYPE[dtype] }),
  ],

  neg: pointwise('Neg'),
  exp: pointwise('Exp'),
  log: pointwise('Log'),
  sqrt: pointwise('Sqrt'),
  tanh: pointwise('Tanh'),
  erf: pointwise('Erf'),
  // |x| < ∞ is false for NaN and for both infinities: two passes, where IsNaN, IsInf, Or, Not are four.
  isFinite: (e, [x], _, [out]) => {
    const size = e.pointwise('Abs', [x], { ...out, dtype: 'f32' })
    return [e.pointwise('Less', [size, e.splat(Infinity, { ...out, dtype: 'f32' })], out)]
  },
  add: (e, [a, b], _, [out]) => {
    // Rows scattered into a sum need neither zeros nor a pass of their own.
    for (const [rows, rest] of [
      [a, b],
      [b, a],
    ]) {
      if (rows.scatter && isWhole(rest)) return [ref(rows.scatter.into(e.full(rest)), out)]
    }
    return [e.pointwise('Add', [a, b], out)]
  },
  sub: pointwise('Sub'),
  mul: pointwise('Mul'),
  div: pointwise('Div'),
  maximum: pointwise('Max'),
  less: (e, x, _, [out]) => [
    e.pointwise(
      'Less',
      x.map((v) => comparable(e, v)),
      out,
    ),
  ],
  equal: (e, x, _, [out]) => {
    const [a, b] = x
    if (a.dtype === 'bool' && b.value === 0) return [e.pointwise('Not', [a], out)]
    return [e.pointwise('Equal', x, out)]
  },
  select: (e, [c, a, b], _, [out]) => {
    if (out.dtype !== 'bool') return [e.pointwise('Where', [c, a, b], out)]
    // Where has no bool kernel.
    if (b.value === 0) return [e.pointwise('And', [c, a], out)]
    if (a.value === 1) return [e.pointwise('Or', [c, b], out)]
    const yes = e.pointwise('And', [c, a], out)
    const no = e.pointwise('And', [e.pointwise('Not', [c], out), b], out)
    return [e.pointwise('Or', [yes, no], out)]
  },

  sum: (e, [x], { axes, keepdims }, [out]) => {
    return [reduce(e, 'ReduceSum', x, axes, keepdims, out)]
  },
  // ReduceMax steps over NaN, so that is looked for separately. (Softmax and its kin have their own kernels.)
  max: (e, [x], { axes, keepdims }, [out]) => {
    const bool = { ...x, dtype: 'bool' } as const
    const isNaN = e.pointwise(
      'Cast',
      [e.pointwise('IsNaN', [x], bool)],
      { ...x, dtype: 'f32' },
      { to: TYPE.f32 },
    )
    const some = reduce(e, 'ReduceMax', isNaN, axes, keepdims, out)
    const anyNaN = e.pointwise('Cast', [some], { ...out, dtype: 'bool' }, { to: TYPE.bool })
    return [
      e.pointwise('Where', [anyNaN, e.splat(NaN, out), reduce(e, 'ReduceMax', x, axes, keepdims, out)], out),
    ]
  },
  argmax: (e, [x], { axis }, [out]) => {
    const index = e.node('ArgMax', [e.full(x)], { axis, keepdims: 0 })
    return [ref(e.node('Cast', [index], { to: TYPE.i32 }), out)]
  },
  topK: (e, [x], { k }, [values, indices]) => {
    const [value, index] = e.nodes('TopK', [e.full(x), e.list([k])], { axis: -1, largest: 1, sorted: 1 }, 2)
    return [ref(value, values), ref(e.node('Cast', [index], { to: TYPE.i32 }), indices)]
  },

  matmul: (e, [a, b], { ta, tb }, [out]) => {
    const [left, right] = [matrix(e, a), matrix(e, b)]
    const batch = broadcastShapes([left.batch, right.batch])
    const turn = (name: string, rank: number): string => e.node('Transpose', [name], { perm: swapLast(rank) })
    const [m, n] = out.shape.slice(-2)
    // aᵀ·b with very many rows, the gradient of a head [V, d]: (bᵀ·a)ᵀ packs the large operand by rows, 20 % faster.
    if (ta && !tb && m >= 16 * n) {
      const product = e.node('MatMul', [turn(right.name, right.batch.length + 2), left.name])
      return [ref(turn(product, batch.length + 2), out, [...batch, m, n])]
    }
    const a2 = ta ? turn(left.name, left.batch.length + 2) : left.name
    const b2 = tb ? turn(right.name, right.batch.length + 2) : right.name
    return [ref(e.node('MatMul', [a2, b2]), out, [...batch, m, n])]
  },

  reshape: (e, [x], { shape }, [out]) => {
    if (x.value !== undefined) return [e.splat(x.value, out)]
    return [ref(isWhole(x) ? e.reshape(x.name(), x.held, shape) : e.reshape(e.full(x), x.shape, shape), out)]
  },
  transpose: (e, [x], { perm }, [out]) => {
    if (x.value !== undefined) return [e.splat(x.value, out)]
    const held = aligned(x)
    const name = e.node('Transpose', [e.reshape(x.name(), x.held, held)], { perm })
    return [
      ref(
        name,
        out,
        perm.map((a) => held[a]),
      ),
    ]
  },
  broadcast: (_, [x], { shape }) => [stands(x, shape)],
  slice: (e, [x], { start, end }, [out]) => {
    const lead = x.shape.length - x.held.length
    const axes = x.held.flatMap((d, a) =>
      d !== 1 && (start[a + lead] !== 0 || end[a + lead] !== d) ? [a] : [],
    )
    if (axes.length === 0) return [stands(x, out.shape)]
    const part = (of: readonly number[]): string => e.list(axes.map((a) => of[a + lead]))
    const name = e.node('Slice', [x.name(), part(start), part(end), e.list(axes)])
    return [
      ref(
        name,
        out,
        x.held.map((d, a) => (axes.includes(a) ? end[a + lead] - start[a + lead] : d)),
      ),
    ]
  },
  pad: (e, [x], { lo, hi }, [out]) => {
    return [ref(e.node('Pad', [e.full(x), e.list([...lo, ...hi])]), out)]
  },
  concat: (e, xs, { axis }, [out]) => {
    return [
      ref(
        e.node(
          'Concat',
          xs.map((x) => e.full(x)),
          { axis },
        ),
        out,
      ),
    ]
  },

  take: (e, [table, idx], _, [out]) => {
    if (table.value !== undefined) return [e.splat(table.value, out)]
    return [ref(e.node('Gather', [e.full(table), e.full(idx)], { axis: 0 }), out)]
  },
  // ScatterElements, never ScatterND: the latter's sums race where an index repeats.
  scatterAdd: (e, [idx, upd], { rows }, [out]) => {
    const width = sizeOf(out.shape.slice(1))
    // Columns are apart from each other: as many at once as the provider takes.
    const step = Math.max(1, Math.floor(e.scatterBytes / (4 * rows)))
    const into = (data: string): string => {
      const updates = e.reshape(e.full(upd), upd.shape, [sizeOf(idx.shape), width])
      const flat = e.reshape(data, out.shape, [rows, width])
      const parts: string[] = []
      for (let from = 0; from < width; from += step) {
        const to = Math.min(width, from + step)
        const columns = (name: string): string =>
          to - from === width ? name : e.node('Slice', [name, e.list([from]), e.list([to]), e.list([1])])
        const operands = [columns(flat), indexRows(e, idx, to - from), columns(updates)]
        parts.push(e.node('ScatterElements', operands, { axis: 0, reduction: 'add' }))
      }
      const sum = parts.length === 1 ? parts[0] : e.node('Concat', parts, { axis: 1 })
      return e.reshape(sum, [rows, width], out.shape)
    }
    let made: string | undefined
    const name = (): string => (made ??= into(e.node('Expand', [e.splat(0, out).name(), e.list(out.shape)])))
    return [{ ...out, held: out.shape, name, scatter: { into } }]
  },
  updateRows: (e, [x, idx, upd], _, [out]) => {
    const width = sizeOf(out.shape.slice(1))
    const rows = e.reshape(e.full(x), x.shape, [x.shape[0], width])
    const updates = e.reshape(e.full(upd), upd.shape, [idx.shape[0], width])
    const name = e.node('ScatterElements', [rows, indexRows(e, idx, width), updates], { axis: 0 })
    return [ref(e.reshape(name, [x.shape[0], width], out.shape), out)]
  },
}

/** Less has no bool kernel. */
const comparable = (e: Emitter, x: Ref): Ref =>
  x.dtype === 'bool' ? e.pointwise('Cast', [x], { shape: x.shape, dtype: 'i32' }, { to: TYPE.i32 }) : x
