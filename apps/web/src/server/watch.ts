// What changes in a run's directory while somebody looks. One watcher a run however many pages are open; it
// looks at sizes twice a second, since network file systems send no notifications, and reports growth of the
// appended files as byte ranges.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { checkManifest, paths } from '@ldyn/runs'
import type { RunState } from '../wire.ts'
import type { FoundRun } from './discover.ts'
import { isHeld, stateOf } from './summary.ts'

/** What a run's directory looked like: sizes of the files that screens read, and when run.json was replaced. */
export interface Snapshot {
  readonly sizes: ReadonlyMap<string, number>
  readonly manifest: string
  readonly state: RunState
}

/** Undefined where the run is not there any more. */
export const snapshotOf = async (
  { directory }: FoundRun,
  now = Date.now(),
): Promise<Snapshot | undefined> => {
  let manifest: string
  let state: RunState = 'failed'
  try {
    const { size, mtimeMs } = await stat(join(directory, paths.manifest))
    manifest = `${size} ${mtimeMs}`
  } catch {
    return undefined
  }
  try {
    const text = await readFile(join(directory, paths.manifest), 'utf8')
    state = stateOf(checkManifest(JSON.parse(text), paths.manifest), await isHeld(directory), now)
  } catch {
    // A manifest that cannot be read is said by the page, which reads it too and has the words.
  }
  const sizes = new Map<string, number>()
  for (const path of await watched(directory)) {
    const found = await stat(join(directory, path)).catch(() => undefined)
    if (found?.isFile()) sizes.set(path, found.size)
  }
  return { sizes, manifest, state }
}

/** Files that screens read, at most one folder down. */
const watched = async (directory: string): Promise<readonly string[]> => {
  const entries = await readdir(directory, { recursive: false, withFileTypes: true }).catch(() => [])
  const folders = entries.filter(
    entry => entry.isDirectory() && !['checkpoints', 'reference'].includes(entry.name),
  )
  const below = await Promise.all(
    folders.map(folder => readdir(join(directory, folder.name), { withFileTypes: true }).catch(() => [])),
  )
  return [...entries, ...below.flat()]
    .filter(entry => entry.isFile() && /\.(jsonl|json|f32|f16|safetensors)$/.test(entry.name))
    .map(entry => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

export interface Watched {
  /** The newest snapshot; undefined where the run is gone. */
  readonly snapshot: Snapshot | undefined
}

export interface Watchers {
  /** Calls `changed` whenever the run's snapshot is a new one, and once with the first. */
  watch(run: FoundRun, changed: (snapshot: Snapshot | undefined) => void): Disposable
  /** Runs that are watched now. */
  readonly count: number
}

const same = (a: Snapshot | undefined, b: Snapshot | undefined): boolean => {
  if (!a || !b) return a === b
  return (
    a.manifest === b.manifest &&
    a.state === b.state &&
    a.sizes.size === b.sizes.size &&
    [...a.sizes].every(([path, size]) => b.sizes.get(path) === size)
  )
}

/** Watchers that share one look at each run every `every` milliseconds, and end with the last that listens. */
export const createWatchers = (every = 500): Watchers => {
  type Listener = (snapshot: Snapshot | undefined) => void
  const all = new Map<
    string,
    { listeners: Set<Listener>; last: Snapshot | undefined; seen: boolean; timer: NodeJS.Timeout }
  >()
  const look = async (run: FoundRun): Promise<void> => {
    const snapshot = await snapshotOf(run)
    const entry = all.get(run.key)
    if (!entry) return
    if (!entry.seen || !same(entry.last, snapshot)) {
      Object.assign(entry, { last: snapshot, seen: true })
      for (const listener of entry.listeners) listener(snapshot)
    }
    // The next look begins when this one has ended: a slow disk is not asked twice at once.
    entry.timer = setTimeout(() => void look(run), every).unref()
  }
  return {
    get count() {
      return all.size
    },
    watch(run, changed) {
      let entry = all.get(run.key)
      if (entry) {
        entry.listeners.add(changed)
        if (entry.seen) changed(entry.last)
      } else {
        entry = {
          listeners: new Set([changed]),
          last: undefined,
          seen: false,
          timer: setTimeout(() => void look(run), 0).unref(),
        }
        all.set(run.key, entry)
      }
      return {
        [Symbol.dispose]() {
          const found = all.get(run.key)
          if (!found?.listeners.delete(changed) || found.listeners.size > 0) return
          clearTimeout(found.timer)
          all.delete(run.key)
        },
      }
    },
  }
}
