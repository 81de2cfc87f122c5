/**
 * Every primitive as tf calls. Axes that an op treats alike are joined before it (shapes.ts), since tfjs kernels stop
 * at rank 4 to 6; a reshape shares its operand's data and costs some microseconds.
 *
 * Values without elements never get here (program.ts makes them constants), so outputs have at least one element.
 */
import type { OpAttrs, PrimitiveName } from '@ldyn/tensor'
import type { Tensor, Tensor1D } from '../run/engine.ts'
import { stands, type Call, type Emitter, type Value } from './emitter.ts'
import { atRank, blocks, compactTranspose, grouped, runs, sizeOf, type Shape, type Spec } from './shapes.ts'

export type Lowering<A> = (
  e: Emitter,
  x: readonly Value[],
  attrs: A,
  out: readonly Spec[],
) => readonly Value[]

const pointwise =
  <A>(call: (e: Emitter) => Call): Lowering<A> =>
  (e, x, _, [out]) => [e.pointwise(x, out, call(e))]

/** The value with its own axes alone changed to `shape`, whole or not. */
const reheld = (e: Emitter, x: Value, held: Shape): Value =>
  x.held.length === held.length && x.held.every((d, a) => d === held[a])
    ? x
    : e.call([x], { ...x, shape: held }, (t) => e.tf.reshape(t, [...held]))

/** How many terms WebAssembly's kernel, which rounds after every one, is given at once. */
const TERMS = 256

/** A sum along one axis that keeps its digits however long the axis is: parts first, then the sum of those. */
function sumAlong(e: Emitter, x: Value, axis: number): Value {
  const n = x.held[axis]
  const without = x.held.filter((_, a) => a !== axis)
  if (n <= TERMS) return e.call([x], { ...x, shape: without }, (t) => e.tf.sum(t, axis))
  const parts = Math.ceil(n / TERMS)
  const missing = x.held.map((_, a): [number, number] => [0, a === axis ? parts * TERMS - n : 0])
  const long = x.held.map((d, a) => (a === axis ? parts * TERMS : d))
  const filled = parts * TERMS === n ? x : e.call([x], { ...x, shape: long }, (t) => e.tf.pad(t, missing))
  const split = reheld(e, filled, long.flatMap((d, a) => (a === axis ? [parts, TERMS] : [d])))
  const sums = long.map((d, a) => (a === axis ? parts : d))
  return sumAlong(
    e,
    e.call([split], { ...x, shape: sums }, (t) => e.tf.sum(t, axis + 1)),
    axis,
  )
}

/** tf.sum or tf.max over the axes that are really there; a sum multiplies by the length of the others. */
function reduce(
  e: Emitter,
  op: 'sum' | 'max',
  x: Value,
  axes: readonly number[],
  keepdims: boolean,
  out: Spec,
): Value {
  const held = atRank(x.held, x.shape.length)
  const left = held.flatMap((d, a) => (axes.includes(a) ? (keepdims ? [1] : []) : [d]))
  const parts = runs(held.length, (a) => axes.includes(a))
  const sizes = grouped(held, parts)
  const over = parts.flatMap((part, i) => (axes.includes(part[0]) && sizes[i] !== 1 ? [i] : []))
  let once = x
  if (over.length > 0) {
    const lean = reheld(e, x, sizes)
    const kept = sizes.filter((_, i) => !over.includes(i))
    once =
      op === 'sum' && e.engine.backend === 'wasm'
        ? over.reduceRight((part, axis) => sumAlong(e, part, axis), { ...lean, dtype: out.dtype })
        : e.call([lean], { ...out, shape: kept }, (t) => e.tf[op](t, over))
  }
  const shaped = stands(reheld(e, { ...once, shape: once.held }, left), out.shape, left)
  const repeats = axes.filter((a) => held[a] !== x.shape[a]).reduce((n, a) => n * x.shape[a], 1)
  return op === 'sum' && repeats !== 1
    ? e.pointwise([shaped, e.splat(repeats, out)], out, e.tf.mul)
    : shaped
}

