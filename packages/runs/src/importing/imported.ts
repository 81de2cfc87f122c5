// What every importer makes of a foreign log: the parts of an ordinary run, and what is said of them. Nothing
// is invented: what the log does not hold is named in `missing`, what is doubtful in `notes`.
import type { RunManifest, StageInfo } from '../manifest.ts'
import type { Probes } from '../probes.ts'

export type ImportFormat = 'released-code' | 'trainer-state' | 'tfevents'

/** Something to know about an imported run, or about one curve of it. */
export interface ImportNote {
  /** Stable: `argmax-of-another-type`, `not-a-number`, `restarted`, `steps-unknown`, … */
  readonly code: string
  readonly message: string
  /** The metric, or column of the training log, that it is about; the whole run where there is none. */
  readonly metric?: string
  /** With a metric of the probes: the response type. */
  readonly type?: string
}

/** In run.json of an imported run. */
export interface ImportInfo {
  readonly format: ImportFormat
  /** What was read, by name inside the given path. */
  readonly files: readonly { readonly path: string, readonly bytes: number, readonly hash: string }[]
  /** Probe curves are means that the log holds; it has no values of single probes. */
  readonly meansOnly: boolean
  /** What the screens and commands of a run usually have and this log does not hold, in words. */
  readonly missing: readonly string[]
  readonly notes: readonly ImportNote[]
}

export interface ImportedEvaluation {
  readonly step: number
  /** One value a probe column; 0 at those that `probes.missing` lists for the metric. */
  readonly values: Readonly<Record<string, Float32Array>>
}

export interface ImportedScalars { readonly step: number, readonly values: Readonly<Record<string, number>> }

/** A foreign log as a run, before it is written. */
export interface ImportedRun {
  readonly format: ImportFormat
  readonly stage: StageInfo
  readonly columns: RunManifest['columns']
  readonly probes: Probes | undefined
  readonly evaluations: readonly ImportedEvaluation[]
  readonly scalars: readonly ImportedScalars[]
  readonly meansOnly: boolean
  readonly missing: readonly string[]
  readonly notes: readonly ImportNote[]
}

/** `3, 4, 5 and 9`, cut after a few. */
export const fewOf = (items: readonly (string | number)[], most = 6): string =>
  items.length <= most ? items.join(', ') : `${items.slice(0, most).join(', ')} and ${items.length - most} more`

/** What an import noted, each thing once: the same defect may touch several metrics. */
export const saidOnce = (notes: readonly ImportNote[]): readonly string[] => {
  const found = new Map<string, string[]>()
  for (const { message, metric } of notes) {
    const text = message.replace(/^\S+ is that of /, 'that of ')
    const metrics = found.get(text) ?? []
    found.set(text, metrics)
    if (metric !== undefined && !metrics.includes(metric)) metrics.push(metric)
  }
  return [...found].map(([text, metrics]) => metrics.length > 0 ? `${metrics.join(', ')}: ${text}` : text)
}
