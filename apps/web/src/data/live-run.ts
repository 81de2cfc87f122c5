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

export interface LiveData extends RunData {
  readonly events: readonly RunEvent[]
  readonly evaluations: readonly Evaluation[]
  readonly updates: readonly DecompositionLine[]
  /** Grows with every refresh that found something. */
  readonly version: number
}

export interface LiveRun {
  /**
   * Reads what is new; undefined where nothing is. run.json is read the first time, and when it is said to be another.
   * Throws RunError, GoneError.
   */
  refresh(manifest?: boolean): Promise<LiveData | undefined>
  /** From the next refresh on the rows of this metric are read too. */
  need(metric: string): boolean
  /** Metrics whose rows are read. */
  readonly metrics: ReadonlySet<string>
}

/** Lines behind what was read before, checked; `state` moves on. */
const readLines = async <T>(
  files: RunFiles,
  path: string,
  state: { bytes: number; lines: number },
  check: (value: unknown, where: string, index: number) => T,
): Promise<readonly T[]> => {
  const size = await files.size(path)
  if (size === undefined || size <= state.bytes) return []
  const from = state.bytes
  const name = `${files.name}/${path}`
  try {
    const { lines, committed } = await readAppended({
      name,
      size: size - from,
      read: (offset, length) => files.read(path, from + offset, length),
    })
    const first = state.lines
    const found = lines.map((line, i) => check(line.value, `${name}, line ${first + line.number}`, first + i))
    state.bytes += committed
    state.lines += lines.length
    return found
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
  const bad = values.findIndex(value => !Number.isFinite(value))
  if (bad >= 0) {
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

/** Follows `files`; `wanted` are metrics that are read from the beginning. */
export const followRun = (files: RunFiles, wanted: readonly string[] = ['logp']): LiveRun => {
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
  let [manifest, probes]: [RunManifest | undefined, Probes | undefined] = [undefined, undefined]
  let manifestText = ''
  let version = 0

  const readManifest = async (): Promise<boolean> => {
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
    const found = JSON.stringify(json)
    if (found === manifestText) return false
    manifest = checkManifest(json, `${files.name}/${paths.manifest}`)
    manifestText = found
    return true
  }
  const readRows = async (metric: string): Promise<boolean> => {
    if (!probes || !manifest!.columns.metrics.includes(metric)) return false
    const have = rows.get(metric) ?? []
    const width = probes.columns.length
    const missing = evaluations.length - have.length
    if (missing > 0 && width > 0) {
      const path = paths.metric(metric)
      const bytes = await files.read(path, have.length * width * 4, missing * width * 4)
      have.push(...rowsOf(bytes, have.length, width, `${files.name}/${path}`))
    }
    if (missing === 0 && rows.has(metric)) return false
    rows.set(metric, have)
    return true
  }
  return {
    metrics,
    need(metric) {
      if (metrics.has(metric)) return false
      metrics.add(metric)
      return true
    },
    async refresh(again = false) {
      let changed = manifest === undefined || again ? await readManifest() : false
      if (!probes) {
        const json = await readJson(files, paths.probes, 'bad-probes')
        if (json !== undefined) {
          probes = checkProbes(json, `${files.name}/${paths.probes}`)
          changed = true
        }
      }
      const newUpdates = await readLines(files, paths.decompositions, at.updates, checkDecomposition)
      const newEvents = await readLines(files, paths.events, at.events, checkEvent)
      const newScalars = await readLines(files, paths.scalars, at.scalars, checkScalarLine)
      const newEvaluations = await readLines(files, paths.index, at.index, checkEvaluation)
      events.push(...newEvents)
      updates.push(...newUpdates)
      columns.add(newScalars)
      evaluations.push(...newEvaluations)
      changed ||= newEvents.length + newScalars.length + newEvaluations.length + newUpdates.length > 0
      // One after the other: a browser has few connections, and the first metric is the one that is looked at.
      for (const metric of metrics) changed = (await readRows(metric)) || changed
      if (!changed) return undefined
      const scalars = columns.views()
      return {
        id: manifest!.id,
        manifest: manifest!,
        probes,
        types: probes ? typesOf(probes) : [],
        evaluations,
        events,
        updates,
        scalars,
        rows,
        stages: stageSpans({ evaluations, scalars, manifest: manifest! }),
        version: ++version,
      }
    },
  }
}