/** i32 [I…] as [N, 1], as tf's scatter ops take rows. */
const rowIndices = (e: Emitter, idx: Value): Value => e.reshape(idx, [sizeOf(idx.shape), 1])

export const primitives: { readonly [K in Exclude<PrimitiveName, 'input'>]: Lowering<OpAttrs[K]> } = {
  constant: (e, _, { values, dtype }, [out]) => {
    const first = values[0]
    if (values.every((v: number) => Object.is(v, first)))
      return [e.splat(dtype === 'bool' ? first && 1 : first, out)]
    return [e.constant(out, values)]
  },
  iota: (e, _, { shape, axis }, [out]) => {
    const held = [shape[axis], ...shape.slice(axis + 1).map(() => 1)]
    return [e.constant(out, Array.from({ length: shape[axis] }, (__, i) => i), held)]
  },
  stopGradient: (_, [x]) => [x],
  cast: (e, [x], { dtype }, [out]) => {
    if (x.dtype === dtype) return [x]
    // A cast to bool keeps the bits of other numbers on some backends: ask for x ≠ 0.
    if (dtype === 'bool') return [e.pointwise([x, e.splat(0, x)], out, e.tf.notEqual)]
    return [e.pointwise([x], out, (t) => e.tf.cast(t, e.engine.dtypes[dtype]))]
  },

  neg: pointwise(({ tf }) => tf.neg),
  exp: pointwise(({ tf }) => tf.exp),
  log: pointwise(({ tf }) => tf.log),
  sqrt: pointwise(({ tf }) => tf.sqrt),
  tanh: pointwise(({ tf }) => tf.tanh),
  erf: pointwise(({ tf }) => tf.erf),
  isFinite: pointwise(({ tf }) => tf.isFinite),
  add: pointwise(({ tf }) => tf.add),
  sub: pointwise(({ tf }) => tf.sub),
  mul: (e, [a, b], _, [out]) => [
    a.id === b.id ? e.pointwise([a], out, (t) => e.tf.square(t)) : e.pointwise([a, b], out, e.tf.mul),
  ],
  div: pointwise(({ tf }) => tf.div),
  maximum: pointwise(({ tf }) => tf.maximum),
  less: (e, x, _, [out]) => [
    e.pointwise(
      x.map((v) => comparable(e, v)),
      out,
      e.tf.less,
    ),
  ],
  equal: (e, x, _, [out]) => [
    e.pointwise(
      x.map((v) => comparable(e, v)),
      out,
      e.tf.equal,
    ),
  ],
  select: (e, [c, a, b], _, [out]) => {
    if (out.dtype === 'bool') {
      if (b.splat === 0) return [e.pointwise([c, a], out, e.tf.logicalAnd)]
      if (a.splat === 1) return [e.pointwise([c, b], out, e.tf.logicalOr)]
    }
    return [choose(e, c, a, b, out)]
  },

  sum: (e, [x], { axes, keepdims }, [out]) => {
    return [reduce(e, 'sum', x, axes, keepdims, out)]
  },
  max: (e, [x], { axes, keepdims }, [out]) => [reduce(e, 'max', x, axes, keepdims, out)],
  argmax: (e, [x], { axis }, [out]) => {
    const [before, size, after] = [x.shape.slice(0, axis), x.shape[axis], x.shape.slice(axis + 1)]
    const cube = e.reshape(x, [sizeOf(before), size, sizeOf(after)])
    const flat = { ...out, shape: [sizeOf(before), sizeOf(after)] }
    return [e.reshape(e.call([e.full(cube)], flat, (t) => e.tf.argMax(t, 1)), out.shape)]
  },
  topK: (e, [x], { k }, outs) => {
    const rows = sizeOf(x.shape.slice(0, -1))
    const matrix = e.full(e.reshape(x, [rows, x.shape.at(-1)!]))
    const flat = outs.map((s) => ({ ...s, shape: [rows, k] }))
    const made = e.calls([matrix], flat, (t) => {
      const { values, indices } = e.tf.topk(t, k, true)
      return [values, indices]
    })
    return made.map((v, i) => e.reshape(v, outs[i].shape))
  },

  matmul: (e, [a, b], { ta, tb }, [out]) => {
    const [m, n] = out.shape.slice(-2)
    const batch = sizeOf(out.shape.slice(0, -2))
    const last = (x: Value): Shape => x.shape.slice(-2)
    // One batch, or a right operand that all batches share: a product of two matrices.
    if (b.shape.length === 2 || batch === 1) {
      const rows = ta ? last(a)[0] : batch * m
      const left = e.full(e.reshape(a, [rows, last(a)[1]]))
      const right = e.full(e.reshape(b, last(b)))
      const flat = { ...out, shape: [batch * m, n] }
      return [e.reshape(e.call([left, right], flat, (x, y) => e.tf.matMul(x, y, ta, tb)), out.shape)]
    }
    const [left, right] = [a, b].map((x) => e.full(e.reshape(x, [batch, ...last(x)])))
    const cube = { ...out, shape: [batch, m, n] }
    return [e.reshape(e.call([left, right], cube, (x, y) => e.tf.matMul(x, y, ta, tb)), out.shape)]
  },

  reshape: (e, [x], { shape }) => [e.reshape(x, shape)],
  transpose: (e, [x], { perm }, [out]) => {
    if (x.splat !== undefined) return [stands(x, out.shape)]
    const held = atRank(x.held, x.shape.length)
    const moved = perm.map((a) => held[a])
    const compact = compactTranspose(held, perm)
    const lean = reheld(e, { ...x, shape: x.held }, compact.shape)
    if (compact.perm.length < 2) return [stands(reheld(e, lean, moved), out.shape, moved)]
    const shape = compact.perm.map((a) => compact.shape[a])
    const turned = e.call([lean], { ...x, shape }, (t) => e.tf.transpose(t, [...compact.perm]))
    return [stands(reheld(e, turned, moved), out.shape, moved)]
  },
  broadcast: (_, [x], { shape }) => [stands(x, shape)],
  slice: (e, [x], { start, end }, [out]) => {
    const held = atRank(x.held, x.shape.length)
    const untouched = (a: number): boolean => held[a] === 1 || (start[a] === 0 && end[a] === held[a])
    if (held.every((_, a) => untouched(a))) return [stands(x, out.shape)]
    const parts = blocks(held.length, untouched)
    const inner = parts.map((part) => part.slice(1).reduce((n, a) => n * held[a], 1))
    const begin = parts.map((part, i) => (untouched(part[0]) ? 0 : start[part[0]] * inner[i]))
    const size = parts.map((part, i) =>
      untouched(part[0]) ? held[part[0]] * inner[i] : (end[part[0]] - start[part[0]]) * inner[i],
    )
    const lean = reheld(e, { ...x, shape: x.held }, grouped(held, parts))
    const cut = e.call([lean], { ...x, shape: size }, (t) => e.tf.slice(t, begin, size))
    const left = held.map((d, a) => (untouched(a) ? d : end[a] - start[a]))
    return [stands(reheld(e, cut, left), out.shape, left)]
  },
  pad: (e, [x], { lo, hi }, [out]) => {
    const parts = blocks(x.shape.length, (a) => lo[a] === 0 && hi[a] === 0)
    const inner = parts.map((part) => part.slice(1).reduce((n, a) => n * x.shape[a], 1))
    const around = parts.map(([a], i): [number, number] => [lo[a] * inner[i], hi[a] * inner[i]])
    const lean = e.full(e.reshape(x, grouped(x.shape, parts)))
    const shape = lean.shape.map((d, i) => d + around[i][0] + around[i][1])
    return [e.reshape(e.call([lean], { ...out, shape }, (t) => e.tf.pad(t, around)), out.shape)]
  },
  concat: (e, xs, { axis }, [out]) => {
    const rows = sizeOf(out.shape.slice(0, axis))
    const flat = xs.map((x) => e.full(e.reshape(x, [rows, sizeOf(x.shape.slice(axis))])))
    const shape = [rows, sizeOf(out.shape.slice(axis))]
    return [e.reshape(e.call(flat, { ...out, shape }, (...t) => e.tf.concat(t, 1)), out.shape)]
  },

  take: (e, [table, idx], _, [out]) => {
    if (table.splat !== undefined) return [stands(table, out.shape)]
    const width = sizeOf(table.shape.slice(1))
    const rows = e.full(e.reshape(table, [table.shape[0], width]))
    const wanted = e.full(e.reshape(idx, [sizeOf(idx.shape)]))
    const shape = [sizeOf(idx.shape), width]
    return [e.reshape(e.call([rows, wanted], { ...out, shape }, (t, i) => e.tf.gather(t, i)), out.shape)]
  },
  scatterAdd: (e, [idx, upd], { rows }, [out]) => {
    const n = sizeOf(idx.shape)
    const shape: [number, number] = [rows, sizeOf(out.shape.slice(1))]
    const updates = e.full(e.reshape(upd, [n, shape[1]]))
    const flat = { ...out, shape }
    // Both add up where an index repeats; WebAssembly has but the second.
    const sums = e.engine.has('UnsortedSegmentSum')
      ? e.call([updates, e.full(e.reshape(idx, [n]))], flat, (u, i) =>
          e.tf.unsortedSegmentSum(u, i as Tensor1D, rows),
        )
      : e.call([e.full(rowIndices(e, idx)), updates], flat, (i, u) => e.tf.scatterND(i, u, shape))
    return [e.reshape(sums, out.shape)]
  },
  updateRows: (e, [x, idx, upd], _, [out]) => {
    const width = sizeOf(out.shape.slice(1))
    const operands = [
      e.reshape(x, [x.shape[0], width]),
      rowIndices(e, idx),
      e.reshape(upd, [idx.shape[0], width]),
    ].map((v) => e.full(v))
    const flat = { ...out, shape: [x.shape[0], width] }
    return [e.reshape(e.call(operands, flat, overwrite(e)), out.shape)]
  },
}

