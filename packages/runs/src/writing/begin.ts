// How a run begins to be written: a new one, or one that goes on from a checkpoint.
import { dataFiles, readContents } from '../contents.ts'
import type { RunContents } from '../contents.ts'
import { RunError } from '../error.ts'
import { paths, SCHEMA } from '../layout.ts'
import { checkManifest } from '../manifest.ts'
import type { RunManifest } from '../manifest.ts'
import { checkProbes } from '../probes.ts'
import type { Probes } from '../probes.ts'
import { backendOf } from '../records.ts'
import type { RunEvent, RunEventBody } from '../records.ts'
import { writeJson } from './bytes.ts'
import type { NewRun, RunWriter } from './run-writer.ts'
import type { AppendFile, RunStorage } from './storage.ts'
import { writerOver } from './writer.ts'

export interface ResumeOptions {
  /**
   * What computes from here on. Where it is not what the run was computed on so far, an event says so, and steps on
   * file that are done again are kept as they are rather than compared: other engines round differently.
   */
  readonly backend?: RunManifest['backend']
}

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
