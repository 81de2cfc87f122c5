// What the server and the page say to each other (ux.md §2.5): everything is a GET, run files are the API, and
// the same shapes can lie in an exported page. Times are milliseconds since 1970, steps are updates over the
// whole run.
import type { ImportFormat, RunStatus } from '@ldyn/runs'

/** What a run does now. `killed`: it says that it runs, and no process holds it; `stalled`: one does, in silence. */
export type RunState = 'live' | 'stalled' | 'killed' | Exclude<RunStatus, 'running'>

/** A curve small enough for a table: means over probes of one response type. */
export interface Spark {
  readonly values: readonly number[]
  /** The values are those of every n-th evaluation, and of the last one. */
  readonly every: number
}

export interface RunSummary {
  /** Path below the viewer's root with forward slashes: what addresses name. */
  readonly key: string
  readonly id: string
  readonly created: string
  readonly state: RunState
  readonly model: string
  readonly params: number
  readonly stages: readonly { readonly name: string; readonly loss: string; readonly updates: number }[]
  readonly imported?: ImportFormat
  /** Highest learning rate on file; undefined where the log has none. */
  readonly lr?: number
  /** The last step on file, and how many updates are planned; a log that knows no updates counts evaluations. */
  readonly step: number
  readonly updates: number
  readonly counts?: 'evaluation'
  readonly evaluations: number
  readonly probes: number
  readonly types: number
  /** Codes of warning events, each once. */
  readonly warnings: readonly string[]
  /**
   * log π summed over a response, mean over probes, by response type: chosen and rejected where they are watched;
   * `argmax` is the likeliest token's along chosen.
   */
  readonly sparks: Readonly<Record<string, Spark>>
  /** Why the run cannot be read, in the words of its error. */
  readonly error?: { readonly code: string; readonly message: string }
}

export interface RunList {
  readonly root: string
  readonly version: string
  /** Pages of other origins may frame this viewer (`ldyn view --allow-frames`). */
  readonly framed?: true
  readonly runs: readonly RunSummary[]
}

/** How long a run may be silent before it counts as stalled. A trainer says that it lives every few seconds. */
export const STALLED_MS = 60_000

/** A file grew, or was replaced: what lies in [from, to) is new. Ranges may be told twice, never left out. */
export interface Appended {
  readonly run: string
  readonly file: string
  readonly from: number
  readonly to: number
}

/** Names of server-sent events. */
export type StreamEvent =
  | { readonly event: 'append'; readonly data: Appended }
  /** run.json was replaced, or the run's state changed. */
  | { readonly event: 'manifest'; readonly data: { readonly run: string; readonly state: RunState } }
  | { readonly event: 'gone'; readonly data: { readonly run: string } }
  /** The list of runs changed. */
  | { readonly event: 'runs'; readonly data: { readonly count: number } }

/** Answer of `/api/runs/:run/files`: bytes by path, of the files that screens read. */
export type FileSizes = Readonly<Record<string, number>>

/** A view that somebody gave a name: the part of its address from # on. */
export interface NamedView {
  readonly name: string
  readonly address: string
}

export const api = {
  views: '/api/views',
  runs: '/api/runs',
  manifest: (run: string): string => `/api/runs/${encodeURIComponent(run)}/manifest`,
  files: (run: string): string => `/api/runs/${encodeURIComponent(run)}/files`,
  file: (run: string, path: string): string =>
    `/api/runs/${encodeURIComponent(run)}/file/${path.split('/').map(encodeURIComponent).join('/')}`,
  /** Bytes [from, to) of several files, one behind the other. */
  parts: (
    run: string,
    parts: readonly { readonly path: string; readonly from: number; readonly to: number }[],
  ): string =>
    `/api/runs/${encodeURIComponent(run)}/parts?${parts
      .map(({ path, from, to }) => `part=${from}-${to}@${encodeURIComponent(path)}`)
      .join('&')}`,
  /** Curves of all types over evaluations [from, to), as float64 (data/far-curves.ts); of each metric in its turn. */
  curves: (run: string, metrics: readonly string[], query: Readonly<Record<string, string | number>>): string =>
    `/api/runs/${encodeURIComponent(run)}/curves/${metrics.map(encodeURIComponent).join(',')}?${Object.entries(query)
      .map(([name, value]) => `${name}=${value}`)
      .join('&')}`,
  stream: (runs: readonly string[], cursor = ''): string =>
    `/api/stream?runs=${runs.map(encodeURIComponent).join(',')}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
} as const
