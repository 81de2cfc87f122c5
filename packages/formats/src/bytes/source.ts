// Random access to bytes of known size: a file, a Blob, an ArrayBuffer. Parsers see nothing else, so the
// same code reads a local file in Node and a dropped file in a browser. Every read is checked against the
// size before anything is allocated.
import { FormatError } from '../error.ts'

export interface ByteSource {
  /** Bytes in all. */
  readonly size: number
  /** How errors call it: a path or a URL. */
  readonly name: string
  /**
   * Exactly `length` bytes from `offset`; throws FormatError `truncated` where the source does not have
   * them.
   */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** Throws unless [offset, offset + length) lies inside the source. Called before a buffer is allocated. */
export const checkRange = (source: { size: number, name: string }, offset: number, length: number): void => {
  const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
  if (sound && offset + length <= source.size) return
  throw new FormatError({
    code: 'truncated',
    what: `Cannot read ${length} bytes at offset ${offset}`,
    where: source.name,
    why: `the file ends at byte ${source.size}`,
    fix: 'The file is cut short or damaged: copy or download it again',
  })
}

/** Bytes in memory as a source; reads are views, not copies. */
export const memorySource = (data: Uint8Array | ArrayBuffer, name = 'memory'): ByteSource => {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data)
  const source = { size: bytes.byteLength, name }
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length)
      return bytes.subarray(offset, offset + length)
    },
  }
}

interface BlobLike { readonly size: number, slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> } }

/** A browser's File or Blob as a source. */
export const blobSource = (blob: BlobLike, name = 'blob'): ByteSource => {
  const source = { size: blob.size, name }
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length)
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
    },
  }
}

/**
 * The same bytes, at an address that a typed array of `align`-byte elements can view; copies only when it
 * must.
 */
export const alignedTo = (bytes: Uint8Array, align: number): Uint8Array =>
  bytes.byteOffset % align === 0 ? bytes : bytes.slice()
