// A run in memory: what the browser lab writes while it trains. The writer is the one that writes to disk; whoever
// shows the run is told of every byte as it comes, and can follow the files as those of a server.
import { memoryFiles } from '../files.ts'
import type { RunFiles } from '../files.ts'
import type { RunStorage } from './storage.ts'

/** A file grew by `bytes` behind its first `from`, or was replaced by them. */
export type MemoryChange =
  | { readonly path: string, readonly from: number, readonly bytes: Uint8Array }
  | { readonly path: string, readonly whole: Uint8Array }

export interface MemoryRun extends RunStorage {
  readonly files: RunFiles
  /** All files as they are now. */
  contents(): ReadonlyMap<string, Uint8Array>
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** Files that grow in pieces: joined when they are read, so that a thousand appends copy nothing a thousand times. */
export const growingFiles = (name: string, changed: (change: MemoryChange) => void = () => {}) => {
  const files = new Map<string, Uint8Array>()
  const ends = new Map<string, { bytes: Uint8Array, length: number }>()
  const settle = (path: string): void => {
    const end = ends.get(path)
    if (!end) return
    files.set(path, end.bytes.subarray(0, end.length))
  }
  return {
    /** The committed length of a file; undefined where there is none. */
    size: (path: string): number | undefined => ends.get(path)?.length ?? files.get(path)?.length,
    append(path: string, from: number, bytes: Uint8Array): void {
      let end = ends.get(path)
      if (!end) {
        const before = files.get(path) ?? new Uint8Array(0)
        ends.set(path, end = { bytes: before.slice(), length: before.length })
      }
      if (end.bytes.length < from + bytes.length) {
        end.bytes = joined(end.bytes.subarray(0, from), new Uint8Array(Math.max(4096, from + 2 * bytes.length)))
      }
      end.bytes.set(bytes, from)
      end.length = from + bytes.length
      settle(path)
      changed({ path, from, bytes })
    },
    cut(path: string, length: number): void {
      const end = ends.get(path)
      if (end) end.length = Math.min(end.length, length)
      settle(path)
    },
    replace(path: string, whole: Uint8Array): void {
      ends.delete(path)
      files.set(path, whole)
      changed({ path, whole })
    },
    contents: (): ReadonlyMap<string, Uint8Array> => files,
    files: memoryFiles(files, name),
  }
}

/** Storage for one run; `host` stands in its manifest as who wrote it. */
export const memoryRun = (
  directory: string, host: string, changed: (change: MemoryChange) => void = () => {},
): MemoryRun => {
  const held = growingFiles(directory, changed)
  const at = (path: string) => `${directory}/${path}`
  return {
    directory,
    at,
    files: held.files,
    contents: held.contents,
    async open(path, committed) {
      let end = committed
      held.append(path, committed, new Uint8Array(0))
      return {
        path: at(path),
        get at() { return end },
        async append(bytes) {
          held.append(path, end, bytes)
          end += bytes.length
        },
        read: async (offset, length) => held.contents().get(path)!.slice(offset, offset + length),
        async cutTo(bytes) {
          held.cut(path, bytes)
          end = bytes
        },
        sync: async () => {},
        close: async () => {},
      }
    },
    replace: async (path, bytes) => held.replace(path, bytes),
    alive: () => ({ pid: 0, host, heartbeat: new Date().toISOString() }),
    release: async () => {},
  }
}
