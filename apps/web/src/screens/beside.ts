// Files that lie beside a run (kernel/…, watched.jsonl): which there are, and one of them read when it is looked at,
// read again when the run changed.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { WatchedLine } from '@ldyn/runs'
import { openMatrices, type Matrices } from '../data/matrices.ts'
import { followWatched, type WatchedLines } from '../data/watched-lines.ts'
import { troubleOf, type OpenRun, type Trouble } from '../data/run-store.ts'

/** Paths of the run's files; none until they are known. */
export const usePaths = ({ files }: OpenRun, version: number): readonly string[] => {
  const paths = useSignal<readonly string[]>([])
  useEffect(() => {
    let current = true
    void files.list().then(found => {
      if (current) paths.value = [...found].sort()
    })
    return () => {
      current = false
    }
  }, [files, version])
  return paths.value
}

/** What `read` gives, read again when one of `of` is another; until then what it gave before. */
export const useAwaited = <T>(
  read: () => Promise<T>,
  of: readonly unknown[],
): { readonly found: T | undefined; readonly trouble: Trouble | undefined } => {
  const found = useSignal<T | undefined>(undefined)
  const trouble = useSignal<Trouble | undefined>(undefined)
  useEffect(() => {
    let current = true
    read().then(
      value => {
        if (current) [found.value, trouble.value] = [value, undefined]
      },
      (error: unknown) => {
        if (current) trouble.value = troubleOf(error)
      },
    )
    return () => {
      current = false
    }
  }, of)
  return { found: found.value, trouble: trouble.value }
}

export interface Beside<T> {
  readonly found: T | undefined
  readonly trouble: Trouble | undefined
  readonly retry: () => void
}

/**
 * What `read` makes of the safetensors file at `path`; nothing where the path is undefined. `key` tells readings of one
 * file apart. A file that is read stays until another is there in its place.
 */
export const useBeside = <T>(
  run: OpenRun,
  path: string | undefined,
  version: number,
  read: (matrices: Matrices, path: string) => Promise<T>,
  key: string = path ?? '',
): Beside<T> => {
  const found = useSignal<{ readonly key: string; readonly value: T } | undefined>(undefined)
  const trouble = useSignal<Trouble | undefined>(undefined)
  const tries = useSignal(0)
  const size = useSignal<number | undefined>(undefined)
  useEffect(() => {
    if (path === undefined) return
    let current = true
    const work = async (): Promise<void> => {
      const now = await run.files.size(path)
      // Nothing is read twice: another version of the run with the same file is the same file.
      if (found.peek()?.key === key && size.peek() === now) {
        if (current) trouble.value = undefined
        return
      }
      const value = await read(await openMatrices(run.files, path), path)
      if (!current) return
      found.value = { key, value }
      size.value = now
      trouble.value = undefined
    }
    work().catch((error: unknown) => {
      if (current) trouble.value = troubleOf(error)
    })
    return () => {
      current = false
    }
  }, [run, path, key, version, tries.value])
  return {
    found: found.value && found.value.key === key ? found.value.value : undefined,
    trouble: trouble.value,
    retry: () => {
      trouble.value = undefined
      tries.value++
    },
  }
}

const followed = new WeakMap<OpenRun, WatchedLines>()

/** Lines of watched.jsonl; undefined until it is known whether there are any, none where there is no such file. */
export const useWatched = (
  run: OpenRun,
  version: number,
): { readonly lines: readonly WatchedLine[] | undefined; readonly trouble: Trouble | undefined } => {
  const { found, trouble } = useAwaited(async () => {
    let watched = followed.get(run)
    if (!watched) followed.set(run, (watched = followWatched(run.files)))
    return (await watched.refresh()) ?? []
  }, [run, version])
  return { lines: found, trouble }
}
