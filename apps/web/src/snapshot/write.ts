// Makes the data of a snapshot from runs, in Node and in the page alike: reads what the chosen pages need, thins,
// redacts, codes (format.ts). Exact numbers stay with whoever has the run.
import { openSafetensors, readAppended } from '@ldyn/formats'
import {
  openRun,
  paths,
  unknownColumns,
  type Json,
  type Probes,
  type Run,
  type RunFiles,
} from '@ldyn/runs'
import type { RunSummary } from '../wire.ts'
import { pack, split, unpack, type Container, type FileToWrite, type PartToWrite, type RunToWrite } from './container.ts'
import { SnapshotError, type Kept, type SnapshotAbout, type SnapshotOptions } from './format.ts'
import { gzip, sha256 } from './gzip.ts'
import { encodeNumbers } from './numbers.ts'
import { isOfPages } from './pages.ts'
import {
  lineRedactor,
  redactEvent,
  redactHeader,
  redactManifest,
  redactor,
  redactProbes,
  redactSummary,
} from './redact.ts'
import { keptEvenly, keptPoints, keptRows } from './thin.ts'

/** A run to put in: how the list of runs shows it, and its files. */
export interface RunToShare {
  readonly summary: RunSummary
  readonly files: RunFiles
}

export interface SnapshotRequest {
  readonly runs: readonly RunToShare[]
  readonly options: SnapshotOptions
  /** ISO 8601, and the version of ldyn. */
  readonly made: string
  readonly version: string
}

export interface Snapshot {
  readonly about: SnapshotAbout
  /** The gzipped container. */
  readonly data: Uint8Array
  /** The same, as the page will read it. */
  readonly container: Container
  /** Where `data` is the manifest alone: the parts of each file of all runs, gzipped. */
  readonly beside?: readonly Uint8Array[]
}

const utf8 = new TextEncoder()
const json = (value: unknown): Uint8Array => utf8.encode(JSON.stringify(value))
const jsonl = (values: readonly unknown[]): Uint8Array =>
  utf8.encode(values.map(value => `${JSON.stringify(value)}\n`).join(''))

/** Lines as they are on file, with every field that this version does not know. */
const linesOf = async (files: RunFiles, path: string): Promise<readonly Record<string, Json>[]> => {
  const size = await files.size(path)
  if (size === undefined) return []
  const { lines } = await readAppended({
    name: `${files.name}/${path}`,
    size,
    read: (offset, length) => files.read(path, offset, length),
  })
  return lines.map(line => line.value as Record<string, Json>)
}

/** Means over the probes of each type, of one metric, at every evaluation. */
const meansByType = (
  rows: readonly Float32Array[],
  probes: Probes,
  metric: string,
  types: readonly string[],
): ReadonlyMap<string, Float64Array> => {
  const unknown = unknownColumns(probes, metric)
  return new Map(
    types.flatMap(type => {
      const columns = probes.columns.flatMap((column, i) => (column.type === type && !unknown.has(i) ? [i] : []))
      if (columns.length === 0) return []
      const mean = (row: Float32Array): number =>
        columns.reduce((sum, column) => sum + row[column], 0) / columns.length
      return [[type, Float64Array.from(rows, mean)] as const]
    }),
  )
}

/** Which evaluations to keep: by the mean log π of chosen and rejected, or of the first two types. */
const evaluationsKept = async (run: Run, most: number | undefined): Promise<readonly number[]> => {
  const stages = run.evaluations.map(({ stage }) => stage)
  const { probes, manifest } = run
  if (most === undefined || stages.length <= most) return stages.map((_, i) => i)
  if (!probes || !manifest.columns.metrics.includes('logp')) return keptRows(stages, [], [], most)
  const means = meansByType(await run.metric('logp'), probes, 'logp', run.types)
  const told = ['chosen', 'rejected'].filter(type => means.has(type))
  const leading = (told.length > 0 ? told : [...means.keys()].slice(0, 2)).map(type => means.get(type)!)
  return keptRows(stages, [...means.values()], leading, most)
}

/** The log, each of its columns thinned by itself: a line keeps the columns of which it is a point that is kept. */
const scalarsKept = (
  lines: readonly Record<string, Json>[],
  most: number | undefined,
): { readonly lines: readonly Record<string, Json>[]; readonly kept: Kept } => {
  const fixed = new Set(['s', 't', 'stage'])
  const columns = new Map<string, number[]>()
  lines.forEach((line, i) => {
    for (const name of Object.keys(line)) {
      if (fixed.has(name)) continue
      const column = columns.get(name)
      if (column) column.push(i)
      else columns.set(name, [i])
    }
  })
  const of = [...columns.values()].reduce((sum, at) => sum + at.length, 0)
  if (most === undefined) return { lines, kept: { kept: of, of } }
  const wanted = lines.map(() => new Set<string>())
  let kept = 0
  for (const [name, at] of columns) {
    const points = keptPoints(
      at.map(i => String(lines[i].stage)),
      at.map(i => lines[i][name] as number),
      most,
    )
    kept += points.length
    for (const k of points) wanted[at[k]].add(name)
  }
  return {
    kept: { kept, of },
    lines: lines.flatMap((line, i) =>
      wanted[i].size === 0
        ? []
        : [Object.fromEntries(Object.entries(line).filter(([name]) => fixed.has(name) || wanted[i].has(name)))],
    ),
  }
}

