// A run that is read once and then followed: each refresh reads the lines and rows that were appended since,
// and never anything twice (ux.md R5). The checks are those of @ldyn/runs; a torn last line is left for the
// next refresh. What is published is a new object each time; the arrays inside only ever grow.
import { stageSpans, type RunData } from '@ldyn/figures'
import { FormatError, readAppended } from '@ldyn/formats'
import {
  checkDecomposition,
  checkEvaluation,
  checkEvent,
  checkManifest,
  checkProbes,
  checkScalarLine,
  paths,
  readJson,
  RunError,
  typesOf,
  type DecompositionLine,
  type Evaluation,
  type Probes,
  type RunEvent,
  type RunFiles,
  type RunManifest,
  type ScalarColumn,
  type ScalarLine,
} from '@ldyn/runs'
import type { FarCurves } from './far-curves.ts'
import { GoneError } from './source.ts'

export interface LiveData extends RunData {
  /** The name that addresses have for it; undefined where it is read by itself. */
  readonly key?: string
  readonly events: readonly RunEvent[]
  readonly evaluations: readonly Evaluation[]
  readonly updates: readonly DecompositionLine[]
  /** Grows with every refresh that found something. */
  readonly version: number
  /** Curves of metrics whose rows are not read, where somebody else can compute them. */
  readonly far?: FarCurves
  /** Has the rows of a metric read, where they are not. */
  readonly want?: (metric: string) => void
}

export interface LiveRun {
  /**
   * Reads what is new; undefined where nothing is. run.json is read the first time, and when it is said to be another.
   * What can be shown before all is read is given to `partly`. Throws RunError, GoneError, ReplacedError.
   */
  refresh(manifest?: boolean, partly?: (data: LiveData) => void): Promise<LiveData | undefined>
  /** From the next refresh on the rows of this metric are read too. */
  need(metric: string): boolean
  /** Rows of other metrics may go, where all of them together are many; curves that were drawn of them stay. */
  keep(metrics: readonly string[]): void
  /** Metrics whose rows are read. */
  readonly metrics: ReadonlySet<string>
  /** Asks again for rows and curves that did not come. */
  retry(): void
  /** Why rows or curves did not come; undefined where none failed since the last `retry`. */
  failure(): unknown
  /** What is known now, as a new object; undefined where nothing was read yet. */
  current(): LiveData | undefined
}

/** Another run is there in the place of the one that was read: what was read is none of it. */
export class ReplacedError extends Error {
  override readonly name = 'ReplacedError'
}

/** Rows that are kept although no screen draws them, bytes: seven large metrics would fill a page's memory. */
const KEPT_BYTES = 64_000_000

interface Read<T> {
  readonly lines: readonly T[]
  /** Says that they were taken: without it they are read again. */
  readonly take: () => void
}

/** Lines behind what was read before, checked. */
const readLines = async <T>(
  files: RunFiles,
  path: string,
  state: { bytes: number; lines: number },
  check: (value: unknown, where: string, index: number) => T,
): Promise<Read<T>> => {
  const size = await files.size(path)
  // Lines are only ever appended, except by a resume that goes back.
  if (size !== undefined && size < state.bytes) throw new ReplacedError(`${files.name}/${path} is shorter than it was`)
  if (size === undefined || size === state.bytes) return { lines: [], take: () => {} }
  const from = state.bytes
  const name = `${files.name}/${path}`
  try {
    const { lines, committed } = await readAppended({
      name,
      size: size - from,
      read: (offset, length) => files.read(path, from + offset, length),
    })
    const first = state.lines
    return {
      lines: lines.map((line, i) => check(line.value, `${name}, line ${first + line.number}`, first + i)),
      take() {
        state.bytes = from + committed
        state.lines = first + lines.length
      },
    }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new RunError(
      {
        code: 'bad-line',
        what: cause.what,
        where: cause.where,
        why: cause.why,
        fix: 'ldyn runs verify says what else is wrong',
      },
      { cause },
    )
  }
}

/** A column of the log that grows in place; what is handed out are views of it. */
interface Growing {
  steps: Float64Array
  times: Float64Array
  values: Float64Array
  readonly stages: string[]
  n: number
}

const emptyColumn = (): Growing => ({
  steps: new Float64Array(64),
  times: new Float64Array(64),
  values: new Float64Array(64),
  stages: [],
  n: 0,
})

