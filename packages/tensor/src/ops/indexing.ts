/**
 * Ops with data-dependent addresses: take, scatterAdd, updateRows. Indices are i32 and must lie inside;
 * nothing clamps them.
 */
import type { Tensor } from '../graph.ts'
import { sameShape, sizeOf, type HostArray } from '../spec.ts'
import { emit, need, needFloat, type Ops } from './op.ts'
import { zerosLike } from './movement.ts'

const checked = (index: number, rows: number, op: string): number => {
  if (index < 0 || index >= rows) throw new RangeError(`${op}: index ${index} is outside 0…${rows - 1}`)
  return index
}

export const indexing: Ops<'take' | 'scatterAdd' | 'updateRows'> = {
  take: {
    doc: 'Rows table[idx]: [V, …], i32 [I…] → [I…, …].',
    infer: ([table, idx]) => {
      need(table.shape.length >= 1 && idx.dtype === 'i32', 'takes a table of rank ≥ 1 and i32 indices')
      return [{ shape: [...idx.shape, ...table.shape.slice(1)], dtype: table.dtype }]
    },
    jvp: ({ x, t }) => [t[0] && take(t[0], x[1])],
    vjp: ({ x, g }) => [scatterAdd(x[1], g[0]!, x[0].shape[0])],
    evaluate: ([table, idx], _, [ts], [ys]) => {
      const width = sizeOf(ts.shape.slice(1))
      const y = emptyLike(table, sizeOf(ys.shape))
      idx.forEach((row, i) =>
        y.set(table.subarray(checked(row, ts.shape[0], 'take') * width, (row + 1) * width), i * width),
      )
      return [y]
    },
  },
  scatterAdd: {
    doc: 'y[v] = Σ over i with idx[i] = v of upd[i]: i32 [I…], f32 [I…, …] → [rows, …]. Repeated indices add up.',
    infer: ([idx, upd], { rows }) => {
      needFloat([upd])
      need(idx.dtype === 'i32', 'indices are i32')
      need(
        sameShape(upd.shape.slice(0, idx.shape.length), idx.shape),
        "updates must begin with the indices' axes",
      )
      return [{ shape: [rows, ...upd.shape.slice(idx.shape.length)], dtype: 'f32' }]
    },
    jvp: ({ x, t, attrs }) => [t[1] && scatterAdd(x[0], t[1], attrs.rows)],
    vjp: ({ x, g }) => [undefined, take(g[0]!, x[0])],
    evaluate: ([idx, upd], { rows }, _, [ys]) => {
      const width = sizeOf(ys.shape.slice(1))
      const y = new Float64Array(sizeOf(ys.shape))
      for (let i = 0; i < idx.length; i++) {
        const row = checked(idx[i], rows, 'scatterAdd')
        for (let c = 0; c < width; c++) y[row * width + c] += upd[i * width + c]
      }
      return [y]
    },
  },
  updateRows: {
    doc: 'x with rows idx replaced: [R, …], i32 [N] (all different), [N, …] → [R, …]. The static KV cache.',
    infer: ([x, idx, upd]) => {
      need(idx.dtype === 'i32' && idx.shape.length === 1, 'indices are i32 of rank 1')
      need(
        x.dtype === upd.dtype && sameShape(upd.shape, [idx.shape[0], ...x.shape.slice(1)]),
        `updates must be ${x.dtype}[${[idx.shape[0], ...x.shape.slice(1)].join(',')}]`,
      )
      return [x]
    },
    jvp: ({ x, t }) => [
      x[0].dtype === 'f32' ? updateRows(t[0] ?? zerosLike(x[0]), x[1], t[2] ?? zerosLike(x[2])) : undefined,
    ],
    vjp: ({ x, g, needs }) => [
      needs[0] ? updateRows(g[0]!, x[1], zerosLike(x[2])) : undefined,
      undefined,
      needs[2] ? take(g[0]!, x[1]) : undefined,
    ],
    evaluate: ([x, idx, upd], _, [xs]) => {
      const width = sizeOf(xs.shape.slice(1))
      const y = x.slice()
      idx.forEach((row, i) =>
        y.set(upd.subarray(i * width, (i + 1) * width), checked(row, xs.shape[0], 'updateRows') * width),
      )
      return [y]
    },
  },
}

const emptyLike = (x: HostArray, n: number): HostArray =>
  x instanceof Int32Array
    ? new Int32Array(n)
    : x instanceof Uint8Array
      ? new Uint8Array(n)
      : new Float64Array(n)

export const take = (table: Tensor, idx: Tensor): Tensor => emit('take', indexing.take, [table, idx], {})[0]
export const scatterAdd = (idx: Tensor, upd: Tensor, rows: number): Tensor =>
  emit('scatterAdd', indexing.scatterAdd, [idx, upd], { rows })[0]
export const updateRows = (x: Tensor, idx: Tensor, upd: Tensor): Tensor =>
  emit('updateRows', indexing.updateRows, [x, idx, upd], {})[0]
