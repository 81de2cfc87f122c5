// The writer of a run over its open files, wherever they are. Numbers are appended; a probe evaluation is committed by
// its index line, which is written after its rows are on disk; scalars are on disk before any checkpoint, evaluation or
// status says that they are behind it.
import type { RunContents } from '../contents.ts'
import { checkFinite } from '../decomposition.ts'
import type { Decomposition, DecompositionLine } from '../decomposition.ts'
import { RunError } from '../error.ts'
import { paths } from '../layout.ts'
import type { RunManifest } from '../manifest.ts'
import { keptUntil, keyOf } from '../records.ts'
import type { Evaluation, RunEventBody, ScalarLine } from '../records.ts'
import { checkWatchedFinite } from '../watched.ts'
import type { Watched, WatchedLine } from '../watched.ts'
import { encode, refuseNonFinite, rowBytes, writeJson } from './bytes.ts'
import {
  compareDecompositions, compareRows, compareScalars, compareWatched, missingStep, probeColumnName, probeTokenName,
} from './compare.ts'
import type { ProbeValues, RunWriter } from './run-writer.ts'
import type { AppendFile, RunStorage } from './storage.ts'

const HEARTBEAT_MS = 10_000

const eventKey = (event: RunEventBody & { t?: number }): string =>
  JSON.stringify(Object.entries(event).filter(([key]) => key !== 't').sort())

/** A run that is open for writing. */
export interface Parts {
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

export const writerOver = (parts: Parts): RunWriter => {
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
