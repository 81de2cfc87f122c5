// What can go wrong with a run directory, as sentences: what, where, why, what to do.
import { Problem } from '@ldyn/formats'

export type RunErrorCode =
  // the directory
  | 'not-a-run' | 'newer-schema' | 'bad-manifest' | 'exists' | 'locked'
  // the files
  | 'bad-line' | 'bad-index' | 'bad-probes' | 'short-data' | 'non-finite' | 'out-of-order'
  // asking
  | 'no-probes' | 'unknown-column' | 'wrong-shape' | 'not-a-sum'
  // importing a foreign log
  | 'bad-log' | 'no-log'
  // resuming
  | 'differs'
  // the disk
  | 'no-space' | 'not-writable' | 'write-failed' | 'unreadable' | 'closed'

export class RunError extends Problem<RunErrorCode> {
  override readonly name = 'RunError'
}
