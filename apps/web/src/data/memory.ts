// Runs that live in this page: what the Lab trains, and run folders that were dropped on it. They are a source beside
// the one that the page was started with: whatever has a key here is read here, all else there.
import type { RunFiles } from '@ldyn/runs'
import type { RunState, RunSummary, StreamEvent } from '../wire.ts'
import { GoneError, UnreachableError, type Source, type SourceFiles } from './source.ts'

export interface HeldRun {
  /** What addresses name: `lab:<id>`, `local:<name>`. */
  readonly key: string
  readonly files: RunFiles
  readonly state: RunState
  /** The run in the list of runs, where it is to stand there. */
  readonly summary?: () => RunSummary
}

export interface MemoryRuns {
  has(key: string): boolean
  get(key: string): HeldRun | undefined
  keys(): readonly string[]
  /** Holds a run from now on, in place of one of the same key. */
  hold(run: HeldRun): void
  /** A file of a run that is held grew to `to` bytes. */
  grew(key: string, file: string, from: number, to: number): void
  /** Its run.json is another, or its state. */
  stands(key: string, state: RunState): void
  drop(key: string): void
  /** The source with these runs in front of it. */
  beside(source: Source): Source
}

type Listener = (event: StreamEvent) => void

export const createMemoryRuns = (): MemoryRuns => {
  const held = new Map<string, HeldRun>()
  const listeners = new Set<Listener>()
  const tell = (event: StreamEvent): void => {
    for (const listener of listeners) listener(event)
  }
  const filesOf = (key: string): SourceFiles => {
    const files = (): RunFiles => {
      const found = held.get(key)
      if (!found) throw new GoneError(`${key} is not held by this page any more`)
      return found.files
    }
    return {
      name: key,
      list: async () => files().list(),
      size: async path => files().size(path),
      read: async (path, offset, length) => files().read(path, offset, length),
      refresh: async () => void files(),
      grown: () => {},
    }
  }
  /** Also where the page was loaded anew and holds it no more. */
  const isOwn = (key: string): boolean => held.has(key) || /^(lab|local):/.test(key)
  const changed = (): void => tell({ event: 'runs', data: { count: held.size } })
  return {
    has: key => held.has(key),
    get: key => held.get(key),
    keys: () => [...held.keys()],
    hold(run) {
      held.set(run.key, run)
      changed()
    },
    grew: (run, file, from, to) => tell({ event: 'append', data: { run, file, from, to } }),
    stands(key, state) {
      const run = held.get(key)
      if (!run) return
      held.set(key, { ...run, state })
      tell({ event: 'manifest', data: { run: key, state } })
    },
    drop(key) {
      if (!held.delete(key)) return
      tell({ event: 'gone', data: { run: key } })
      changed()
    },
    beside: source => ({
      kind: source.kind,
      async list() {
        const own = [...held.values()].flatMap(run => (run.summary ? [{ ...run.summary(), state: run.state }] : []))
        const found = await source.list().catch((error: unknown) => {
          // Runs of this page are there whether or not anybody answers.
          if (own.length === 0 || !(error instanceof UnreachableError)) throw error
          return { root: 'this page', version: '', runs: [] }
        })
        return { ...found, runs: [...own, ...found.runs] }
      },
      files: key => (isOwn(key) ? filesOf(key) : source.files(key)),
      follow(keys, on, connection) {
        const mine = new Set(keys.filter(isOwn))
        const listener: Listener = event => {
          if (event.event === 'runs' || mine.has(event.data.run)) on(event)
        }
        listeners.add(listener)
        for (const key of mine) {
          const run = held.get(key)
          if (run) on({ event: 'manifest', data: { run: key, state: run.state } })
        }
        const others = keys.filter(key => !mine.has(key))
        const stream = others.length > 0 || keys.length === 0 ? source.follow(others, on, connection) : undefined
        return {
          [Symbol.dispose]() {
            listeners.delete(listener)
            stream?.[Symbol.dispose]()
          },
        }
      },
    }),
  }
}
