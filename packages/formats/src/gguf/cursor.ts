// Walks the front of a GGUF, whose length is not known beforehand: the parser runs on a prefix of the file
// and, where that ends too early, again on a longer one. So parsing stays synchronous (a vocabulary is 10^5
// strings), reads at most twice what the header needs, and every length is compared with the file's size
// before it is believed.
import { FormatError, quoted } from '../error.ts'
import type { ByteSource } from '../bytes/source.ts'

/** Thrown by a cursor that ran off its prefix, never seen outside `parsePrefix`. */
class PrefixTooShort extends Error {
  readonly needed: number
  constructor(needed: number) {
    super('prefix too short')
    this.needed = needed
  }
}

const FIRST_PREFIX = 1 << 20
const MAX_HEADER_BYTES = 1 << 30

export interface Cursor {
  readonly at: number
  /** Bytes of the file that lie behind the cursor's place. */
  readonly left: number
  readonly view: DataView
  /**
   * The offset of the next `length` bytes, which are there; `what` names them in the error where they are
   * not.
   */
  take(length: number, what: string): number
  /**
   * A u64 that is a number of things of at least `each` bytes: more of them than the file could hold is an
   * error.
   */
  count(each: number, what: string): number
  /** A u64 length and that many bytes of UTF-8. */
  string(what: string): string
}

const makeCursor = (source: ByteSource, prefix: Uint8Array): Cursor => {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let at = 0
  const fail = (code: FormatError['code'], why: string, cause?: unknown) => new FormatError({
    code, what: 'Cannot read the GGUF header', where: `${source.name}, byte ${at}`, why,
    fix: 'The file is damaged or was not finished: copy or download it again',
  }, { cause })
  const take = (length: number, what: string): number => {
    if (at + length > source.size) {
      throw fail('truncated', `${what} would end at byte ${at + length} and the file ends at ${source.size}`)
    }
    if (at + length > MAX_HEADER_BYTES) throw fail('header-too-large', `it is longer than ${MAX_HEADER_BYTES} bytes`)
    if (at + length > prefix.byteLength) throw new PrefixTooShort(at + length)
    const start = at
    at += length
    return start
  }
  const count = (each: number, what: string): number => {
    const start = at
    const claimed = view.getBigUint64(take(8, what), true)
    if (claimed * BigInt(each) > BigInt(source.size - at)) {
      at = start
      throw fail('header-too-large', `it claims ${claimed} for ${what}, more than the file could hold`)
    }
    return Number(claimed)
  }
  return {
    get at() { return at },
    get left() { return source.size - at },
    view,
    take,
    count,
    string(what) {
      const length = count(1, `the length of ${what}`)
      const start = take(length, what)
      try {
        return decoder.decode(prefix.subarray(start, start + length))
      } catch (cause) {
        throw fail('not-utf8', `${what} is not UTF-8 text`, cause)
      }
    },
  }
}

/** Runs `parse` on a prefix that is long enough. Throws what `parse` throws, and FormatError. */
export const parsePrefix = async <T>(source: ByteSource, parse: (cursor: Cursor) => T): Promise<T> => {
  let length = Math.min(FIRST_PREFIX, source.size)
  for (;;) {
    const prefix = await source.read(0, length)
    try {
      return parse(makeCursor(source, prefix))
    } catch (error) {
      if (!(error instanceof PrefixTooShort)) throw error
      length = Math.min(Math.max(length * 2, error.needed), source.size)
    }
  }
}

export const named = (kind: string, name: string): string => `${kind} ${quoted(name)}`
