// What the writer of a run needs of the world: files that grow at their end, files that are replaced in one step, and
// somebody who says that they are alive. A directory on disk (node/writer.ts) or the memory of a page (memory.ts).
import type { RunFiles } from '../files.ts'
import type { RunManifest } from '../manifest.ts'

export interface AppendFile {
  readonly path: string
  /** Bytes that are surely whole: where the next append goes. */
  readonly at: number
  append(bytes: Uint8Array): Promise<void>
  read(offset: number, length: number): Promise<Uint8Array>
  /** Takes back appends, so that the file ends at `bytes` again; needs no space on the disk. */
  cutTo(bytes: number): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

export interface RunStorage {
  /** Where the run is, for messages: a directory. */
  readonly directory: string
  /** Where a file of the run is, for messages. */
  at(path: string): string
  readonly files: RunFiles
  /** Opens or makes a file and cuts off whatever lies behind its first `committed` bytes. Throws RunError. */
  open(path: string, committed: number): Promise<AppendFile>
  /** A whole file, in one step. Throws RunError. */
  replace(path: string, bytes: Uint8Array): Promise<void>
  /** Who writes, now. */
  alive(): NonNullable<RunManifest['process']>
  /** Lets go of the run: another may write it. */
  release(): Promise<void>
}
