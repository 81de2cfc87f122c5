// What is asked of several runs, and what comparing them gives.
import type { LiveData } from '../../data/live-run.ts'
import type { CurveLine } from '../../drawing/align.ts'
import type { View } from '../../state/address.ts'
import type { Difference } from './data.ts'
import type { CurvesModel } from '../panel.ts'

/** What is asked of the runs; runs that differ in their seed alone may be one group. */
export interface Comparison {
  readonly runs: readonly LiveData[]
  /** What the page calls them. */
  readonly names: readonly string[]
  readonly groups: readonly (readonly number[])[]
  readonly baseline: number
  readonly view: Pick<View, 'metric' | 'per' | 'spread' | 'change' | 'versus' | 'along' | 'mode' | 'hidden' | 'alignAt'>
}

export interface Compared {
  readonly panels: readonly CurvesModel[]
  /** By type and run, against the baseline; undefined where they share no probe. */
  readonly differences: ReadonlyMap<string, readonly (Difference | undefined)[]>
  readonly ends: readonly End[]
  readonly notes: readonly string[]
  /** The step of the cursor, which counts the first run's updates, at an update of another. */
  readonly cursorAt: (run: number, step: number) => number
}

/** Where one run ended, by type. */
export interface End {
  readonly run: number
  readonly type: string
  readonly last: number
  readonly change: number
  /** Undefined for one value, which says nothing of its noise. */
  readonly changeSe: number | undefined
  /** Against the baseline, paired, at the last evaluation that both cover. */
  readonly difference?: { readonly mean: number; readonly se: number | undefined; readonly at: number }
}

/** A curve of one run and type. */
export type Line = CurveLine & { readonly run: number; readonly type: string }
