// Whether the list of runs changed: a run came or went, or one of them moved. One look for all that listen, every
// two seconds, and none while nobody does.
import { paths } from '@ldyn/runs'
import type { FoundRun } from './discover.ts'
import { stampOf } from './stamp.ts'

export interface ListWatcher {
  /** Calls `changed` with the number of runs whenever the list is another than at the last look. */
  watch(changed: (count: number) => void): Disposable
  /** How many listen. */
  readonly count: number
}

const lineOf = async ({ key, directory }: FoundRun): Promise<string> =>
  `${key} ${await stampOf(directory, [paths.manifest, paths.index, paths.scalars])}`

export const createListWatcher = (runs: () => Promise<readonly FoundRun[]>, every = 2_000): ListWatcher => {
  const listeners = new Set<(count: number) => void>()
  let timer: NodeJS.Timeout | undefined
  let last: string | undefined
  const look = async (): Promise<void> => {
    const all = await runs()
    const now = (await Promise.all(all.map(lineOf))).join('\n')
    // What the list was before somebody listened, nobody was told.
    if (last !== undefined && now !== last) for (const listener of [...listeners]) listener(all.length)
    last = now
    if (listeners.size > 0) timer = setTimeout(() => void look(), every).unref()
    else timer = last = undefined
  }
  return {
    get count() {
      return listeners.size
    },
    watch(changed) {
      const listener = (count: number): void => changed(count)
      listeners.add(listener)
      timer ??= setTimeout(() => void look(), 0).unref()
      return {
        [Symbol.dispose]() {
          listeners.delete(listener)
          if (listeners.size > 0) return
          clearTimeout(timer)
          timer = last = undefined
        },
      }
    },
  }
}
