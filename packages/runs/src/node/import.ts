// `ldyn import`: finds out what a path holds, reads it, and writes an ordinary run. Importing the same log again
// changes nothing; an import that was killed is taken up where it was, comparing what is on file.
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { FormatError, memorySource, readNpy, readTfEvents } from '@ldyn/formats'
import { RunError } from '../error.ts'
import { readJson } from '../files.ts'
import type { ImportedRun, ImportInfo } from '../importing/imported.ts'
import { importReleased } from '../importing/released-code.ts'
import { importTfEvents } from '../importing/tfevents.ts'
import { importTrainerState } from '../importing/trainer-state.ts'
import { paths } from '../layout.ts'
import { checkManifest } from '../manifest.ts'
import type { RunManifest } from '../manifest.ts'
import { diskError } from './disk.ts'
import { directoryFiles } from './files.ts'
import { createRun, resumeRun } from './writer.ts'
import type { NewRun } from './writer.ts'

export interface ImportOptions {
  /** The run's id; the name of the log's directory unless given. */
  readonly id?: string
  readonly stage?: string
  /** Updates between evaluations of the released code's logs. */
  readonly every?: number
  /** Which attempt of a log that holds several, from 1. */
  readonly attempt?: number
  /** For the manifest. */
  readonly argv?: readonly string[]
  readonly version?: string
}

/** A foreign log, read and understood, and nothing written. */
export interface ForeignRun {
  readonly id: string
  /** When the log was last written, ISO 8601. */
  readonly written: string
  readonly files: ImportInfo['files']
  readonly run: ImportedRun
}

export interface Imported extends ForeignRun {
  readonly directory: string
  /** `unchanged` where the same log had been imported there already. */
  readonly outcome: 'written' | 'completed' | 'unchanged'
  readonly manifest: RunManifest
}

const METRICS = 'prob_train_metrics.json'
const NPY = /^logp_npy_all_.*\.npy$/
const ARGMAX_TOKENS = /^argmax_token_all_.*\.npy$/
const STATE = 'trainer_state.json'
const EVENTS = /tfevents/
// Logs are text of some megabytes; an array of 500 probes and 28 keys has 112 kB an evaluation.
const MAX_BYTES = 1 << 30

interface Read { readonly path: string, readonly bytes: Buffer, readonly mtime: Date }

const noLog = (where: string, why: string, fix: string) =>
  new RunError({ code: 'no-log', what: 'Cannot import it', where, why, fix })

const badLog = (where: string, why: string, fix: string, cause?: unknown) =>
  new RunError({ code: 'bad-log', what: 'Cannot read the log', where, why, fix }, { cause })

const readBytes = async (path: string): Promise<Read> => {
  try {
    const { size, mtime } = await stat(path)
    if (size > MAX_BYTES) throw noLog(path, `it has ${size} bytes, more than ${MAX_BYTES}`, 'Give the log itself')
    const bytes = await readFile(path)
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) throw badLog(path, 'it is compressed (gzip)', 'Unpack it first (gunzip)')
    return { path, bytes, mtime }
  } catch (cause) {
    if (cause instanceof RunError) throw cause
    throw new RunError({
      code: 'unreadable', what: 'Cannot read the log', where: path, why: `the system says ${(cause as Error).message}`,
      fix: 'Check that the path is right and that you may read it',
    }, { cause })
  }
}

const asText = ({ path, bytes }: Read): string => {
  if (bytes.length === 0) throw badLog(path, 'it is empty', 'Copy it again')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    // As PowerShell's `>` writes it.
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
    throw badLog(path, utf16 ? 'it is UTF-16, not UTF-8' : 'it is not UTF-8', utf16 ? 'Save it as UTF-8' : 'Copy it again', cause)
  }
}

/** A parser's complaint about foreign bytes, as one about the log. */
const parsing = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new RunError({ code: 'bad-log', what: cause.what, where: cause.where, why: cause.why, fix: cause.fix }, { cause })
  }
}

