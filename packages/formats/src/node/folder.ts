/**
 * Makes a directory with its parents, one at a time: Node's own `recursive` says ENOENT of a read-only file system,
 * and never ends below /proc.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Nothing happens where it is there. Throws the system's error (EROFS, EACCES, ENOSPC, ENOTDIR), naming its path. */
export async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path).catch((error: unknown) => error)
  if (made === undefined || codeOf(made) === 'EEXIST') return
  if (codeOf(made) !== 'ENOENT' || dirname(path) === path) throw made
  await makeFolder(dirname(path))
  await mkdir(path)
}
