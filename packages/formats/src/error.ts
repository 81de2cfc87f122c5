// One error class for every parser of foreign bytes. Its message is a sentence that says what failed,
// where, why and what to do about it; `code` is stable and meant for scripts and tests.

export type FormatErrorCode =
  // the bytes are not what the name promises
  | 'not-found' | 'unreadable' | 'empty-file' | 'lfs-pointer' | 'html-page' | 'wrong-format' | 'truncated'
  // headers
  | 'bad-magic' | 'unsupported-version' | 'header-too-large' | 'header-not-utf8' | 'header-not-json' | 'bad-header'
  // tensors
  | 'duplicate-name' | 'unknown-dtype' | 'bad-shape' | 'out-of-bounds' | 'overlap' | 'hole' | 'size-mismatch'
  | 'unknown-tensor' | 'missing-shard' | 'bad-index' | 'unaligned' | 'overflow'
  // records and lines
  | 'bad-checksum' | 'bad-record' | 'not-utf8' | 'not-json' | 'half-line' | 'line-too-long' | 'unsupported-layout'
  // writing
  | 'no-space' | 'not-writable' | 'write-failed'

/** What every error that a person will read is made of. */
export interface ProblemParts<Code extends string> {
  /** Stable, for scripts and tests. */
  readonly code: Code
  /** What could not be done: "Cannot read the safetensors header". */
  readonly what: string
  /** File, and the tensor, key, line or byte range inside it. */
  readonly where: string
  /** The fact that decided, with its numbers. */
  readonly why: string
  /** One thing that the reader can do now. */
  readonly fix: string
}

/** The base of the errors of formats, models and runs: a sentence, and its parts. */
export class Problem<Code extends string> extends Error {
  readonly code: Code
  readonly what: string
  readonly where: string
  readonly why: string
  readonly fix: string

  constructor(parts: ProblemParts<Code>, options?: { cause?: unknown }) {
    super(`${parts.what} (${parts.where}): ${parts.why}. ${parts.fix}.`, options)
    this.code = parts.code
    this.what = parts.what
    this.where = parts.where
    this.why = parts.why
    this.fix = parts.fix
  }
}

export type FormatErrorParts = ProblemParts<FormatErrorCode>

export class FormatError extends Problem<FormatErrorCode> {
  override readonly name = 'FormatError'
}

/** Text from a foreign file, made fit for one line of a message. */
export const quoted = (text: string): string => {
  const short = text.length > 80 ? `${text.slice(0, 77)}…` : text
  return JSON.stringify(short)
}
