// Appending so that a crash can only ever leave a torn tail: each write goes to a known place, and a write
// that fails is cut off again, so that the caller may free space and try once more.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { FormatError } from '@ldyn/formats'
import { RunError } from '../error.ts'
import type { AppendFile } from '../writing/storage.ts'

/** Writes some of `bytes` at `position` and says how many. Tests put a full disk in its place. */
export type DiskWrite = (handle: FileHandle, bytes: Uint8Array, position: number) => Promise<number>

export const plainWrite: DiskWrite = async (handle, bytes, position) =>
  (await handle.write(bytes, 0, bytes.length, position)).bytesWritten

const systemCode = (cause: unknown): string => {
  const origin = cause instanceof FormatError ? cause.cause : cause
  return (origin as NodeJS.ErrnoException | undefined)?.code ?? String((origin as Error | undefined)?.message)
}

/** What a failed write means to the person whose run it is. */
export const diskError = (path: string, cause: unknown): RunError => {
  if (cause instanceof RunError) return cause
  const code = systemCode(cause)
  const what = 'Cannot write the run'
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new RunError({
      code: 'no-space', what, where: path, why: `the disk or quota is full (${code})`,
      fix: 'Free some space, then go on with --resume; all that was committed is on file',
    }, { cause })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new RunError({
      code: 'not-writable', what, where: path, why: `the directory or file cannot be written (${code})`,
      fix: 'Choose another --out, or change its permissions',
    }, { cause })
  }
  return new RunError({
    code: 'write-failed', what, where: path, why: `the system says ${code}`,
    fix: 'Check the disk, then go on with --resume',
  }, { cause })
}

/** Opens or makes a file and cuts off whatever lies behind its first `committed` bytes. Throws RunError. */
export const openAppend = async (path: string, committed: number, write: DiskWrite): Promise<AppendFile> => {
  let handle: FileHandle
  let at = committed
  try {
    handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666)
    if ((await handle.stat()).size > committed) await handle.truncate(committed)
  } catch (cause) {
    throw diskError(path, cause)
  }
  return {
    path,
    get at() { return at },
    async append(bytes) {
      try {
        for (let done = 0; done < bytes.length;) done += await write(handle, bytes.subarray(done), at + done)
      } catch (cause) {
        await handle.truncate(at).catch(() => {})
        throw diskError(path, cause)
      }
      at += bytes.length
    },
    async read(offset, length) {
      const bytes = new Uint8Array(length)
      await handle.read(bytes, 0, length, offset)
      return bytes
    },
    async cutTo(bytes) {
      // Where even cutting fails, the next append overwrites, and readers and the next resume drop the tail.
      await handle.truncate(bytes).catch(() => {})
      at = bytes
    },
    async sync() {
      await handle.datasync().catch(cause => { throw diskError(path, cause) })
    },
    close: () => handle.close(),
  }
}
