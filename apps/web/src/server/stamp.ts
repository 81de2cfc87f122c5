// Whether files changed, without reading them: their sizes and times.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Another text whenever one of the files below `directory` was written, came or went. */
export const stampOf = async (directory: string, files: readonly string[]): Promise<string> => {
  const stamps = await Promise.all(
    files.map(path =>
      stat(join(directory, path)).then(
        ({ size, mtimeMs }) => `${size} ${mtimeMs}`,
        () => '-',
      ),
    ),
  )
  return stamps.join('|')
}