const createColumns = () => {
  const columns = new Map<string, Growing>()
  return {
    add(lines: readonly ScalarLine[]): void {
      for (const { s, t, stage, values } of lines) {
        for (const [name, value] of Object.entries(values)) {
          let column = columns.get(name)
          if (!column) columns.set(name, (column = emptyColumn()))
          if (column.n === column.steps.length) {
            for (const key of ['steps', 'times', 'values'] as const) {
              const larger = new Float64Array(column.n * 2)
              larger.set(column[key])
              column[key] = larger
            }
          }
          column.steps[column.n] = s
          column.times[column.n] = t
          column.values[column.n] = value
          column.stages.push(stage)
          column.n++
        }
      }
    },
    views: (): ReadonlyMap<string, ScalarColumn> =>
      new Map(
        [...columns].map(([name, { steps, times, values, stages, n }]) => [
          name,
          { steps: steps.subarray(0, n), times: times.subarray(0, n), values: values.subarray(0, n), stages },
        ]),
      ),
  }
}

/** Float32 rows of `width`. Throws RunError `non-finite`, naming row and column. */
const rowsOf = (bytes: Uint8Array, first: number, width: number, where: string): Float32Array[] => {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  const values = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
  // x − x is 0 for every finite x and for no other: millions of values, so no call for each.
  let bad = 0
  while (bad < values.length && values[bad] - values[bad] === 0) bad++
  if (bad < values.length) {
    throw new RunError({
      code: 'non-finite',
      what: 'Cannot trust the probe data',
      where: `${where}, row ${first + Math.floor(bad / width)}, column ${bad % width}`,
      why: `it holds ${values[bad]}, and only finite numbers are ever written`,
      fix: 'Copy the run directory again',
    })
  }
  return Array.from({ length: values.length / width }, (_, i) => values.subarray(i * width, (i + 1) * width))
}

export interface FollowOptions {
  /** Curves that somebody else computes; `count` is how many evaluations are known. */
  readonly farOf?: (count: () => number) => FarCurves
  /** A panel asked for rows that are not read: refresh soon. */
  readonly asked?: () => void
  readonly key?: string
  /** Versions begin behind this one: that of the run which was there before. */
  readonly version?: number
}

