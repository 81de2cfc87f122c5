// The reader, for Node and browsers alike: small files at once, binary rows when they are asked for.
import { readContents } from './contents.ts'
import type { RunContents } from './contents.ts'
import { columnsOf, divisors, meanAndError } from './curve.ts'
import type { Curve, Per } from './curve.ts'
import type { DecompositionLine } from './decomposition.ts'
import { RunError } from './error.ts'
import type { RunFiles } from './files.ts'
import { FLOAT_BYTES, paths } from './layout.ts'
import { tokenCount, typesOf } from './probes.ts'
import type { RunManifest } from './manifest.ts'
import type { Probes } from './probes.ts'
import type { Evaluation, RunEvent, ScalarLine } from './records.ts'
import type { WatchedLine } from './watched.ts'

export interface ScalarColumn {
  readonly steps: Float64Array
  /** Milliseconds since 1970. */
  readonly times: Float64Array
  readonly stages: readonly string[]
  readonly values: Float64Array
}

export interface Run {
  readonly name: string
  readonly manifest: RunManifest
  readonly events: readonly RunEvent[]
  /** Columns by name; a column has only the steps at which its name was written. */
  readonly scalars: ReadonlyMap<string, ScalarColumn>
  readonly probes: Probes | undefined
  /** Response types that are watched. */
  readonly types: readonly string[]
  readonly evaluations: readonly Evaluation[]
  /** What single updates did, predicted and by direction; empty unless the run was told to decompose them. */
  readonly decompositions: readonly DecompositionLine[]
  /** Distributions at watched positions, a line an evaluation; empty unless the run was told to watch some. */
  readonly watched: readonly WatchedLine[]
  /** Steps of the evaluations. */
  readonly steps: readonly number[]
  /** Bytes of torn tails that were left out, by file; empty for a run that was closed properly. */
  readonly torn: ReadonlyMap<string, number>
  /** One row a committed evaluation, one value a probe column; 0 at absent and missing ones. Throws RunError. */
  metric(name: string): Promise<readonly Float32Array[]>
  /**
   * One row a committed evaluation, one value a response token, at each column's `offset`. Throws RunError.
   */
  tokens(name: string): Promise<readonly Float32Array[]>
  /** Mean and standard error over probes at each evaluation. Throws RunError. */
  curve(metric: string, type: string, per?: Per): Promise<Curve>
}

const columnsByName = (lines: readonly ScalarLine[]): ReadonlyMap<string, ScalarColumn> => {
  const byName = new Map<string, ScalarLine[]>()
  for (const line of lines) {
    for (const name of Object.keys(line.values)) {
      const column = byName.get(name)
      if (column) column.push(line)
      else byName.set(name, [line])
    }
  }
  return new Map([...byName].map(([name, column]) => [name, {
    steps: Float64Array.from(column, line => line.s),
    times: Float64Array.from(column, line => line.t),
    stages: column.map(line => line.stage),
    values: Float64Array.from(column, line => line.values[name]),
  }]))
}

/** The committed rows of one binary file. Throws RunError `non-finite`, naming row and column. */
export const readRows = async (
  files: RunFiles, path: string, rows: number, width: number,
): Promise<readonly Float32Array[]> => {
  if (rows * width === 0) return Array.from({ length: rows }, () => new Float32Array(0))
  const bytes = (await files.read(path, 0, rows * width * FLOAT_BYTES)).slice()
  const values = new Float32Array(bytes.buffer, 0, rows * width)
  const bad = values.findIndex(value => !Number.isFinite(value))
  if (bad >= 0) {
    throw new RunError({
      code: 'non-finite', what: 'Cannot trust the probe data',
      where: `${files.name}/${path}, row ${Math.floor(bad / width)}, column ${bad % width}`,
      why: `it holds ${values[bad]}, and only finite numbers are ever written`, fix: 'Copy the run directory again',
    })
  }
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width))
}

const makeRun = (files: RunFiles, contents: RunContents): Run => {
  const { manifest, probes, evaluations } = contents
  const steps = evaluations.map(evaluation => evaluation.step)

  const probesOrRefuse = (): Probes => {
    if (probes) return probes
    throw new RunError({
      code: 'no-probes', what: 'Cannot read probe values', where: files.name, why: 'the run has no probes.json',
      fix: 'Train with --probe',
    })
  }
  const known = (names: readonly string[], name: string) => {
    if (names.includes(name)) return
    throw new RunError({
      code: 'unknown-column', what: `Cannot find the metric "${name}"`, where: files.name,
      why: 'the manifest does not list it', fix: `There are ${names.join(', ') || 'none'}`,
    })
  }
  const metric = async (name: string) => {
    known(manifest.columns.metrics, name)
    return readRows(files, paths.metric(name), evaluations.length, probesOrRefuse().columns.length)
  }
  return {
    name: files.name,
    manifest,
    events: contents.events,
    scalars: columnsByName(contents.scalars),
    probes,
    types: probes ? typesOf(probes) : [],
    evaluations,
    decompositions: contents.decompositions,
    watched: contents.watched,
    steps,
    torn: contents.torn,
    metric,
    async tokens(name) {
      known(manifest.columns.tokens, name)
      return readRows(files, paths.tokens(name), evaluations.length, tokenCount(probesOrRefuse()))
    },
    async curve(name, type, per = 'response') {
      const watched = probesOrRefuse()
      const columns = columnsOf(watched, name, type, files.name)
      const by = divisors(watched, name, columns, per, files.name)
      const points = (await metric(name)).map(row => meanAndError(row, columns, by))
      return {
        steps: Float64Array.from(steps),
        stages: evaluations.map(evaluation => evaluation.stage),
        mean: Float64Array.from(points, point => point.mean),
        se: Float64Array.from(points, point => point.se),
        n: columns.length,
      }
    },
  }
}

/**
 * Opens a run. A torn last line or row (a crash, or a writer at work) is left out and counted in `torn`;
 * anything else that is wrong throws a RunError that names file and line.
 */
export const openRun = async (files: RunFiles): Promise<Run> => makeRun(files, await readContents(files))