/** `checkpoint-1200` below a Trainer's output directory: the last one's state holds the whole log. */
const lastCheckpoint = (names: readonly string[]): string | undefined => names
  .flatMap(name => { const step = /^checkpoint-(\d+)$/.exec(name); return step ? [{ name, step: Number(step[1]) }] : [] })
  .sort((a, b) => a.step - b.step).at(-1)?.name

type Found = { readonly kind: 'released', readonly metrics: string, readonly npy: readonly string[], readonly pickled: boolean }
  | { readonly kind: 'state', readonly path: string } | { readonly kind: 'events', readonly paths: readonly string[] }

const look = async (path: string): Promise<{ found: Found, runName: string }> => {
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') throw noLog(path, 'nothing is there', 'Check the path')
    throw new RunError({
      code: 'unreadable', what: 'Cannot read the log', where: path, why: `the system says ${cause.message}`, fix: 'Check the path',
    }, { cause })
  })
  if (info.isFile()) {
    const name = basename(path)
    const runName = basename(dirname(resolve(path)))
    if (EVENTS.test(name)) return { found: { kind: 'events', paths: [path] }, runName }
    if (name === METRICS) return look(dirname(resolve(path)))
    if (name === STATE) return { found: { kind: 'state', path }, runName }
    const head = (await readBytes(path)).bytes.subarray(0, 65_536).toString('latin1')
    if (head.includes('logps_eval')) return { found: { kind: 'released', metrics: path, npy: [], pickled: false }, runName }
    if (head.includes('"log_history"')) return { found: { kind: 'state', path }, runName }
    throw noLog(path, 'it is none of the logs that ldyn reads',
      `Give ${METRICS} of the released code, ${STATE} of a Hugging Face Trainer, or a TensorBoard event file`)
  }
  const entries = await readdir(path, { withFileTypes: true }).catch(cause => { throw diskError(path, cause) })
  const files = entries.filter(entry => entry.isFile()).map(entry => entry.name).sort()
  const folders = entries.filter(entry => entry.isDirectory()).map(entry => entry.name).sort()
  const runName = basename(resolve(path))
  const at = (name: string) => join(path, name)
  if (files.includes(METRICS)) {
    return {
      found: {
        kind: 'released', metrics: at(METRICS), npy: files.filter(name => NPY.test(name)).map(at),
        pickled: files.some(name => ARGMAX_TOKENS.test(name)),
      },
      runName,
    }
  }
  if (files.includes(STATE)) return { found: { kind: 'state', path: at(STATE) }, runName }
  const checkpoint = lastCheckpoint(folders)
  if (checkpoint !== undefined) {
    const state = join(path, checkpoint, STATE)
    if (await stat(state).then(() => true, () => false)) return { found: { kind: 'state', path: state }, runName }
  }
  const events = files.filter(name => EVENTS.test(name))
  if (events.length > 0) return { found: { kind: 'events', paths: events.map(at) }, runName }
  if (files.includes(paths.manifest)) {
    throw noLog(path, 'it is a run of ldyn already', 'Use it as it is: ldyn runs show, plot, diagnose')
  }
  const packed = files.find(name => name.endsWith('.gz') && [METRICS, STATE, 'tfevents'].some(log => name.includes(log)))
  if (packed !== undefined) throw badLog(at(packed), 'it is compressed (gzip)', 'Unpack it first (gunzip)')
  throw noLog(path, `no ${METRICS}, ${STATE} or event file is in it`,
    folders.length > 0 ? `Give one directory below it, such as ${join(path, folders[0])}` : 'Give the directory or file of one log')
}

