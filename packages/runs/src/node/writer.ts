// The writer of a run on disk: its storage is a directory that one process at a time holds by a lock.
import { readdir, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeFolder, writeAtomically } from '@ldyn/formats/node'
import { RunError } from '../error.ts'
import { paths, SCHEMA } from '../layout.ts'
import { checkManifest } from '../manifest.ts'
import { checkProbes } from '../probes.ts'
import type { Probes } from '../probes.ts'
import type { RunStorage } from '../writing/storage.ts'
import { createRunIn, resumeRunIn } from '../writing/begin.ts'
import type { ResumeOptions as ResumeInOptions } from '../writing/begin.ts'
import type { NewRun, RunWriter } from '../writing/run-writer.ts'
import { diskError, openAppend, plainWrite } from './disk.ts'
import type { DiskWrite } from './disk.ts'
import { directoryFiles } from './files.ts'
import { takeLock } from './lock.ts'

export type { NewRun, ProbeValues, RunWriter } from '../writing/run-writer.ts'

export interface WriterOptions {
  /** How bytes reach a file: tests put a full disk here. */
  readonly write?: DiskWrite
}

export interface ResumeOptions extends WriterOptions, ResumeInOptions {}

const alive: RunStorage['alive'] = () =>
  ({ pid: process.pid, host: hostname(), heartbeat: new Date().toISOString() })

const diskStorage = (directory: string, release: () => Promise<void>, write: DiskWrite = plainWrite): RunStorage => {
  const at = (path: string) => join(directory, path)
  return {
    directory,
    at,
    files: directoryFiles(directory),
    open: (path, committed) => openAppend(at(path), committed, write),
    replace: (path, bytes) => writeAtomically(at(path), sink => sink.write(bytes))
      .catch(cause => { throw diskError(at(path), cause) }),
    alive,
    release,
  }
}

/**
 * Makes a run directory and its writer. Throws RunError: `exists` where there is a run already, `locked`,
 * `not-writable`, `no-space`, and `bad-manifest` or `bad-probes` for what could not be read again.
 */
export const createRun = async (
  directory: string, run: NewRun, probes?: Probes, options: WriterOptions = {},
): Promise<RunWriter> => {
  // Checked before anything is made: a run that nobody could read leaves no folder behind.
  checkManifest({ ...run, schema: SCHEMA, status: 'running', process: alive() }, join(directory, paths.manifest))
  if (probes) checkProbes(probes, join(directory, paths.probes))
  await makeFolder(join(directory, 'probe')).catch(cause => { throw diskError(directory, cause) })
  return createRunIn(diskStorage(directory, await takeLock(directory), options.write), run, probes)
}

/**
 * Opens a run to go on from the checkpoint of `step`. Torn tails are cut off; steps after `step` that are on
 * file stay there, and doing them again compares with them. Throws RunError: `locked`, `not-a-run`, and what
 * reading gives.
 */
export const resumeRun = async (
  directory: string, step: number, options: ResumeOptions = {},
): Promise<RunWriter> => {
  const files = directoryFiles(directory)
  if (await files.size(paths.manifest) === undefined) {
    throw new RunError({
      code: 'not-a-run', what: 'Cannot resume the run', where: directory, why: 'it has no run.json',
      fix: 'Give the directory of a run that ldyn wrote, or start a new one',
    })
  }
  const unlock = await takeLock(directory)
  try {
    for (const name of await readdir(directory)) {
      if (name.endsWith('.tmp')) await unlink(join(directory, name))
    }
  } catch (error) {
    await unlock()
    throw error
  }
  return resumeRunIn(diskStorage(directory, unlock, options.write), step, options)
}
