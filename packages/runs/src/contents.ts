// All small files of a run, read and checked once: what the reader shows, what a resuming writer compares
// with, and what says how many bytes of each file are committed.
import { FormatError, readAppended } from '@ldyn/formats'
import type { JsonLine } from '@ldyn/formats'
import { checkDecomposition } from './decomposition.ts'
import type { DecompositionLine } from './decomposition.ts'
import { RunError } from './error.ts'
import { readJson, sourceOf } from './files.ts'
import type { RunFiles } from './files.ts'
import { FLOAT_BYTES, paths } from './layout.ts'
import { checkManifest } from './manifest.ts'
import type { RunManifest } from './manifest.ts'
import { checkProbes, tokenCount } from './probes.ts'
import type { Probes } from './probes.ts'
import { checkEvaluation, checkEvent, checkOrder, checkScalarLine } from './records.ts'
import type { Evaluation, RunEvent, ScalarLine } from './records.ts'
import { checkWatched } from './watched.ts'
import type { WatchedLine } from './watched.ts'

export interface RunContents {
  readonly manifest: RunManifest
  readonly probes: Probes | undefined
  readonly events: readonly RunEvent[]
  readonly scalars: readonly ScalarLine[]
  readonly evaluations: readonly Evaluation[]
  /** What single updates did; none unless the run was told to decompose them. */
  readonly decompositions: readonly DecompositionLine[]
  /** Distributions at watched positions; none unless the run was told to watch some. */
  readonly watched: readonly WatchedLine[]
  /** Bytes of each appended file that are committed. */
  readonly committed: ReadonlyMap<string, number>
  /** Bytes behind these: what a crash left. Files without any are not listed. */
  readonly torn: ReadonlyMap<string, number>
}

/** Each binary file with the number of float32 in one of its rows. */
export const dataFiles = (manifest: RunManifest, probes: Probes | undefined): readonly [string, number][] => probes
  ? [
      ...manifest.columns.metrics.map((name): [string, number] => [paths.metric(name), probes.columns.length]),
      ...manifest.columns.tokens.map((name): [string, number] => [paths.tokens(name), tokenCount(probes)]),
    ]
  : []

interface Appended<T> { readonly records: readonly T[], readonly committed: number, readonly torn: number }

const lines = async <T>(
  files: RunFiles, path: string, check: (line: JsonLine, where: string, index: number) => T,
): Promise<Appended<T>> => {
  const source = await sourceOf(files, path)
  if (!source) return { records: [], committed: 0, torn: 0 }
  try {
    const { lines: found, committed, torn } = await readAppended(source)
    const records = found.map((line, i) => check(line, `${source.name}, line ${line.number}`, i))
    return { records, committed, torn }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new RunError({
      code: 'bad-line', what: cause.what, where: cause.where, why: cause.why, fix: 'Restore the file from a copy',
    }, { cause })
  }
}

/** Reads everything but the numbers in binary files. Throws RunError; torn tails are not errors. */
export const readContents = async (files: RunFiles): Promise<RunContents> => {
  const json = await readJson(files, paths.manifest, 'bad-manifest')
  if (json === undefined) {
    throw new RunError({
      code: 'not-a-run', what: 'Cannot read the run', where: files.name, why: 'it has no run.json',
      fix: 'Give the directory of a run that ldyn wrote',
    })
  }
  const manifest = checkManifest(json, `${files.name}/${paths.manifest}`)
  const probesJson = await readJson(files, paths.probes, 'bad-probes')
  const probes = probesJson === undefined ? undefined : checkProbes(probesJson, `${files.name}/${paths.probes}`)
  // The index before the data: rows that a live writer adds in between are then simply not seen yet.
  const index = await lines(files, paths.index, (line, where, i) => checkEvaluation(line.value, where, i))
  const scalars = await lines(files, paths.scalars, (line, where) => checkScalarLine(line.value, where))
  const decompositions = await lines(files, paths.decompositions,
    (line, where) => checkDecomposition(line.value, where))
  const watched = await lines(files, paths.watched, (line, where) => checkWatched(line.value, where))
  const events = await lines(files, paths.events, (line, where) => checkEvent(line.value, where))
  checkOrder(index.records, i => `${files.name}/${paths.index}, line ${i + 1}`)
  checkOrder(scalars.records.map(({ s, stage }) => ({ step: s, stage })),
    i => `${files.name}/${paths.scalars}, line ${i + 1}`)
  checkOrder(decompositions.records.map(({ s, stage }) => ({ step: s, stage })),
    i => `${files.name}/${paths.decompositions}, line ${i + 1}`)
  checkOrder(watched.records.map(({ s, stage }) => ({ step: s, stage })),
    i => `${files.name}/${paths.watched}, line ${i + 1}`)
  const committed = new Map<string, number>()
  const torn = new Map<string, number>()
  const count = (path: string, whole: number, rest: number) => {
    committed.set(path, whole)
    if (rest > 0) torn.set(path, rest)
  }
  count(paths.index, index.committed, index.torn)
  count(paths.scalars, scalars.committed, scalars.torn)
  count(paths.events, events.committed, events.torn)
  count(paths.decompositions, decompositions.committed, decompositions.torn)
  count(paths.watched, watched.committed, watched.torn)
  for (const [path, width] of dataFiles(manifest, probes)) {
    const needed = index.records.length * width * FLOAT_BYTES
    const size = await files.size(path) ?? 0
    if (size < needed) {
      throw new RunError({
        code: 'short-data', what: 'Cannot trust the probe data', where: `${files.name}/${path}`,
        why: `the index commits ${index.records.length} rows of ${width} values, ${needed} bytes, and it has ${size}`,
        fix: 'Copy the whole run directory again',
      })
    }
    count(path, needed, size - needed)
  }
  if (index.records.length > 0 && !probes) {
    throw new RunError({
      code: 'bad-probes', what: 'Cannot read the probes', where: `${files.name}/${paths.probes}`,
      why: `the index commits ${index.records.length} evaluations and there is no such file`, fix: 'Restore probes.json',
    })
  }
  return {
    manifest, probes, events: events.records, scalars: scalars.records, evaluations: index.records,
    decompositions: decompositions.records, watched: watched.records, committed, torn,
  }
}
