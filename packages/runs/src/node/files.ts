// A run directory on disk as RunFiles.
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { FormatError } from '@ldyn/formats'
import { openFile } from '@ldyn/formats/node'
import { RunError } from '../error.ts'
import type { RunFiles } from '../files.ts'

const unreadable = (where: string, cause: unknown) => new RunError({
  code: 'unreadable', what: 'Cannot read the run', where,
  why: cause instanceof FormatError ? cause.why : `the system says ${(cause as Error).message}`,
  fix: 'Check that the path is right and that you may read it',
}, { cause })

/** The files of a directory. A file is opened for each read, so that thousands of runs hold no handles. */
export const directoryFiles = (directory: string): RunFiles => ({
  name: directory,
  async list() {
    try {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true })
      return entries.filter(entry => entry.isFile())
        .map(entry => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
    } catch (cause) {
      throw unreadable(directory, cause)
    }
  },
  async size(path) {
    try {
      return (await stat(join(directory, path))).size
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw unreadable(join(directory, path), cause)
    }
  },
  async read(path, offset, length) {
    try {
      await using file = await openFile(join(directory, path))
      return await file.read(offset, length)
    } catch (cause) {
      throw unreadable(join(directory, path), cause)
    }
  },
})
