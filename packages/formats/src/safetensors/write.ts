// Writing safetensors, byte for byte as the reference implementation does: tensors by falling dtype rank
// and then by name, compact JSON, the header padded with spaces to a multiple of 8. Data are asked for one
// tensor at a time and narrowed in pieces, so a model can be saved while only one of its tensors is in
// memory.
import { FormatError, quoted } from '../error.ts'
import { narrowBF16, narrowF16 } from '../bytes/half.ts'
import { CHUNK_ELEMENTS, elementCount } from '../tensor-file.ts'
import { dtypeBytes, dtypeRank } from './dtype.ts'
import type { Dtype } from './dtype.ts'

/** Takes bytes in order. A write must not keep the array after it resolves. */
export interface ByteSink { write(bytes: Uint8Array): Promise<void> }

export type TensorData =
  Float32Array | Float64Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array

export interface TensorToWrite {
  readonly name: string
  readonly shape: readonly number[]
  /**
   * F32, F16 or BF16 from a Float32Array (rounded to nearest, ties to even); otherwise the array's own type.
   */
  readonly dtype: Dtype
  /** The values, row-major, or a function that is called when their turn comes. */
  readonly data: TensorData | (() => TensorData | Promise<TensorData>)
}

export interface SafetensorsWriteOptions { readonly metadata?: Readonly<Record<string, string>> }

const arrayDtypes: readonly (readonly [abstract new (...args: never[]) => TensorData, readonly Dtype[]])[] = [
  [Float32Array, ['F32', 'F16', 'BF16']], [Float64Array, ['F64']], [BigInt64Array, ['I64']], [Int32Array, ['I32']],
  [Int16Array, ['I16']], [Int8Array, ['I8']], [Uint8Array, ['U8', 'BOOL']],
]

const utf8 = new TextEncoder()

/**
 * Rust compares strings by their UTF-8 bytes; JavaScript by UTF-16 units, which differs beyond the basic
 * plane.
 */
const byUtf8 = (a: string, b: string): number => {
  const [x, y] = [utf8.encode(a), utf8.encode(b)]
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] - y[i]
  return x.length - y.length
}

interface Placed extends TensorToWrite { readonly begin: number, readonly end: number }

const place = (tensors: readonly TensorToWrite[]): Placed[] => {
  const names = new Set<string>()
  let at = 0
  return [...tensors].sort((a, b) => dtypeRank(b.dtype) - dtypeRank(a.dtype) || byUtf8(a.name, b.name)).map(tensor => {
    if (names.has(tensor.name) || tensor.name === '__metadata__') {
      throw refuse(tensor.name, 'duplicate-name', 'its name is taken', 'Give every tensor its own name')
    }
    names.add(tensor.name)
    const count = elementCount(tensor.shape)
    if (count === undefined || !tensor.shape.every(dim => Number.isSafeInteger(dim) && dim >= 0)) {
      throw refuse(tensor.name, 'bad-shape', `its shape is [${tensor.shape.join(', ')}]`, 'Give whole, finite sizes')
    }
    const begin = at
    at += count * dtypeBytes[tensor.dtype]
    return { ...tensor, begin, end: at }
  })
}

const refuse = (name: string, code: FormatError['code'], why: string, fix: string) =>
  new FormatError({ code, what: 'Cannot write a tensor', where: `tensor ${quoted(name)}`, why, fix })

const headerBytes = (placed: readonly Placed[], metadata: Readonly<Record<string, string>> | undefined): Uint8Array => {
  const parts = placed.map(({ name, dtype, shape, begin, end }) =>
    `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`)
  if (metadata && Object.keys(metadata).length > 0) {
    const sorted = Object.entries(metadata).sort(([a], [b]) => byUtf8(a, b))
    parts.unshift(`"__metadata__":{${sorted.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`)
  }
  const json = utf8.encode(`{${parts.join(',')}}`)
  const padded = Math.ceil(json.length / 8) * 8
  const out = new Uint8Array(8 + padded).fill(0x20)
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true)
  out.set(json, 8)
  return out
}

const bytesOf = (array: TensorData | Uint16Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

const narrow = (tensor: TensorToWrite, part: TensorData, at: number): Uint8Array => {
  if (!(part instanceof Float32Array) || tensor.dtype === 'F32') return bytesOf(part)
  const half = tensor.dtype === 'F16' ? narrowF16(part) : narrowBF16(part)
  const infinity = tensor.dtype === 'F16' ? 0x7c00 : 0x7f80
  for (let i = 0; i < half.length; i++) {
    if ((half[i] & 0x7fff) === infinity && Number.isFinite(part[i])) {
      throw refuse(tensor.name, 'overflow', `its element ${at + i}, ${part[i]}, is beyond the range of ${tensor.dtype}`,
        tensor.dtype === 'F16' ? 'Save as BF16 or F32' : 'Save as F32')
    }
  }
  return bytesOf(half)
}

const checkData = (tensor: Placed, data: TensorData) => {
  const takes = arrayDtypes.find(([type]) => data instanceof type)?.[1] ?? []
  if (!takes.includes(tensor.dtype)) {
    throw refuse(tensor.name, 'size-mismatch', `its data are a ${data.constructor.name}, its dtype ${tensor.dtype}`,
      `A ${data.constructor.name} can be written as ${takes.join(', ')}`)
  }
  const count = elementCount(tensor.shape)
  if (data.length !== count) {
    throw refuse(tensor.name, 'size-mismatch', `it has ${data.length} values, its shape [${tensor.shape.join(', ')}] `
      + `${count}`, 'Give as many values as the shape has places')
  }
}

/**
 * Writes the tensors to `sink` in order, and returns the number of bytes. Throws FormatError:
 * `duplicate-name`, `bad-shape`, `size-mismatch`, and `overflow` where a finite value would become an
 * infinity.
 */
export const writeSafetensors = async (
  sink: ByteSink, tensors: readonly TensorToWrite[], options: SafetensorsWriteOptions = {},
): Promise<number> => {
  const placed = place(tensors)
  const header = headerBytes(placed, options.metadata)
  await sink.write(header)
  for (const tensor of placed) {
    const data = typeof tensor.data === 'function' ? await tensor.data() : tensor.data
    checkData(tensor, data)
    for (let at = 0; at < data.length; at += CHUNK_ELEMENTS) {
      await sink.write(narrow(tensor, data.subarray(at, at + CHUNK_ELEMENTS), at))
    }
  }
  return header.length + (placed.at(-1)?.end ?? 0)
}
