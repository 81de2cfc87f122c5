// Reading a GGUF: the header once, then one tensor at a time, dequantised in pieces of about a million
// weights.
import type { ByteSource } from '../bytes/source.ts'
import { alignedTo } from '../bytes/source.ts'
import { CHUNK_ELEMENTS, entryOf } from '../tensor-file.ts'
import type { TensorFile } from '../tensor-file.ts'
import { dequantise } from './dequantise.ts'
import { readGgufHeader } from './header.ts'
import type { GgufValue } from './header.ts'
import { blockLayouts } from './types.ts'
import type { GgufType } from './types.ts'

export interface Gguf extends TensorFile<GgufType, ReadonlyMap<string, GgufValue>> {
  readonly version: number
}

/**
 * Opens a GGUF of version 2 or 3: reads and checks its header only. Throws FormatError; a quantisation that
 * is not supported is one (`unknown-dtype`) that names it. Values of `readF32` equal gguf-py's bit for bit.
 */
export const openGguf = async (source: ByteSource): Promise<Gguf> => {
  const { version, metadata, tensors } = await readGgufHeader(source)
  return {
    name: source.name,
    version,
    metadata,
    tensors,
    async readRaw(name) {
      const { offset, bytes } = entryOf(tensors, name, source.name)
      return source.read(offset, bytes)
    },
    async readF32(name) {
      const { dtype, offset, bytes } = entryOf(tensors, name, source.name)
      const layout = blockLayouts[dtype]
      const blocks = bytes / layout.bytes
      const step = CHUNK_ELEMENTS / layout.block
      const out = new Float32Array(blocks * layout.block)
      for (let at = 0; at < blocks; at += step) {
        const part = Math.min(step, blocks - at)
        const raw = alignedTo(await source.read(offset + at * layout.bytes, part * layout.bytes), 4)
        dequantise[dtype](raw, part, out, at * layout.block)
      }
      return out
    },
  }
}
