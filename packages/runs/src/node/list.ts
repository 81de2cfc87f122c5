// The runs below a directory, newest first.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RunError } from '../error.ts'
import { readJson } from '../files.ts'
import { paths } from '../layout.ts'
import { checkManifest } from '../manifest.ts'
import type { RunManifest } from '../manifest.ts'
import { directoryFiles } from './files.ts'
import { lockHolder } from './lock.ts'

export interface ListedRun {
  readonly directory: string
  /** Undefined where run.json cannot be read; `error` says why. */
  readonly manifest: RunManifest | undefined
  /** True while a process writes it. A run that says `running` and is not live was killed. */
  readonly live: boolean
  readonly error: RunError | undefined
}

const listOne = async (directory: string): Promise<ListedRun | undefined> => {
  try {
    const json = await readJson(directoryFiles(directory), paths.manifest, 'bad-manifest')
    if (json === undefined) return undefined
    const manifest = checkManifest(json, join(directory, paths.manifest))
    return { directory, manifest, live: await lockHolder(directory) !== undefined, error: undefined }
  } catch (error) {
    if (!(error instanceof RunError)) throw error
    return { directory, manifest: undefined, live: false, error }
  }
}

/** Runs that are `root` itself or lie directly below it, newest first. Throws RunError `unreadable`. */
export const listRuns = async (root: string): Promise<readonly ListedRun[]> => {
  let names: readonly string[]
  try {
    names = (await readdir(root, { withFileTypes: true })).filter(entry => entry.isDirectory()).map(entry => entry.name)
  } catch (cause) {
    throw new RunError({
      code: 'unreadable', what: 'Cannot list runs', where: root, why: `the system says ${(cause as Error).message}`,
      fix: 'Give a directory of runs',
    }, { cause })
  }
  const found = await Promise.all([root, ...names.map(name => join(root, name))].map(listOne))
  return found.filter(run => run !== undefined)
    .sort((a, b) => (b.manifest?.created ?? '').localeCompare(a.manifest?.created ?? ''))
}
