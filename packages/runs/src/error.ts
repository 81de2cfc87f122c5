// What can go wrong with a run directory, as sentences: what, where, why, what to do.

export type RunErrorCode =
  // the directory
  | 'not-a-run' | 'newer-schema' | 'bad-manifest' | 'exists' | 'locked'
  // the files
  | 'bad-line' | 'bad-index' | 'bad-probes' | 'short-data' | 'non-finite' | 'out-of-order'
  // asking
  | 'no-probes' | 'unknown-column' | 'wrong-shape' | 'not-a-sum'
  // resuming
  | 'differs'
  // the disk
  | 'no-space' | 'not-writable' | 'write-failed' | 'unreadable' | 'closed'

export interface RunErrorParts {
  readonly code: RunErrorCode
  readonly what: string
  readonly where: string
  readonly why: string
  readonly fix: string
}

export class RunError extends Error {
  override readonly name = 'RunError'
  readonly code: RunErrorCode
  readonly what: string
  readonly where: string
  readonly why: string
  readonly fix: string

  constructor(parts: RunErrorParts, options?: { cause?: unknown }) {
    super(`${parts.what} (${parts.where}): ${parts.why}. ${parts.fix}.`, options)
    this.code = parts.code
    this.what = parts.what
    this.where = parts.where
    this.why = parts.why
    this.fix = parts.fix
  }
}