/** Follows `files`; `wanted` are metrics whose rows are read from the beginning. */
export const followRun = (
  files: RunFiles,
  wanted: readonly string[] = ['logp'],
  { farOf, asked = () => {}, key, version: before = 0 }: FollowOptions = {},
): LiveRun => {
  const metrics = new Set<string>(wanted)
  const at = {
    events: { bytes: 0, lines: 0 },
    scalars: { bytes: 0, lines: 0 },
    index: { bytes: 0, lines: 0 },
    updates: { bytes: 0, lines: 0 },
  }
  const columns = createColumns()
  const [events, evaluations, updates]: [RunEvent[], Evaluation[], DecompositionLine[]] = [[], [], []]
  const rows = new Map<string, Float32Array[]>()
  /** Why rows of a metric could not be read. They are not asked for again before `retry`; others go on. */
  const unread = new Map<string, unknown>()
  const far = farOf?.(() => evaluations.length)
  let [manifest, probes]: [RunManifest | undefined, Probes | undefined] = [undefined, undefined]
  let types: readonly string[] = []
  let manifestText = ''
  let version = before

  /** The manifest, where it is another than before. */
  const readManifest = async (): Promise<{ text: string; manifest: RunManifest } | undefined> => {
    const json = await readJson(files, paths.manifest, 'bad-manifest')
    if (json === undefined) {
      throw new RunError({
        code: 'not-a-run',
        what: 'Cannot read the run',
        where: files.name,
        why: 'it has no run.json',
        fix: 'Wait, if it is just being made; else give the directory of a run',
      })
    }
    const text = JSON.stringify(json)
    if (text === manifestText) return undefined
    const found = checkManifest(json, `${files.name}/${paths.manifest}`)
    if (manifest && found.created !== manifest.created) throw new ReplacedError(`${files.name} was made anew`)
    return { text, manifest: found }
  }
  const readProbes = async (): Promise<Probes | undefined> => {
    const json = await readJson(files, paths.probes, 'bad-probes')
    return json === undefined ? undefined : checkProbes(json, `${files.name}/${paths.probes}`)
  }
  /** Rows [from, to) of a metric. */
  const readRows = async (metric: string, from: number, to: number): Promise<Float32Array[]> => {
    const width = probes?.columns.length ?? 0
    if (to <= from || width === 0) return []
    const path = paths.metric(metric)
    const bytes = await files.read(path, from * width * 4, (to - from) * width * 4)
    return rowsOf(bytes, from, width, `${files.name}/${path}`)
  }
  const need = (metric: string): boolean => {
    if (metrics.has(metric)) return false
    metrics.add(metric)
    return true
  }
  const want = (metric: string): void => {
    if (need(metric)) asked()
  }
  const current = (): LiveData | undefined => {
    if (!manifest) return undefined
    const scalars = columns.views()
    return {
      ...(key !== undefined && { key }),
      id: manifest.id,
      manifest,
      probes,
      types,
      evaluations,
      events,
      updates,
      scalars,
      rows,
      stages: stageSpans({ evaluations, scalars, manifest }),
      version: ++version,
      want,
      ...(far && { far }),
    }
  }
  return {
    metrics,
    current,
    retry() {
      unread.clear()
      far?.retry()
    },
    failure: () => [...unread.values()][0] ?? far?.failure(),
    need,
    keep(needed) {
      let bytes = 0
      for (const found of rows.values()) bytes += (found.length * (probes?.columns.length ?? 0)) * 4
      for (const [metric, found] of rows) {
        if (bytes <= KEPT_BYTES) return
        if (needed.includes(metric)) continue
        bytes -= (found.length * (probes?.columns.length ?? 0)) * 4
        rows.delete(metric)
        metrics.delete(metric)
      }
    },
    async refresh(again = false, partly = () => {}) {
      // Of a run that was read before first whether it is still that run: of another's files no line is where it was.
      const first = manifest !== undefined && again ? await readManifest() : undefined
      // All at once: a page opens with as many requests as it has small files, and waits for the slowest.
      const [newManifest, newProbes, newUpdates, newEvents, newScalars, newEvaluations] = await Promise.all([
        manifest === undefined ? readManifest() : first,
        probes ? undefined : readProbes(),
        readLines(files, paths.decompositions, at.updates, checkDecomposition),
        readLines(files, paths.events, at.events, checkEvent),
        readLines(files, paths.scalars, at.scalars, checkScalarLine),
        readLines(files, paths.index, at.index, checkEvaluation),
      ])
      if (!probes && newProbes) [probes, types] = [newProbes, typesOf(newProbes)]
      const to = evaluations.length + newEvaluations.lines.length
      const [tails, putFar] = await Promise.all([
        Promise.all(
          [...rows].map(async ([metric, have]) => ({ have, tail: await readRows(metric, have.length, to) })),
        ),
        far?.extend(to, metric => rows.has(metric)),
      ])
      // From here on nothing waits: whoever draws sees all of an evaluation or none of it.
      if (newManifest) {
        manifest = newManifest.manifest
        manifestText = newManifest.text
      }
      updates.push(...newUpdates.lines)
      events.push(...newEvents.lines)
      columns.add(newScalars.lines)
      evaluations.push(...newEvaluations.lines)
      for (const { have, tail } of tails) have.push(...tail)
      putFar?.()
      for (const read of [newUpdates, newEvents, newScalars, newEvaluations]) read.take()
      let changed =
        newManifest !== undefined ||
        newProbes !== undefined ||
        [newUpdates, newEvents, newScalars, newEvaluations].some(({ lines }) => lines.length > 0)
      if (!probes) return changed ? current() : undefined
      const missing = (): string | undefined =>
        [...metrics].find(
          metric => !rows.has(metric) && !unread.has(metric) && manifest!.columns.metrics.includes(metric),
        )
      if (missing() !== undefined && changed) partly(current()!)
      // Curves that somebody else computes are there sooner than the rows, and are what is looked at first.
      if (missing() !== undefined && far) await far.settled()
      // One after the other: a browser has few connections, and the first metric is the one that is looked at.
      for (let metric = missing(); metric !== undefined; metric = missing()) {
        try {
          rows.set(metric, await readRows(metric, 0, evaluations.length))
        } catch (error) {
          if (error instanceof GoneError) throw error
          unread.set(metric, error)
        }
        changed = true
        if (missing() !== undefined) partly(current()!)
      }
      return changed ? current() : undefined
    },
  }
}
