// The writer of a run, wherever its files are. Numbers are appended; a probe evaluation is committed by its index line,
// which is written after its rows are on disk; scalars are on disk before any checkpoint, evaluation or status says
// that they are behind it.
import { dataFiles, readContents } from '../contents.ts'
import type { RunContents } from '../contents.ts'
import { checkFinite } from '../decomposition.ts'
import type { Decomposition, DecompositionLine } from '../decomposition.ts'
import { RunError } from '../error.ts'
import { paths, SCHEMA } from '../layout.ts'
import { checkManifest } from '../manifest.ts'
import type { RunManifest, RunStatus } from '../manifest.ts'
import { checkProbes } from '../probes.ts'
import type { Probes } from '../probes.ts'
import { backendOf, keptUntil, keyOf } from '../records.ts'
import type { Evaluation, RunEvent, RunEventBody, ScalarLine } from '../records.ts'
import { checkWatchedFinite } from '../watched.ts'
import type { Watched, WatchedLine } from '../watched.ts'
import {
  compareDecompositions, compareRows, compareScalars, compareWatched, missingStep, probeColumnName, probeTokenName,
} from './compare.ts'
import type { AppendFile, RunStorage } from './storage.ts'

export type NewRun = Omit<RunManifest, 'schema' | 'status' | 'process'>

export interface ProbeValues {
  /** One array of P values for every metric of `columns.metrics`. */
  readonly metrics: Readonly<Record<string, Float32Array>>
  /** One array of T values for every metric of `columns.tokens`. */
  readonly tokens?: Readonly<Record<string, Float32Array>>
}

export interface RunWriter extends AsyncDisposable {
  readonly directory: string
  readonly manifest: RunManifest
  /** The last step that has scalars or an evaluation on file; 0 in a new run. */
  readonly lastStep: number
  /** What computed the run before it was resumed on another backend, device or version just now. */
  readonly movedFrom?: RunManifest['backend']
  /** Appends one line of scalars, or compares with the line that is there. Throws `non-finite`, `differs`. */
  scalars(step: number, stage: string, values: Readonly<Record<string, number>>): Promise<void>
  /**
   * Appends and commits one evaluation, or compares with the one that is there. Absent columns are stored as
   * 0.
   */
  probes(step: number, stage: string, values: ProbeValues): Promise<void>
  /** Appends what one update did, or compares with the line that is there. Throws `non-finite`, `differs`. */
  decomposition(step: number, stage: string, found: Decomposition): Promise<void>
  /** Appends distributions at watched positions, or compares with those there. Throws `non-finite`, `differs`. */
  watched(step: number, stage: string, found: Watched): Promise<void>
  /**
   * Appends an event. One of a redone step that is on file already (all but its time) is not appended again.
   */
  event(event: RunEventBody): Promise<void>
  /** Puts all that was appended on disk: call before a checkpoint is saved. */
  sync(): Promise<void>
  /** Says in the manifest that the process lives; commits do so by themselves every ten seconds. */
  heartbeat(): Promise<void>
  /** Writes the last status, closes the files and lets go of the lock. */
  finish(status: Exclude<RunStatus, 'running'>, reason?: string): Promise<void>
  /** Closes without a status, as a crash would leave it. */
  close(): Promise<void>
}

export interface ResumeOptions {
  /**
   * What computes from here on. Where it is not what the run was computed on so far, an event says so, and steps on
   * file that are done again are kept as they are rather than compared: other engines round differently.
   */
  readonly backend?: RunManifest['backend']
}

const HEARTBEAT_MS = 10_000
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`)

const writeJson = (storage: RunStorage, path: string, value: unknown): Promise<void> =>
  storage.replace(path, new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`))

const refuseNonFinite = (where: string, value: number) => new RunError({
  code: 'non-finite', what: 'Cannot write a number of the run', where, why: `it is ${value}`,
  fix: 'Lower the learning rate or find the step that made it; a run holds finite numbers only',
})

/** The bytes of one binary row, checked. */
const rowBytes = (
  where: string, values: Float32Array | undefined, width: number, absent: readonly number[],
  name: (i: number) => string,
): Uint8Array => {
  if (values?.length !== width) {
    throw new RunError({
      code: 'wrong-shape', what: 'Cannot write an evaluation', where,
      why: `it takes ${width} values and was given ${values?.length ?? 'none'}`,
      fix: 'Give every metric that the manifest lists, one value a column',
    })
  }
  const row = values.slice()
  for (const column of absent) row[column] = 0
  const bad = row.findIndex(value => !Number.isFinite(value))
  if (bad >= 0) throw refuseNonFinite(`${where}, ${name(bad)}`, row[bad])
  return new Uint8Array(row.buffer)
}

