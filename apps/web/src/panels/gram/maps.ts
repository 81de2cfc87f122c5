// Kernels as they are drawn: normed, in one order, their difference, and the scales. In float32, as they are on file,
// each matrix made in one pass without copies between; in pieces, so that the page answers meanwhile (data/sliced.ts).
import type { ColourScale } from '../../drawing/colour.ts'
import { scaleOf } from '../../drawing/colour-limits.ts'
import type { Norm, Order } from '../../state/address.ts'
import type { GramProbe } from './gram.ts'
import { orderOf } from './order.ts'

export interface GramMaps {
  /** Which row of the file each row of a map is. */
  readonly ordered: readonly number[]
  readonly now: Float32Array
  /** The kernel compared with, and what changed since. */
  readonly before?: Float32Array
  readonly change?: Float32Array
  /** Of both kernels, from what is off their diagonals: K_ii, a squared length, would hide all else. */
  readonly scale: ColourScale
  readonly changeScale?: ColourScale
}

/** What row and column are divided by, so that K_ij / (l_i l_j) is normed; NaN for what cannot be. */
const lengthsOf = (values: ArrayLike<number>, n: number, norm: Norm): Float64Array => {
  const diagonal = Float64Array.from({ length: n }, (_, i) => values[i * (n + 1)])
  const mean = diagonal.reduce((sum, x) => sum + x, 0) / n
  return diagonal.map(own => {
    const square = norm === 'raw' ? 1 : norm === 'cosine' ? own : mean
    return square > 0 ? Math.sqrt(square) : NaN
  })
}

/**
 * K normed, rows and columns in `order`, row by row; less another kernel where there is one. Cosines are K_ij / √(K_ii
 * K_jj); `trace` divides by the mean of the diagonal, so that kernels of different steps have one trace.
 */
export function* arranged(
  values: ArrayLike<number>,
  order: readonly number[],
  norm: Norm,
  less?: ArrayLike<number>,
): Generator<void, Float32Array> {
  const n = order.length
  const out = new Float32Array(n * n)
  const length = lengthsOf(values, n, norm)
  const other = less && lengthsOf(less, n, norm)
  for (let r = 0; r < n; r++) {
    const i = order[r]
    for (let c = 0; c < n; c++) {
      const j = order[c]
      const value = values[i * n + j] / (length[i] * length[j])
      out[r * n + c] = other ? value - less[i * n + j] / (other[i] * other[j]) : value
    }
    if (r % 16 === 15) yield
  }
  return out
}

const orders = new WeakMap<object, Map<Order, readonly number[]>>()

/** The maps of a kernel, and of another of the same probes. Rows stand as the other's do, which stays as steps pass. */
export function* gramMaps(
  probes: readonly GramProbe[],
  values: Float32Array,
  base: Float32Array | undefined,
  norm: Norm,
  order: Order,
): Generator<void, GramMaps> {
  const leading = base ?? values
  const known = orders.get(leading) ?? new Map<Order, readonly number[]>()
  orders.set(leading, known)
  const ordered = known.get(order) ?? (yield* orderOf(probes, leading, order))
  known.set(order, ordered)
  const [log, diagonal] = [norm !== 'cosine', ordered.length + 1]
  const now = yield* arranged(values, ordered, norm)
  if (!base) return { ordered, now, scale: yield* scaleOf([now], true, log, diagonal) }
  const before = yield* arranged(base, ordered, norm)
  const change = yield* arranged(values, ordered, norm, base)
  return {
    ordered,
    now,
    before,
    change,
    scale: yield* scaleOf([now, before], true, log, diagonal),
    changeScale: yield* scaleOf([change], true, log, diagonal),
  }
}