/** Comparisons of masks are comparisons of 0 and 1: tf's own differ in whether they take bool. */
const comparable = (e: Emitter, x: Value): Value =>
  x.dtype === 'bool'
    ? x.splat !== undefined
      ? e.splat(x.splat, { ...x, dtype: 'i32' })
      : e.pointwise([x], { ...x, dtype: 'i32' }, (t) => e.tf.cast(t, 'int32'))
    : x

/** x with rows or elements replaced. tfjs-backend-cpu 4.22 writes into its operand, so that gets a copy. */
export const overwrite = ({ tf, engine }: Emitter): Call =>
  engine.backend === 'cpu'
    ? (x, i, u) => {
        const copy = tf.tensor(x.dataSync().slice(), x.shape, x.dtype)
        const made = tf.tensorScatterUpdate(copy, i, u)
        copy.dispose()
        return made
      }
    : (x, i, u) => tf.tensorScatterUpdate(x, i, u)

/** c ? a : b, operands as they are held. */
export function choose(e: Emitter, c: Value, a: Value, b: Value, out: Spec): Value {
  const { tf, native } = e.engine
  if (out.dtype === 'bool' && !native) {
    // WebAssembly's select reads masks as numbers.
    const yes = e.pointwise([c, a], out, tf.logicalAnd)
    const no = e.pointwise([e.pointwise([c], c, tf.logicalNot), b], out, tf.logicalAnd)
    return e.pointwise([yes, no], out, tf.logicalOr)
  }
  const call: Call = native ? native.select : (p: Tensor, q: Tensor, r: Tensor) => tf.where(p, q, r)
  return e.pointwise([c, a, b], out, call)
}
