// What a run's writer does, and what it is given; who makes one, over which files, stands in begin.ts.
import type { Decomposition } from '../decomposition.ts'
import type { RunManifest, RunStatus } from '../manifest.ts'
import type { RunEventBody } from '../records.ts'
import type { Watched } from '../watched.ts'

export type NewRun = Omit<RunManifest, 'schema' | 'status' | 'process'>

export interface ProbeValues {
  /** One array of P values for every metric of `columns.metrics`. */
  readonly metrics: Readonly<Record<string, Float32Array>>
  /** One array of T values for every metric of `columns.tokens`. */
  readonly tokens?: Readonly<Record<string, Float32Array>>
}

export interface RunWriter extends AsyncDisposable {
  readonly directory: string
  readonly manifest: RunManifest
  /** The last step that has scalars or an evaluation on file; 0 in a new run. */
  readonly lastStep: number
  /** What computed the run before it was resumed on another backend, device or version just now. */
  readonly movedFrom?: RunManifest['backend']
  /** Appends one line of scalars, or compares with the line that is there. Throws `non-finite`, `differs`. */
  scalars(step: number, stage: string, values: Readonly<Record<string, number>>): Promise<void>
  /**
   * Appends and commits one evaluation, or compares with the one that is there. Absent columns are stored as
   * 0.
   */
  probes(step: number, stage: string, values: ProbeValues): Promise<void>
  /** Appends what one update did, or compares with the line that is there. Throws `non-finite`, `differs`. */
  decomposition(step: number, stage: string, found: Decomposition): Promise<void>
  /** Appends distributions at watched positions, or compares with those there. Throws `non-finite`, `differs`. */
  watched(step: number, stage: string, found: Watched): Promise<void>
  /**
   * Appends an event. One of a redone step that is on file already (all but its time) is not appended again.
   */
  event(event: RunEventBody): Promise<void>
  /** Puts all that was appended on disk: call before a checkpoint is saved. */
  sync(): Promise<void>
  /** Says in the manifest that the process lives; commits do so by themselves every ten seconds. */
  heartbeat(): Promise<void>
  /** Writes the last status, closes the files and lets go of the lock. */
  finish(status: Exclude<RunStatus, 'running'>, reason?: string): Promise<void>
  /** Closes without a status, as a crash would leave it. */
  close(): Promise<void>
}
