// Rows of float32 as bytes that gzip well (format.ts): by columns, each byte of a value apart from the others, and
// where asked as float16 changes since the first row.
import { f16Bits, widenF16 } from '@ldyn/formats'
import { SnapshotError, type NumberPart, type Precision } from './format.ts'

export type Coded = Pick<NumberPart, 'codec' | 'count' | 'width' | 'exponent' | 'worst'> & {
  readonly data: Uint8Array
}

/** Rows to columns: [row][column] becomes [column][row]. */
const transposed = (values: Float32Array, width: number): Float32Array => {
  const rows = values.length / width
  const out = new Float32Array(values.length)
  for (let r = 0; r < rows; r++) for (let c = 0; c < width; c++) out[c * rows + r] = values[r * width + c]
  return out
}

/** Byte 0 of every value, then byte 1 of every value, … */
const shuffled = (bytes: Uint8Array, size: number): Uint8Array => {
  const n = bytes.length / size
  const out = new Uint8Array(bytes.length)
  for (let b = 0; b < size; b++) for (let i = 0; i < n; i++) out[b * n + i] = bytes[i * size + b]
  return out
}
const unshuffled = (bytes: Uint8Array, size: number): Uint8Array => {
  const n = bytes.length / size
  const out = new Uint8Array(bytes.length)
  for (let b = 0; b < size; b++) for (let i = 0; i < n; i++) out[i * size + b] = bytes[b * n + i]
  return out
}

const bytesOf = (values: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

const refuseNonFinite = (values: Float32Array, width: number, where: string): void => {
  const bad = values.findIndex(value => !Number.isFinite(value))
  if (bad < 0) return
  throw new SnapshotError({
    code: 'non-finite',
    what: 'Cannot put a number into the snapshot',
    where: `${where}, row ${Math.floor(bad / width)}, column ${bad % width}`,
    why: `it is ${values[bad]}, and a run holds finite numbers only`,
    fix: 'ldyn runs verify says what else is wrong with the run',
  })
}

/** The power of two that brings `largest` to [2^14, 2^15); 0 for 0. */
const exponentFor = (largest: number): number => (largest > 0 ? Math.floor(Math.log2(largest)) - 14 : 0)

/**
 * Codes rows of `width`; `where` names them in errors. A single row has no change to speak of and is coded as a
 * change from 0. Throws SnapshotError `non-finite`, naming row and column.
 */
export const encodeNumbers = (
  values: Float32Array,
  width: number,
  precision: Precision,
  where: string,
): Coded => {
  refuseNonFinite(values, width, where)
  const count = values.length
  if (precision === 'f32' || count === 0)
    return { codec: 'f32', count, width, data: shuffled(bytesOf(transposed(values, width)), 4) }
  const rows = count / width
  const base = rows > 1 ? values.subarray(0, width) : undefined
  const first = base ? 1 : 0
  let largest = 0
  for (let i = first * width; i < count; i++)
    largest = Math.max(largest, Math.abs(values[i] - (base ? base[i % width] : 0)))
  const exponent = exponentFor(largest)
  const [down, up] = [2 ** -exponent, 2 ** exponent]
  const half = new Uint16Array(count - first * width)
  const [bits, back] = [new Uint16Array(1), new Float32Array(1)]
  let worst = 0
  for (let c = 0; c < width; c++) {
    for (let r = first; r < rows; r++) {
      const [value, from] = [values[r * width + c], base ? base[c] : 0]
      bits[0] = f16Bits((value - from) * down)
      half[c * (rows - first) + r - first] = bits[0]
      widenF16(bits, back)
      worst = Math.max(worst, Math.abs(Math.fround(from + back[0] * up) - value))
    }
  }
  const head = base ? shuffled(bytesOf(base.slice()), 4) : new Uint8Array(0)
  const changes = shuffled(bytesOf(half), 2)
  const data = new Uint8Array(head.length + changes.length)
  data.set(head)
  data.set(changes, head.length)
  return { codec: 'f16', count, width, exponent, worst, data }
}

/** Bytes that `count` values in rows of `width` take. */
export const codedBytes = ({ codec, count, width }: Omit<Coded, 'data' | 'worst'>): number =>
  codec === 'f32' || count === 0 ? count * 4 : count > width ? width * 4 + (count - width) * 2 : count * 2

/** What `encodeNumbers` coded, f16 within `worst`. `data` has `codedBytes` bytes. */
export const decodeNumbers = ({ codec, count, width, exponent = 0, data }: Coded): Float32Array => {
  const out = new Float32Array(count)
  if (count === 0) return out
  const rows = count / width
  if (codec === 'f32') {
    const columns = new Float32Array(unshuffled(data, 4).buffer)
    for (let c = 0; c < width; c++) for (let r = 0; r < rows; r++) out[r * width + c] = columns[c * rows + r]
    return out
  }
  const first = rows > 1 ? 1 : 0
  const base = new Float32Array(unshuffled(data.subarray(0, first * width * 4), 4).buffer)
  const half = new Uint16Array(unshuffled(data.subarray(first * width * 4), 2).buffer)
  const changes = new Float32Array(half.length)
  widenF16(half, changes)
  const up = 2 ** exponent
  if (first === 1) out.set(base)
  for (let c = 0; c < width; c++) {
    const from = first === 1 ? base[c] : 0
    for (let r = first; r < rows; r++) out[r * width + c] = from + changes[c * (rows - first) + r - first] * up
  }
  return out
}
