// Lines of watched.jsonl, read once and then followed: what was appended since is read, and never anything twice. A
// torn last line is left for the next time.
import { readAppended } from '@ldyn/formats'
import { checkWatched, paths, type RunFiles, type WatchedLine } from '@ldyn/runs'

export interface WatchedLines {
  /** All lines on file by now; undefined where the run has no such file. Throws RunError, FormatError. */
  refresh(): Promise<readonly WatchedLine[] | undefined>
}

export const followWatched = (files: RunFiles): WatchedLines => {
  let bytes = 0
  let lines: readonly WatchedLine[] = []
  let busy: Promise<readonly WatchedLine[] | undefined> | undefined
  const read = async (): Promise<readonly WatchedLine[] | undefined> => {
    const size = await files.size(paths.watched)
    if (size === undefined) return undefined
    if (size <= bytes) return lines
    const [from, name] = [bytes, `${files.name}/${paths.watched}`]
    const { lines: found, committed } = await readAppended({
      name,
      size: size - from,
      read: (offset, length) => files.read(paths.watched, from + offset, length),
    })
    const first = lines.length
    lines = [
      ...lines,
      ...found.map(({ value, number }) => checkWatched(value, `${name}, line ${first + number}`)),
    ]
    bytes += committed
    return lines
  }
  return {
    refresh: () =>
      (busy ??= read().finally(() => {
        busy = undefined
      })),
  }
}
