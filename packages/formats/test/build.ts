// Builders of sound and unsound files for the tests.
import { memorySource } from '../src/index.ts'
import type { ByteSink, ByteSource } from '../src/index.ts'

export const collectingSink = (): ByteSink & { bytes(): Uint8Array } => {
  const parts: number[] = []
  return {
    async write(bytes) { for (const byte of bytes) parts.push(byte) },
    bytes: () => Uint8Array.from(parts),
  }
}

/** A safetensors file with exactly this header text and this many bytes of data. */
export const safetensorsOf = (header: string | Uint8Array, dataBytes = 0, claimed?: bigint): ByteSource => {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return memorySource(bytes, 'model.safetensors')
}

/** mulberry32: a small seeded generator of uint32. */
export const random = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return (t ^ (t >>> 14)) >>> 0
}

/** A source that counts the most bytes any single read asked for. */
export const watched = (source: ByteSource): ByteSource & { largest(): number } => {
  let largest = 0
  return {
    ...source,
    async read(offset, length) {
      largest = Math.max(largest, length)
      return source.read(offset, length)
    },
    largest: () => largest,
  }
}
