// What every screen is given: the view and how to change it, the runs, curves that are kept, the reader's
// preferences.
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { ReadonlySignal, Signal } from '@preact/signals'
import type { Curves } from '../data/curves.ts'
import type { LiveData } from '../data/live-run.ts'
import type { MemoryRuns } from '../data/memory.ts'
import type { OpenRun, RunStore } from '../data/run-store.ts'
import type { Views } from '../data/views.ts'
import type { SnapshotAbout } from '../snapshot/format.ts'
import type { ViewStore } from '../state/store.ts'
import type { Preferences } from './preferences.ts'

export interface App {
  readonly store: ViewStore
  readonly runs: RunStore
  /** Runs that live in this page, a part of `runs`: what the Lab trains, what was dropped here. */
  readonly memory: MemoryRuns
  readonly curves: Curves
  /** What this page is, where it is a snapshot in one file; undefined where a viewer serves it. */
  readonly snapshot: SnapshotAbout | undefined
  readonly preferences: Signal<Preferences>
  /** The name of the key that now does what this one does unless its reader chose another. */
  readonly keyOf: (key: string) => string
  readonly dark: ReadonlySignal<boolean>
  /** The step that the pointer is at, in whichever panel. */
  readonly ghost: Signal<number | undefined>
  /** Said by screen readers. */
  readonly announce: (text: string) => void
  /** A short message that goes away by itself. */
  readonly toast: (text: string) => void
  readonly help: Signal<boolean>
  /** Whether the search is open. */
  readonly searching: Signal<boolean>
  /** Views that have a name. */
  readonly views: Views
  /** The dialog that is open over the page, by the id of its tool. */
  readonly tool: Signal<string | undefined>
  /** The runs of the view, in its order. */
  readonly opened: ReadonlySignal<readonly OpenRun[]>
}

/** What a screen of runs is given: runs that were read, at least one. */
export interface ScreenProps {
  readonly app: App
  readonly runs: readonly LiveData[]
  readonly opened: readonly OpenRun[]
}

export const AppContext = createContext<App | undefined>(undefined)

export const useApp = (): App => useContext(AppContext)!
