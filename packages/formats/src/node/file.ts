// Files as byte sources.
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { FormatError } from '../error.ts'
import { checkRange } from '../bytes/source.ts'
import type { ByteSource } from '../bytes/source.ts'
import { codeOf } from './codes.ts'

export interface OpenedFile extends ByteSource, AsyncDisposable { close(): Promise<void> }

/**
 * A source over a handle that stays the caller's. The size is taken once: bytes appended later are not seen.
 */
export const fileSource = async (handle: FileHandle, name: string): Promise<ByteSource> => {
  const { size } = await handle.stat()
  const source = { size, name }
  return {
    ...source,
    async read(offset, length) {
      checkRange(source, offset, length)
      const bytes = new Uint8Array(length)
      let done = 0
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done)
        // A file that shrank after it was opened ends early here.
        if (bytesRead === 0) checkRange({ size: offset + done, name }, offset, length)
        done += bytesRead
      }
      return bytes
    },
  }
}

/**
 * Opens a file for reading; dispose of it with `await using` or `close()`. Throws `not-found` or
 * `unreadable`.
 */
export const openFile = async (path: string): Promise<OpenedFile> => {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (cause) {
    throw new FormatError(codeOf(cause) === 'ENOENT'
      ? { code: 'not-found', what: 'Cannot open the file', where: path, why: 'there is no such file', fix: 'Check the path' }
      : {
          code: 'unreadable', what: 'Cannot open the file', where: path, why: `the system says ${codeOf(cause)}`,
          fix: 'Check that you may read it and that it is a file',
        }, { cause })
  }
  try {
    if (!(await handle.stat()).isFile()) {
      throw new FormatError({
        code: 'unreadable', what: 'Cannot open the file', where: path, why: 'it is not a file',
        fix: 'Give the path of a file',
      })
    }
    const source = await fileSource(handle, path)
    const close = () => handle.close()
    return { ...source, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await handle.close()
    throw error
  }
}