const eventKey = (event: RunEventBody & { t?: number }): string =>
  JSON.stringify(Object.entries(event).filter(([key]) => key !== 't').sort())

const makeWriter = async (storage: RunStorage, contents: RunContents): Promise<RunWriter> => {
  const { probes } = contents
  const open: AppendFile[] = []
  const append = async (path: string) => {
    const file = await storage.open(path, contents.committed.get(path) ?? 0)
    open.push(file)
    return file
  }
  const closeAll = async () => {
    await Promise.all(open.splice(0).map(file => file.close()))
    await storage.release()
  }

  try {
    const scalarFile = await append(paths.scalars)
    const eventFile = await append(paths.events)
    const indexFile = await append(paths.index)
    const data = new Map<string, { file: AppendFile, width: number }>()
    for (const [path, width] of dataFiles(contents.manifest, probes)) {
      data.set(path, { file: await append(path), width })
    }
    // Most runs have none: the file is made with its first line, and opened at once only to cut a torn tail off.
    const seldom = async (path: string) => {
      let file = contents.committed.get(path) || contents.torn.get(path) ? append(path) : undefined
      await file
      return () => (file ??= append(path))
    }
    const [decompositions, watched] = [await seldom(paths.decompositions), await seldom(paths.watched)]
    return writerOver({ storage, contents, scalarFile, eventFile, indexFile, decompositions, watched, data, closeAll })
  } catch (error) {
    await closeAll()
    throw error
  }
}

interface Parts {
  readonly storage: RunStorage
  readonly contents: RunContents
  readonly scalarFile: AppendFile
  readonly eventFile: AppendFile
  readonly indexFile: AppendFile
  /** Opened when it is first asked for. */
  decompositions(): Promise<AppendFile>
  watched(): Promise<AppendFile>
  readonly data: ReadonlyMap<string, { readonly file: AppendFile, readonly width: number }>
  closeAll(): Promise<void>
}

