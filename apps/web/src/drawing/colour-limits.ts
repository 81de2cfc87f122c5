// Which values a scale reaches: limits at the 99th percentile, so that a single outlier hides nothing; what lies beyond
// keeps the last colour. Matrices have millions of values, so the k-th smallest is found by counting: twice over the
// halves of the bits that a value has as float32, whose order is that of the values. No copy is made, and a page can
// have its turn between pieces.
import { atOnce } from '../data/sliced.ts'
import type { ColourScale } from './colour.ts'

/** Values between two turns of the page. */
const PIECE = 1 << 16

interface Values {
  /** One or several on one scale. */
  readonly matrices: readonly ArrayLike<number>[]
  /** Sizes count, not signs. */
  readonly signed: boolean
  /** Every `skip`-th value from the first is left out: of an N×N matrix the diagonal for N + 1; 0 for none. */
  readonly skip: number
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** A whole number of 32 bits: those of two values stand as the values do, rounded to float32. */
const keyOf = (value: number): number => {
  float[0] = value
  return (bits[0] & 0x80000000 ? ~bits[0] : bits[0] | 0x80000000) >>> 0
}

const valueOf = (key: number): number => {
  bits[0] = key & 0x80000000 ? key & 0x7fffffff : ~key
  return float[0]
}

/** Hands every value that counts to `use`. */
function* each({ matrices, signed, skip }: Values, use: (value: number) => void): Generator<void, void> {
  for (const values of matrices) {
    for (let i = 0; i < values.length; i++) {
      if (i % PIECE === PIECE - 1) yield
      if (skip > 0 && i % skip === 0) continue
      if (Number.isFinite(values[i])) use(signed ? Math.abs(values[i]) : values[i])
    }
  }
}

/** The bin with the k-th of those that are counted in bins, and its place among the bin's own. */
const binWith = (bins: Uint32Array, k: number): readonly [bin: number, k: number] => {
  let bin = 0
  for (; bin < bins.length - 1 && k >= bins[bin]; bin++) k -= bins[bin]
  return [bin, k]
}

/** The k-th smallest, from 0; `high` counts all by the upper half of their keys. */
function* kthOf(values: Values, high: Uint32Array, k: number): Generator<void, number> {
  const [upper, inUpper] = binWith(high, k)
  const low = new Uint32Array(1 << 16)
  yield* each(values, value => {
    const key = keyOf(value)
    if (key >>> 16 === upper) low[key & 0xffff]++
  })
  const [lower, place] = binWith(low, inUpper)
  const found = ((upper << 16) | lower) >>> 0
  if (values.matrices.every(one => one instanceof Float32Array)) return valueOf(found)
  // As float32 what is left is one number; those of more digits are told apart.
  const alike: number[] = []
  yield* each(values, value => {
    if (keyOf(value) === found) alike.push(value)
  })
  return alike.sort((a, b) => a - b)[place]
}

/** The scale of some matrices together, in pieces. `skip` as above. */
export function* scaleOf(
  matrices: readonly ArrayLike<number>[],
  signed: boolean,
  log = false,
  skip = 0,
): Generator<void, ColourScale> {
  const values = { matrices, signed, skip }
  const high = new Uint32Array(1 << 16)
  let last = -1
  yield* each(values, value => {
    high[keyOf(value) >>> 16]++
    last++
  })
  if (last < 0) return { signed, limit: 1, low: 0 }
  const limit = (yield* kthOf(values, high, Math.ceil(last * 0.99))) || (yield* kthOf(values, high, last)) || 1
  if (!signed) return { signed, limit, low: yield* kthOf(values, high, Math.floor(last * 0.01)) }
  return { signed, limit, low: 0, ...(log && { linear: limit / 50 }) }
}

/** The scale of one matrix, at once. */
export const scaleFor = (values: ArrayLike<number>, signed: boolean, log = false): ColourScale =>
  atOnce(scaleOf([values], signed, log))
