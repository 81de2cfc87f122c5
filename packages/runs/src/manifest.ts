// run.json: who, what, with which model and data. Unknown keys are kept and ignored; a newer schema is
// refused.
import { RunError } from './error.ts'
import type { ImportInfo } from './importing/imported.ts'
import { SCHEMA } from './layout.ts'

export type RunStatus = 'running' | 'done' | 'failed' | 'interrupted'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface RunManifest {
  readonly schema: typeof SCHEMA
  readonly id: string
  /** ISO 8601. */
  readonly created: string
  readonly status: RunStatus
  readonly argv: readonly string[]
  readonly config: Json
  /** Settings in `config` that nobody made, by path: `stages.0.lr`. Absent where that is not known. */
  readonly defaults?: readonly string[]
  readonly seed: number
  readonly git?: { readonly commit: string, readonly dirty: boolean }
  readonly environment: {
    readonly node: string, readonly platform: string, readonly cpu: string, readonly ldyn: string,
  }
  readonly backend: { readonly name: string, readonly device: string, readonly version: string }
  readonly model: { readonly path: string, readonly hash: string, readonly params: number }
  readonly tokenizer: { readonly hash: string }
  readonly datasets: readonly { readonly path: string, readonly hash: string, readonly rows: number }[]
  readonly stages: readonly StageInfo[]
  /** What the binary files hold: metrics, in files of P and of T columns. */
  readonly columns: RunColumns
  /** Who writes it, and when that process last said that it lives (ISO 8601). */
  readonly process?: { readonly pid: number, readonly host: string, readonly heartbeat: string }
  /** Where a run that ldyn did not train comes from, what it lacks and what is doubtful in it. */
  readonly imported?: ImportInfo
}

export interface StageInfo { readonly name: string, readonly loss: string, readonly updates: number }

export interface RunColumns {
  /** Metrics with one value a probe column: `probe/<metric>.f32`. */
  readonly metrics: readonly string[]
  /** Metrics with one value a response token: `probe/tokens_<metric>.f32`. */
  readonly tokens: readonly string[]
}

type Check = (value: unknown) => boolean
const text: Check = value => typeof value === 'string'
const number: Check = value => Number.isFinite(value)
const flag: Check = value => typeof value === 'boolean'
const anything: Check = value => value !== undefined
const list = (item: Check): Check => value => Array.isArray(value) && value.every(item)
const record = (fields: Readonly<Record<string, Check>>): Check => value => typeof value === 'object'
  && value !== null && Object.entries(fields).every(([key, check]) => check((value as Record<string, unknown>)[key]))
const maybe = (check: Check): Check => value => value === undefined || check(value)
const oneOf = (...names: readonly string[]): Check => value => names.includes(value as string)
// A metric becomes a file name.
const metricName: Check = value => typeof value === 'string' && /^[a-z][a-z0-9_]*$/.test(value)

const fields: Readonly<Record<Exclude<keyof RunManifest, 'schema'>, Check>> = {
  id: text,
  created: text,
  status: oneOf('running', 'done', 'failed', 'interrupted'),
  argv: list(text),
  config: anything,
  defaults: maybe(list(text)),
  seed: number,
  git: maybe(record({ commit: text, dirty: flag })),
  environment: record({ node: text, platform: text, cpu: text, ldyn: text }),
  backend: record({ name: text, device: text, version: text }),
  model: record({ path: text, hash: text, params: number }),
  tokenizer: record({ hash: text }),
  datasets: list(record({ path: text, hash: text, rows: number })),
  stages: list(record({ name: text, loss: text, updates: number })),
  columns: record({ metrics: list(metricName), tokens: list(metricName) }),
  process: maybe(record({ pid: number, host: text, heartbeat: text })),
  imported: maybe(record({
    format: text, meansOnly: flag, missing: list(text),
    files: list(record({ path: text, bytes: number, hash: text })),
    notes: list(record({ code: text, message: text, metric: maybe(text), type: maybe(text) })),
  })),
}

/**
 * The manifest in `value`. Throws RunError `not-a-run`, `newer-schema`, or `bad-manifest` naming the field.
 */
export const checkManifest = (value: unknown, where: string): RunManifest => {
  const fail = (code: RunError['code'], why: string, fix: string) =>
    new RunError({ code, what: 'Cannot read the run', where, why, fix })
  const manifest = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const version = typeof manifest.schema === 'string' ? /^ldyn\.run\/(\d+)$/.exec(manifest.schema)?.[1] : undefined
  if (version === undefined) {
    throw fail('not-a-run', `its "schema" is not ${SCHEMA}`, 'Give the directory of a run that ldyn wrote')
  }
  if (manifest.schema !== SCHEMA) {
    throw fail('newer-schema', `it has the schema ldyn.run/${version} and this ldyn reads ${SCHEMA}`,
      'Install the ldyn that wrote it, or a newer one')
  }
  const bad = Object.entries(fields).find(([key, check]) => !check(manifest[key]))
  if (bad) throw fail('bad-manifest', `its field "${bad[0]}" is missing or of the wrong type`, 'Restore run.json')
  return manifest as unknown as RunManifest
}