const writerOver = (parts: Parts): RunWriter => {
  const { storage, contents, scalarFile, eventFile, indexFile, data } = parts
  const { directory } = storage
  const { probes } = contents
  const scalarLines = new Map<string, ScalarLine>(contents.scalars.map(line => [keyOf(line.s, line.stage), line]))
  const evaluations = new Map<string, Evaluation>(contents.evaluations.map(e => [keyOf(e.step, e.stage), e]))
  const eventsOnFile = new Set(contents.events.map(eventKey))
  const kept = keptUntil(contents.events)
  let manifest = contents.manifest
  let lastScalar = contents.scalars.at(-1)?.s ?? 0
  let lastEvaluation = contents.evaluations.at(-1)?.step ?? 0
  let beat = Date.now()
  let closed = false

  // One thing at a time, in the order of the calls, whether or not the caller waits.
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(() => {
      if (!closed) return work()
      throw new RunError({
        code: 'closed', what: 'Cannot write the run', where: directory, why: 'its writer is closed',
        fix: 'Open it again with resumeRun',
      })
    })
    queue = turn.catch(() => {})
    return turn
  }

  const setManifest = async (change: Partial<RunManifest>) => {
    const next = { ...manifest, ...change }
    await writeJson(storage, paths.manifest, next)
    manifest = next
  }
  const heartbeat = async () => {
    await setManifest({ process: storage.alive() })
    beat = Date.now()
  }
  const heartbeatIfDue = async () => {
    if (Date.now() - beat > HEARTBEAT_MS) await heartbeat()
  }
  const appendEvent = async (event: RunEventBody) => {
    // What belongs to a step is on file once, however often that step is done.
    if ('s' in event && event.type !== 'resume' && eventsOnFile.has(eventKey(event))) return
    // What an event says is behind it must be on disk first.
    await scalarFile.sync()
    await eventFile.append(encode({ t: Date.now(), ...event }))
    await eventFile.sync()
  }

  const appendScalars = async (step: number, stage: string, values: Readonly<Record<string, number>>) => {
    const where = scalarFile.path
    const reserved = ['s', 't', 'stage'].find(name => name in values)
    if (reserved) {
      throw new RunError({
        code: 'wrong-shape', what: 'Cannot write scalars', where: `${where}, step ${step}`,
        why: `"${reserved}" is a field of every line`, fix: 'Give that scalar another name',
      })
    }
    for (const [name, value] of Object.entries(values)) {
      if (!Number.isFinite(value)) throw refuseNonFinite(`${where}, step ${step}, stage "${stage}", "${name}"`, value)
    }
    const found = scalarLines.get(keyOf(step, stage))
    if (found) return step <= kept ? undefined : compareScalars(where, step, found.values, values)
    if (step < lastScalar) throw missingStep(where, step, stage, lastScalar)
    const t = Date.now()
    await scalarFile.append(encode({ s: step, t, stage, ...values }))
    scalarLines.set(keyOf(step, stage), { s: step, t, stage, values })
    lastScalar = step
    await heartbeatIfDue()
  }

  // A file with a line a step, most runs without: what is checked before it is written, and how a redone step compares.
  const lineSeries = <T extends object, L extends T & { readonly s: number, readonly stage: string }>(
    onFile: readonly L[], fileOf: () => Promise<AppendFile>, check: (found: T, where: string) => void,
    compare: (where: string, known: L, found: T) => void,
  ) => {
    const known = new Map(onFile.map(line => [keyOf(line.s, line.stage), line]))
    let last = onFile.at(-1)?.s ?? 0
    return async (step: number, stage: string, found: T) => {
      const file = await fileOf()
      const where = `${file.path}, step ${step}`
      check(found, `${where}, stage "${stage}"`)
      const before = known.get(keyOf(step, stage))
      if (before) return step <= kept ? undefined : compare(where, before, found)
      if (step < last) throw missingStep(where, step, stage, last)
      const line = { s: step, t: Date.now(), stage, ...found }
      await file.append(encode(line))
      await file.sync()
      known.set(keyOf(step, stage), line as unknown as L)
      last = step
      await heartbeatIfDue()
    }
  }
  const appendDecomposition = lineSeries<Decomposition, DecompositionLine>(
    contents.decompositions, parts.decompositions, checkFinite, compareDecompositions)
  const appendWatched = lineSeries<Watched, WatchedLine>(
    contents.watched, parts.watched, checkWatchedFinite, compareWatched)

  const appendProbes = async (step: number, stage: string, values: ProbeValues) => {
    if (!probes) {
      throw new RunError({
        code: 'no-probes', what: 'Cannot write an evaluation', where: directory, why: 'the run has no probes.json',
        fix: 'Give probes to createRun',
      })
    }
    const rows: { path: string, metric: string, bytes: Uint8Array, name: (i: number) => string }[] = []
    const add = (path: string, metric: string, given: Float32Array | undefined, perToken: boolean) => {
      const name = perToken ? probeTokenName(probes) : probeColumnName(probes)
      const where = `${storage.at(path)}, step ${step}`
      const bytes = rowBytes(where, given, data.get(path)!.width, perToken ? [] : probes.absent, name)
      rows.push({ path, metric, bytes, name })
    }
    for (const name of manifest.columns.metrics) add(paths.metric(name), name, values.metrics[name], false)
    for (const name of manifest.columns.tokens) add(paths.tokens(name), name, values.tokens?.[name], true)

    const found = evaluations.get(keyOf(step, stage))
    if (found) {
      if (step <= kept) return
      for (const { path, metric, bytes, name } of rows) {
        const before = await data.get(path)!.file.read(found.row * bytes.length, bytes.length)
        compareRows(storage.at(path), step, metric, before, bytes, name)
      }
      return
    }
    if (step < lastEvaluation) throw missingStep(indexFile.path, step, stage, lastEvaluation)
    const row = evaluations.size
    try {
      for (const { path, bytes } of rows) await data.get(path)!.file.append(bytes)
      await Promise.all(rows.map(({ path }) => data.get(path)!.file.sync()))
      await scalarFile.sync()
      await indexFile.append(encode({ s: step, row, stage }))
      await indexFile.sync()
    } catch (error) {
      // All or nothing: the caller may free space and give this evaluation again.
      for (const { path, bytes } of rows) await data.get(path)!.file.cutTo(row * bytes.length)
      throw error
    }
    evaluations.set(keyOf(step, stage), { step, stage, row })
    lastEvaluation = step
    await heartbeatIfDue()
  }

  const close = async () => {
    await queue
    if (closed) return
    closed = true
    await parts.closeAll()
  }

  return {
    directory,
    get manifest() { return manifest },
    get lastStep() { return Math.max(lastScalar, lastEvaluation) },
    scalars: (step, stage, values) => inTurn(() => appendScalars(step, stage, values)),
    probes: (step, stage, values) => inTurn(() => appendProbes(step, stage, values)),
    decomposition: (step, stage, found) => inTurn(() => appendDecomposition(step, stage, found)),
    watched: (step, stage, found) => inTurn(() => appendWatched(step, stage, found)),
    event: event => inTurn(() => appendEvent(event)),
    sync: () => inTurn(() => scalarFile.sync()),
    heartbeat: () => inTurn(heartbeat),
    async finish(status, reason) {
      await inTurn(async () => {
        await appendEvent({ type: 'status', status, ...(reason === undefined ? {} : { reason }) })
        await setManifest({ status, process: storage.alive() })
      })
      await close()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

const begun = async (writer: RunWriter, events: readonly RunEventBody[]): Promise<RunWriter> => {
  try {
    for (const event of events) await writer.event(event)
    return writer
  } catch (error) {
    await writer.close()
    throw error
  }
}

/**
 * Makes a run in `storage`, which nobody else writes, and its writer. Throws RunError: `exists` where there is a run
 * already, `not-writable`, `no-space`, and `bad-manifest` or `bad-probes` for what could not be read again.
 */
export const createRunIn = async (storage: RunStorage, run: NewRun, probes?: Probes): Promise<RunWriter> => {
  try {
    const where = storage.at(paths.manifest)
    const manifest = checkManifest({ ...run, schema: SCHEMA, status: 'running', process: storage.alive() }, where)
    if (probes) checkProbes(probes, storage.at(paths.probes))
    if (await storage.files.size(paths.manifest) !== undefined) {
      throw new RunError({
        code: 'exists', what: 'Cannot make the run', where, why: 'there is a run in this directory already',
        fix: 'Go on with it by --resume, or choose another --out',
      })
    }
    if (probes) await writeJson(storage, paths.probes, probes)
    // The manifest last: a directory without one is not a run, so a half-made run is never taken for a whole
    // one.
    await writeJson(storage, paths.manifest, manifest)
    const contents: RunContents = {
      manifest, probes, events: [], scalars: [], evaluations: [], decompositions: [], watched: [], committed: new Map(),
      torn: new Map(),
    }
    return await begun(await makeWriter(storage, contents), [{ type: 'status', status: 'running' }])
  } catch (error) {
    await storage.release()
    throw error
  }
}

const moved = (
  { manifest, events, scalars, evaluations }: RunContents, to: RunManifest['backend'] | undefined,
): { backend?: RunManifest['backend'], kept?: number } => {
  const from = backendOf(manifest, events)
  if (!to || (to.name === from.name && to.device === from.device && to.version === from.version)) return {}
  return { backend: to, kept: Math.max(scalars.at(-1)?.s ?? 0, evaluations.at(-1)?.step ?? 0) }
}

/**
 * Opens the run in `storage` to go on from the checkpoint of `step`. Torn tails are cut off; steps after `step` that
 * are on file stay there, and doing them again compares with them. Throws RunError: what reading gives.
 */
export const resumeRunIn = async (
  storage: RunStorage, step: number, options: ResumeOptions = {},
): Promise<RunWriter> => {
  try {
    const contents = await readContents(storage.files)
    const manifest: RunManifest = { ...contents.manifest, status: 'running', process: storage.alive() }
    await writeJson(storage, paths.manifest, manifest)
    const resume = { type: 'resume', s: step, ...moved(contents, options.backend) } as const
    const events: RunEvent[] = [...contents.events, { t: Date.now(), ...resume }]
    const writer = await makeWriter(storage, { ...contents, manifest, events })
    await begun(writer, [resume, { type: 'status', status: 'running' }])
    return resume.backend ? Object.assign(writer, { movedFrom: backendOf(contents.manifest, contents.events) }) : writer
  } catch (error) {
    await storage.release()
    throw error
  }
}
