// Where the page's runs come from. There are two: a viewer that serves them and tells what grows (served.ts),
// and the page itself, when it is a snapshot in one file (../snapshot/source.ts). Nothing else of the page
// knows the difference, except for what it offers: a snapshot has no command to wait for and nothing live.
import type { ReadonlySignal } from '@preact/signals'
import type { RunFiles } from '@ldyn/runs'
import type { NamedView, RunList, StreamEvent } from '../wire.ts'
import type { Connection } from './event-stream.ts'
import type { AskCurves } from './far-curves.ts'

/** The run, or one of its files, is not there (any more). */
export class GoneError extends Error {
  override readonly name = 'GoneError'
}

/** Nobody answered. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

export interface SourceFiles extends RunFiles {
  /** Looks at all sizes again. Throws GoneError. */
  refresh(): Promise<void>
  /** What the stream of changes said of a file. */
  grown(path: string, to: number): void
  /** Curves over probes, where whoever has the files computes them: far less to read than the rows. */
  readonly curves?: AskCurves
  /** The large file that is being read, if any. */
  readonly reading?: ReadonlySignal<Reading | undefined>
  /** Gives up whatever is being read now; it rejects with an error that says so. */
  stop?(): void
}

export interface Reading {
  readonly path: string
  /** Bytes that came, of so many. */
  readonly done: number
  readonly of: number
}

/** Where names are kept beside the runs. */
export interface ViewsSource {
  /** Undefined where nothing can be kept there. */
  read(): Promise<readonly NamedView[] | undefined>
  /** Rejects with a sentence where they cannot be kept. */
  write(views: readonly NamedView[]): Promise<void>
}

export interface Source {
  readonly kind: 'served' | 'snapshot'
  /** Where named views can be kept beside the runs. */
  readonly views?: ViewsSource
  /** Throws UnreachableError. */
  list(): Promise<RunList>
  /** Files of the run of that key; whether there is such a run, `refresh` says. */
  files(key: string): SourceFiles
  /** Tells changes of these runs until disposed of; of the list of runs, where none is named. */
  follow(
    keys: readonly string[],
    on: (event: StreamEvent) => void,
    connection: (connection: Connection) => void,
  ): Disposable
}
