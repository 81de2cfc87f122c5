// The runs below a directory, newest first: up to three folders down, as `ldyn demo` and sweeps make them.
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

const DEPTH = 3

/** A run holds no runs. Links are not followed. */
const listBelow = async (directory: string, depth: number): Promise<readonly ListedRun[]> => {
  const run = await listOne(directory)
  if (run) return [run]
  if (depth === 0) return []
  const folders = (await readdir(directory, { withFileTypes: true }))
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
  // What may not be read below the root holds no run that could be shown.
  const look = ({ name }: { readonly name: string }) => listBelow(join(directory, name), depth - 1).catch(() => [])
  return (await Promise.all(folders.map(look))).flat()
}

/** Runs that are `root` itself or lie below it, newest first. Throws RunError `unreadable`. */
export const listRuns = async (root: string): Promise<readonly ListedRun[]> => {
  const found = await listBelow(root, DEPTH).catch((cause: Error) => {
    throw new RunError({
      code: 'unreadable', what: 'Cannot list runs', where: root, why: `the system says ${cause.message}`,
      fix: 'Give a directory of runs',
    }, { cause })
  })
  return [...found].sort((a, b) => (b.manifest?.created ?? '').localeCompare(a.manifest?.created ?? ''))
}
