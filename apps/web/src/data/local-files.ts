// Runs of this computer that were dropped on the page: a run's folder, a folder of runs, or a zip of either. They
// are read here, piece by piece, and nothing leaves the machine. What is opened is checked as any run is.
import { openRun, RunError, type RunFiles } from '@ldyn/runs'
import type { RunSummary } from '../wire.ts'
import type { HeldRun } from './memory.ts'
import { summaryOf } from './summary.ts'

/** A file with its path below what was dropped. */
export interface LocalFile {
  readonly path: string
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array>
}

/** A zip is unpacked in memory, whatever its header says: more than this is a folder's business. */
const MOST_ZIP_BYTES = 512_000_000
const MOST_FILES = 20_000

/** The files of a browser's list: `webkitRelativePath` where a folder was chosen. */
export const localFile = (file: File, path = file.webkitRelativePath || file.name): LocalFile => ({
  path,
  size: file.size,
  read: async (offset, length) => new Uint8Array(await file.slice(offset, offset + length).arrayBuffer()),
})

interface Entry {
  readonly name: string
  readonly isDirectory: boolean
}
interface FileEntry extends Entry {
  file(done: (file: File) => void, failed: (error: Error) => void): void
}
interface FolderEntry extends Entry {
  createReader(): { readEntries(done: (entries: Entry[]) => void, failed: (error: Error) => void): void }
}

/** Everything below what was dropped, folders included; weights are left where they are. */
export const filesOfEntries = async (entries: readonly Entry[]): Promise<readonly LocalFile[]> => {
  const files: LocalFile[] = []
  const walk = async (entry: Entry, above: string): Promise<void> => {
    if (entry.name.startsWith('.') || files.length > MOST_FILES) return
    const path = above + entry.name
    if (!entry.isDirectory) {
      const file = await new Promise<File>((done, failed) => (entry as FileEntry).file(done, failed))
      files.push(localFile(file, path))
      return
    }
    if (['checkpoints', 'reference', 'node_modules'].includes(entry.name)) return
    const reader = (entry as FolderEntry).createReader()
    // A reader gives a folder in parts; an empty one ends it.
    for (;;) {
      const part = await new Promise<Entry[]>((done, failed) => reader.readEntries(done, failed))
      if (part.length === 0) return
      for (const one of part) await walk(one, `${path}/`)
    }
  }
  for (const entry of entries) await walk(entry, '')
  return files
}

/** What is in a zip. Throws RunError `bad-zip`. */
export const filesOfZip = async (zip: LocalFile): Promise<readonly LocalFile[]> => {
  const { unzipSync } = await import('fflate')
  const fail = (why: string): RunError =>
    new RunError({
      code: 'bad-line',
      what: 'Cannot open the zip',
      where: zip.path,
      why,
      fix: 'Unpack it, and drop the folder',
    })
  let bytes = 0
  let unpacked: Record<string, Uint8Array>
  try {
    unpacked = unzipSync(await zip.read(0, zip.size), {
      filter: ({ name, originalSize }) => {
        if (name.endsWith('/') || /(^|\/)(checkpoints|reference)\//.test(name)) return false
        bytes += originalSize
        if (bytes > MOST_ZIP_BYTES) throw fail(`it holds more than ${MOST_ZIP_BYTES / 1e6} MB`)
        return true
      },
    })
  } catch (error) {
    if (error instanceof RunError) throw error
    throw fail(`it cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`)
  }
  return Object.entries(unpacked).map(([path, content]) => ({
    path,
    size: content.length,
    read: async (offset, length) => content.slice(offset, offset + length),
  }))
}

/** The files below `root` ('' or 'a/b/') as those of a run. */
const runFiles = (files: readonly LocalFile[], root: string, name: string): RunFiles => {
  const below = new Map(
    files.filter(({ path }) => path.startsWith(root)).map(file => [file.path.slice(root.length), file]),
  )
  return {
    name,
    list: async () => [...below.keys()],
    size: async path => below.get(path)?.size,
    async read(path, offset, length) {
      const bytes = await below.get(path)?.read(offset, length)
      if (bytes?.length !== length) throw new Error(`${name}/${path} ends early: it was changed or removed`)
      return bytes
    },
  }
}

const listed = async (key: string, files: RunFiles): Promise<RunSummary> => {
  const run = await openRun(files)
  // Nobody writes to what was dropped.
  const state = run.manifest.status === 'running' ? 'interrupted' : run.manifest.status
  return { ...summaryOf(key, run), state, sparks: {} }
}

/**
 * The runs among `files`: every folder that holds a run.json, at most four folders down. Throws RunError, also where
 * there is none.
 */
export const localRuns = async (given: readonly LocalFile[]): Promise<readonly HeldRun[]> => {
  const files = (
    await Promise.all(given.map(file => (/\.zip$/i.test(file.path) ? filesOfZip(file) : [file])))
  ).flat()
  const roots = files
    .filter(({ path }) => /^(?:[^/]+\/){0,4}run\.json$/.test(path))
    .map(({ path }) => path.slice(0, -'run.json'.length))
  if (roots.length === 0) {
    throw new RunError({
      code: 'not-a-run',
      what: 'Cannot find a run in what was dropped',
      where: given[0]?.path ?? 'nothing',
      why: 'no folder of it holds a run.json',
      fix: 'Drop the directory of a run, a folder of such directories, or a zip of one',
    })
  }
  return Promise.all(
    roots.map(async (root): Promise<HeldRun> => {
      const name = root.replace(/\/$/, '') || 'run'
      const key = `local:${name}`
      const found = runFiles(files, root, name)
      const summary = await listed(key, found)
      return { key, files: found, state: summary.state, summary: () => summary }
    }),
  )
}
