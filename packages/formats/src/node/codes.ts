// System error codes, and the sentences for those that a writer meets.
import { FormatError } from '../error.ts'

/** The errno name of a system error (`ENOENT`), or its text. */
export const codeOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)

/** What a failed write means to its user. */
export const writeError = (path: string, cause: unknown): FormatError => {
  if (cause instanceof FormatError) return cause
  const code = codeOf(cause)
  const what = 'Cannot write the file'
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FormatError({
      code: 'no-space', what, where: path, why: `the disk or quota is full (${code})`,
      fix: 'Free some space or write elsewhere; nothing under the final name was touched',
    }, { cause })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new FormatError({
      code: 'not-writable', what, where: path, why: `its directory cannot be written (${code})`,
      fix: 'Choose a directory that you may write to',
    }, { cause })
  }
  if (code === 'EISDIR') {
    return new FormatError({
      code: 'write-failed', what, where: path, why: 'a directory of that name is there', fix: 'Give the name of a file',
    }, { cause })
  }
  return new FormatError({
    code: 'write-failed', what, where: path, why: `the system says ${code}`, fix: 'Check that the directory exists',
  }, { cause })
}
