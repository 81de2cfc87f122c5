// Reading safetensors: the header once, then one tensor at a time, widened to float32 in pieces, so that
// beside the result no more than a few MiB are held.
import type { ByteSource } from '../bytes/source.ts'
import { alignedTo } from '../bytes/source.ts'
import { widenBF16, widenF16 } from '../bytes/half.ts'
import { CHUNK_ELEMENTS, entryOf } from '../tensor-file.ts'
import type { TensorFile } from '../tensor-file.ts'
import { dtypeBytes } from './dtype.ts'
import type { Dtype } from './dtype.ts'
import { readSafetensorsHeader } from './header.ts'

/** Values of a tensor, counted row-major from its first. */
export interface Span {
  readonly from: number
  readonly count: number
}

export interface Safetensors extends TensorFile<Dtype, Readonly<Record<string, string>>> {
  /** As of any tensor file; of a `span` nothing else is read: one matrix of a stack. Throws RangeError past the end. */
  readF32(name: string, span?: Span): Promise<Float32Array>
}

type Widen = (bytes: Uint8Array, count: number, out: Float32Array, at: number) => void

const u16 = (bytes: Uint8Array, count: number) => new Uint16Array(bytes.buffer, bytes.byteOffset, count)

const widen: Readonly<Record<Dtype, Widen>> = {
  F32: (bytes, count, out, at) => out.set(new Float32Array(bytes.buffer, bytes.byteOffset, count), at),
  F16: (bytes, count, out, at) => widenF16(u16(bytes, count), out, at),
  BF16: (bytes, count, out, at) => widenBF16(u16(bytes, count), out, at),
  F64: (bytes, count, out, at) => out.set(new Float64Array(bytes.buffer, bytes.byteOffset, count), at),
  I64: (bytes, count, out, at) => {
    const values = new BigInt64Array(bytes.buffer, bytes.byteOffset, count)
    for (let i = 0; i < count; i++) out[at + i] = Number(values[i])
  },
  I32: (bytes, count, out, at) => out.set(new Int32Array(bytes.buffer, bytes.byteOffset, count), at),
  I16: (bytes, count, out, at) => out.set(new Int16Array(bytes.buffer, bytes.byteOffset, count), at),
  I8: (bytes, count, out, at) => out.set(new Int8Array(bytes.buffer, bytes.byteOffset, count), at),
  U8: (bytes, _, out, at) => out.set(bytes, at),
  BOOL: (bytes, count, out, at) => {
    for (let i = 0; i < count; i++) out[at + i] = bytes[i] === 0 ? 0 : 1
  },
}

/**
 * Opens a safetensors file: reads and checks its header only. Throws FormatError.
 * `readF32` widens exactly from F16 and BF16; F64 and I64 are rounded to the nearest float32.
 */
export const openSafetensors = async (source: ByteSource): Promise<Safetensors> => {
  const { metadata, tensors } = await readSafetensorsHeader(source)
  return {
    name: source.name,
    metadata,
    tensors,
    async readRaw(name) {
      const { offset, bytes } = entryOf(tensors, name, source.name)
      return source.read(offset, bytes)
    },
    async readF32(name, span) {
      const { dtype, offset: start, bytes } = entryOf(tensors, name, source.name)
      const width = dtypeBytes[dtype]
      const { from, count } = span ?? { from: 0, count: bytes / width }
      if (!(from >= 0 && count >= 0 && from + count <= bytes / width))
        throw new RangeError(`${name} of ${source.name} has ${bytes / width} values, and not ${count} from ${from} on`)
      const offset = start + from * width
      const out = new Float32Array(count)
      for (let at = 0; at < count; at += CHUNK_ELEMENTS) {
        const part = Math.min(CHUNK_ELEMENTS, count - at)
        const raw = alignedTo(await source.read(offset + at * width, part * width), width)
        widen[dtype](raw, part, out, at)
      }
      return out
    },
  }
}
