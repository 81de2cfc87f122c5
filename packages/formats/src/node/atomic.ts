// A file that is there whole or not at all: written beside its final name, fsynced, renamed over it, and
// then the directory fsynced, since on Linux the rename itself is only durable after that.
import { open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ByteSink } from '../safetensors/write.ts'
import { writeError } from './codes.ts'

const syncDirectory = async (path: string) => {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Calls `fill` with a sink and puts the result under `path` in one step. If `fill` or the disk fails,
 * whatever was at `path` before is still there and the temporary file is gone. Throws FormatError
 * `no-space`, `not-writable` or `write-failed`, or what `fill` threw.
 */
export const writeAtomically = async <T>(path: string, fill: (sink: ByteSink) => Promise<T>): Promise<T> => {
  const temporary = `${path}.${process.pid}.tmp`
  let handle
  try {
    handle = await open(temporary, 'w')
  } catch (cause) {
    throw writeError(path, cause)
  }
  const sink: ByteSink = {
    async write(bytes) {
      try {
        for (let done = 0; done < bytes.length;) {
          done += (await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 30))).bytesWritten
        }
      } catch (cause) {
        throw writeError(path, cause)
      }
    },
  }
  try {
    const result = await (async () => {
      try {
        const filled = await fill(sink)
        await handle.sync().catch(cause => { throw writeError(path, cause) })
        return filled
      } finally {
        await handle.close()
      }
    })()
    await rename(temporary, path).catch(cause => { throw writeError(path, cause) })
    await syncDirectory(dirname(path))
    return result
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}