/** Reads a foreign log; writes nothing. Throws RunError `no-log`, `bad-log`, `unreadable`. */
export const readForeign = async (path: string, options: ImportOptions = {}): Promise<ForeignRun> => {
  const { found, runName } = await look(path)
  const reads: Read[] = []
  const take = async (file: string) => {
    const read = await readBytes(file)
    reads.push(read)
    return read
  }
  const about = { runName: options.id ?? runName, ...(options.stage === undefined ? {} : { stage: options.stage }) }
  const run = await parsing(async (): Promise<ImportedRun> => {
    if (found.kind === 'state') return importTrainerState(asText(await take(found.path)), found.path, about)
    if (found.kind === 'events') {
      const files = []
      for (const name of found.paths) {
        files.push({ name, events: await readTfEvents(memorySource((await take(name)).bytes, name)) })
      }
      return importTfEvents(files, about)
    }
    const text = asText(await take(found.metrics))
    const [array] = found.npy
    const npy = array === undefined ? undefined
      : { name: basename(array), array: await readNpy(memorySource((await take(array)).bytes, array)) }
    const read = importReleased({ name: found.metrics, text, ...(npy && { npy }) }, {
      ...about, runName, ...(options.every !== undefined && { every: options.every }),
      ...(options.attempt !== undefined && { attempt: options.attempt }),
    })
    const notes = [...read.notes]
    if (found.npy.length > 1) {
      notes.push({ code: 'array-ignored', message: `there are ${found.npy.length} arrays; ${npy!.name} is read` })
    }
    if (found.pickled) {
      notes.push({ code: 'pickle-ignored', message: 'argmax_token_all_*.npy is a Python pickle, that is, a program: it is not read' })
    }
    return { ...read, notes }
  })
  const newest = Math.max(...reads.map(({ mtime }) => mtime.getTime()))
  return {
    id: options.id ?? runName,
    written: new Date(newest).toISOString(),
    files: reads.map(({ path: file, bytes }) => ({
      path: basename(file), bytes: bytes.length, hash: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    })),
    run,
  }
}

const UNKNOWN = '(not in the log)'

const manifestOf = ({ id, written, files, run }: ForeignRun, options: ImportOptions): NewRun => ({
  id,
  created: written,
  argv: options.argv ?? [],
  config: {},
  seed: 0,
  environment: { node: process.version, platform: `${process.platform}-${process.arch}`, cpu: '', ldyn: options.version ?? '' },
  backend: { name: UNKNOWN, device: '', version: '' },
  model: { path: UNKNOWN, hash: '', params: 0 },
  tokenizer: { hash: '' },
  datasets: [],
  stages: [run.stage],
  columns: run.columns,
  imported: { format: run.format, files, meansOnly: run.meansOnly, missing: run.missing, notes: run.notes },
})

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/**
 * Writes the log at `path` as a run in `directory`. Throws what reading throws; `exists` where another run is
 * there, `differs` where the log, or what is asked of it, is not what was imported there before.
 */
export const importRun = async (path: string, directory: string, options: ImportOptions = {}): Promise<Imported> => {
  const foreign = await readForeign(path, options)
  const manifest = manifestOf(foreign, options)
  const { run } = foreign
  const before = await readJson(directoryFiles(directory), paths.manifest, 'bad-manifest')
  const old = before === undefined ? undefined : checkManifest(before, join(directory, paths.manifest))
  if (old && !old.imported) {
    throw new RunError({
      code: 'exists', what: 'Cannot import the log', where: directory, why: 'a run that was not imported is there already',
      fix: 'Give another --out',
    })
  }
  const asBefore = (): boolean => same(old!.imported, JSON.parse(JSON.stringify(manifest.imported)))
    && same(old!.stages, manifest.stages) && old!.id === manifest.id
  if (old && !asBefore()) {
    throw new RunError({
      code: 'differs', what: 'Cannot import the log', where: directory,
      why: same(old.imported?.files, manifest.imported!.files)
        ? 'the same log was imported there with other settings' : 'the log is not the one that was imported there, or has grown since',
      fix: 'Give another --out, or remove that directory first',
    })
  }
  if (old?.status === 'done') return { ...foreign, directory, outcome: 'unchanged', manifest: old }
  await using writer = old ? await resumeRun(directory, 0) : await createRun(directory, manifest, run.probes)
  const { stage } = run
  await writer.event({ type: 'stage', stage: stage.name, edge: 'start', s: 0 })
  for (const { step, values } of run.scalars) await writer.scalars(step, stage.name, values)
  for (const { step, values } of run.evaluations) await writer.probes(step, stage.name, { metrics: values })
  await writer.event({ type: 'stage', stage: stage.name, edge: 'end', s: stage.updates })
  await writer.finish('done')
  return { ...foreign, directory, outcome: old ? 'completed' : 'written', manifest: writer.manifest }
}