/** A .safetensors file whose tensors are float32 (as the page reads them), its header redacted. */
const matricesOf = async (
  files: RunFiles,
  path: string,
  { kernel }: SnapshotOptions,
  header: (name: string, value: string) => string,
): Promise<readonly PartToWrite[]> => {
  const where = `${files.name}/${path}`
  const size = (await files.size(path)) ?? 0
  const file = await openSafetensors({ name: where, size, read: (at, length) => files.read(path, at, length) })
  let at = 0
  const entries: Record<string, unknown> = {
    __metadata__: Object.fromEntries(
      Object.entries(file.metadata).map(([name, value]) => [name, header(name, value)]),
    ),
  }
  const tensors: PartToWrite[] = []
  for (const [name, { shape }] of file.tensors) {
    const values = await file.readF32(name)
    entries[name] = { dtype: 'F32', shape, data_offsets: [at, at + values.byteLength] }
    at += values.byteLength
    tensors.push(encodeNumbers(values, Math.max(1, values.length), kernel, `${where}, ${name}`))
  }
  const text = json(entries)
  const padded = Math.ceil(text.length / 8) * 8
  const head = new Uint8Array(8 + padded).fill(32)
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true)
  head.set(text, 8)
  return [head, ...tensors]
}

const runToWrite = async (
  { summary, files }: RunToShare,
  options: SnapshotOptions,
): Promise<RunToWrite> => {
  const run = await openRun(files)
  const { probes, evaluations } = run
  // Only what is in the file is said to be there.
  const columns = {
    metrics: run.manifest.columns.metrics.filter(name => isOfPages(paths.metric(name), options.pages)),
    tokens: run.manifest.columns.tokens.filter(name => isOfPages(paths.tokens(name), options.pages)),
  }
  const manifest = { ...run.manifest, columns }
  const redact = redactor(options, probes)
  const anonymous = lineRedactor(options)
  const rows = await evaluationsKept(run, options.steps)
  const out: FileToWrite[] = []
  const add = (path: string, ...parts: readonly PartToWrite[]): void => void out.push({ path, parts })
  add(paths.manifest, json(redactManifest(manifest, options, redact)))
  const events = run.events.map(event => redactEvent(event, options, redact))
  add(paths.events, jsonl(events))
  const log = scalarsKept(await linesOf(files, paths.scalars), options.steps)
  add(paths.scalars, jsonl(log.lines))
  if (probes) add(paths.probes, json(redactProbes(probes, options)))
  add(paths.index, jsonl(rows.map((i, row) => ({ s: evaluations[i].step, row, stage: evaluations[i].stage }))))
  const picked = (all: readonly Float32Array[]): Float32Array => {
    const width = all[0]?.length ?? 0
    const values = new Float32Array(rows.length * width)
    rows.forEach((i, at) => values.set(all[i], at * width))
    return values
  }
  const numbers = async (path: string, read: () => Promise<readonly Float32Array[]>): Promise<void> => {
    const all = await read()
    const width = Math.max(1, all[0]?.length ?? 1)
    add(path, encodeNumbers(picked(all), width, options.values, `${files.name}/${path}`))
  }
  for (const name of manifest.columns.metrics) await numbers(paths.metric(name), () => run.metric(name))
  for (const name of manifest.columns.tokens) await numbers(paths.tokens(name), () => run.tokens(name))
  let updates: Kept = { kept: 0, of: 0 }
  if (isOfPages(paths.decompositions, options.pages)) {
    const lines = await linesOf(files, paths.decompositions)
    const kept = keptEvenly(lines.length, options.steps ?? Infinity)
    updates = { kept: kept.length, of: lines.length }
    if (lines.length > 0) add(paths.decompositions, jsonl(kept.map(i => anonymous(lines[i]))))
  }
  if (isOfPages(paths.watched, options.pages)) {
    const evaluated = new Set(rows.map(i => `${evaluations[i].step} ${evaluations[i].stage}`))
    const lines = (await linesOf(files, paths.watched)).filter(({ s, stage }) => evaluated.has(`${s} ${stage}`))
    if (lines.length > 0) add(paths.watched, jsonl(lines.map(anonymous)))
  }
  const header = (name: string, value: string): string => redactHeader(name, value, options, redact)
  for (const path of await files.list()) {
    if (path.endsWith('.safetensors') && isOfPages(path, options.pages))
      add(path, ...(await matricesOf(files, path, options, header)))
  }
  return {
    key: summary.key,
    files: out,
    evaluations: { kept: rows.length, of: evaluations.length },
    scalars: log.kept,
    updates,
  }
}

const packRuns = async ({ runs, options, made, version }: SnapshotRequest) => {
  if (runs.length === 0) {
    throw new SnapshotError({
      code: 'no-run',
      what: 'Cannot make a snapshot',
      where: 'its runs',
      why: 'none was named',
      fix: 'Choose at least one run',
    })
  }
  const written: RunToWrite[] = []
  for (const run of runs) written.push(await runToWrite(run, options))
  const list = { root: 'this file', version, runs: runs.map(({ summary }) => redactSummary(summary, options)) }
  return pack({ ...options, made, version, list }, written)
}

const snapshotOf = async (packed: ReturnType<typeof pack>, head: Uint8Array): Promise<Snapshot> => {
  const data = await gzip(head)
  const about = { ...packed.manifest, sha256: await sha256(data), bytes: data.length }
  return { data, container: unpack(packed.bytes), about }
}

/** Throws SnapshotError, RunError (a run that is damaged or gone) and FormatError. */
export const makeSnapshot = async (request: SnapshotRequest): Promise<Snapshot> => {
  const packed = await packRuns(request)
  return snapshotOf(packed, packed.bytes)
}

/** As `makeSnapshot`, for a folder: numbers stand beside the page, and are read when they are shown. */
export const makeSnapshotFolder = async (
  request: SnapshotRequest,
): Promise<Snapshot & { readonly beside: readonly Uint8Array[] }> => {
  const packed = await packRuns(request)
  const { head, files } = split(packed.bytes, packed.manifest)
  return { ...(await snapshotOf(packed, head)), beside: await Promise.all(files.map(gzip)) }
}
