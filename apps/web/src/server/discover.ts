// Which runs lie below a directory: the directory itself, or up to three folders down, as `ldyn demo` and
// sweeps make them. Links are not followed, so that nothing outside is found.
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'

export interface FoundRun {
  readonly key: string
  readonly directory: string
}

const DEPTH = 3
const MOST = 5_000

const isRun = async (directory: string): Promise<boolean> =>
  stat(join(directory, 'run.json')).then(
    found => found.isFile(),
    () => false,
  )

const foldersOf = async (directory: string): Promise<readonly string[]> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  return entries
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(entry => entry.name)
    .sort()
}

/**
 * Runs by key, in the order of their paths. The key of a run that is the root itself is the root's own name. Throws
 * what `stat` throws where the root is not there.
 */
export const discover = async (root: string): Promise<readonly FoundRun[]> => {
  await stat(root)
  if (await isRun(root)) return [{ key: basename(root) || 'run', directory: root }]
  const found: FoundRun[] = []
  const look = async (directory: string, path: readonly string[]): Promise<void> => {
    for (const name of await foldersOf(directory)) {
      if (found.length >= MOST) return
      const [below, at] = [join(directory, name), [...path, name]]
      if (await isRun(below)) found.push({ key: at.join('/'), directory: below })
      else if (at.length < DEPTH) await look(below, at)
    }
  }
  await look(root, [])
  return found
}
