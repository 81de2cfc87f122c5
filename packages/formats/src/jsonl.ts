// Lines of JSON, with the line number and byte offset of each, for two kinds of file. In users' data a
// half-written last line is an error that names its line. In a file that a program appends to, it is the
// mark of a crash: dropped, and counted, so that a writer knows where to go on.
import { FormatError, quoted } from './error.ts'
import type { ByteSource } from './bytes/source.ts'

export interface Line {
  /** From 1. */
  readonly number: number
  /** Byte at which the line starts. */
  readonly offset: number
  /** Byte after its line feed, or the size of the file. */
  readonly end: number
  /** Without its line end (LF or CRLF), and without the file's byte order mark. */
  readonly text: string
  /** False for a last line that no line feed ends. */
  readonly terminated: boolean
}

/** A line and the JSON value in it. */
export interface JsonLine {
  readonly number: number
  readonly offset: number
  readonly end: number
  readonly value: unknown
}

const CHUNK_BYTES = 1 << 20
const MAX_LINE_BYTES = 1 << 28

const lineError = (
  source: ByteSource, number: number, offset: number, code: FormatError['code'], why: string, fix: string,
  cause?: unknown,
) => new FormatError({
  code, what: 'Cannot read a line', where: `${source.name}, line ${number}, byte ${offset}`, why, fix,
}, { cause })

const decodeLine = (source: ByteSource, bytes: Uint8Array, number: number, offset: number): string => {
  const bom = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const cr = bytes.at(-1) === 0x0d ? 1 : 0
  const body = bytes.subarray(bom, Math.max(bom, bytes.length - cr))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch (cause) {
    const utf16 = number === 1 && (bytes[0] === 0xff || bytes[0] === 0xfe)
    throw lineError(source, number, offset, 'not-utf8', utf16 ? 'it is UTF-16, not UTF-8' : 'it is not UTF-8 text',
      'Save the file as UTF-8', cause)
  }
}

const joined = (parts: readonly Uint8Array[], length: number): Uint8Array => {
  if (parts.length === 1) return parts[0]
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/**
 * The lines of a source from byte `from` (which must be a line's start) on, read a MiB at a time. Throws
 * `not-utf8`, `line-too-long` (256 MiB). A last line without a line feed is given with `terminated: false`.
 */
export async function* readLines(source: ByteSource, from = 0, firstNumber = 1): AsyncGenerator<Line, void> {
  let number = firstNumber
  let offset = from
  let parts: Uint8Array[] = []
  let length = 0
  for (let at = from; at < source.size; at += CHUNK_BYTES) {
    const chunk = await source.read(at, Math.min(CHUNK_BYTES, source.size - at))
    let start = 0
    for (let feed = chunk.indexOf(10); feed >= 0; feed = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, feed))
      length += feed - start
      const text = decodeLine(source, joined(parts, length), number, offset)
      const end = at + feed + 1
      yield { number, offset, end, text, terminated: true }
      number++
      offset = end
      start = feed + 1
      parts = []
      length = 0
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > MAX_LINE_BYTES) {
      throw lineError(source, number, offset, 'line-too-long', `it is longer than ${MAX_LINE_BYTES} bytes`,
        'Check that the file has one JSON value a line')
    }
  }
  if (length > 0) {
    // A torn tail may end within a character: that is decoded leniently, for a half line is refused or
    // dropped anyhow.
    const bytes = joined(parts, length)
    const text = new TextDecoder().decode(bytes)
    const exact = text.includes('\ufffd') ? text : decodeLine(source, bytes, number, offset)
    yield { number, offset, end: source.size, text: exact, terminated: false }
  }
}

const parseLine = (source: ByteSource, line: Line): unknown => {
  try {
    return JSON.parse(line.text)
  } catch (cause) {
    const why = line.terminated
      ? `it is not JSON: it begins ${quoted(line.text.slice(0, 40))}`
      : 'the file ends in the middle of it'
    throw lineError(source, line.number, line.offset, line.terminated ? 'not-json' : 'half-line', why,
      line.terminated ? 'Write one JSON value a line' : 'Copy the file again or remove the half line', cause)
  }
}

/**
 * Users' data: every line must be JSON; blank lines are passed over. A last line may lack its line feed but
 * not its end. Throws FormatError `not-json`, `half-line`, `not-utf8`, each with the line's number.
 */
export async function* readJsonl(source: ByteSource): AsyncGenerator<JsonLine, void> {
  for await (const line of readLines(source)) {
    if (line.text.trim() === '') continue
    if (!line.terminated && line.text.includes('\ufffd')) {
      // Either bytes that are not UTF-8 or a character cut in two; the strict decoder says so.
      const bytes = await source.read(line.offset, line.end - line.offset)
      decodeLine(source, bytes, line.number, line.offset)
    }
    const { number, offset, end } = line
    yield { number, offset, end, value: parseLine(source, line) }
  }
}

export interface AppendedLines {
  readonly lines: readonly JsonLine[]
  /** Bytes that belong to whole lines: where the next line goes. */
  readonly committed: number
  /** Bytes of a torn tail behind them; 0 in a file that was closed properly. */
  readonly torn: number
}

/**
 * A file that a program appends to: a last line without its line feed was never committed and is left out.
 */
export const readAppended = async (source: ByteSource, from = 0, firstNumber = 1): Promise<AppendedLines> => {
  const lines: JsonLine[] = []
  let committed = from
  for await (const line of readLines(source, from, firstNumber)) {
    if (!line.terminated) break
    const { number, offset, end } = line
    lines.push({ number, offset, end, value: parseLine(source, line) })
    committed = end
  }
  return { lines, committed, torn: source.size - committed }
}
