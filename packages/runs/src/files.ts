// The one thing that a reader needs of the world: named files with sizes and ranges. A directory in Node, an
// HTTP server with range requests, or files dropped on a page.
import { FormatError, memorySource, Problem } from '@ldyn/formats'
import type { ByteSource } from '@ldyn/formats'
import { RunError } from './error.ts'

export interface RunFiles {
  readonly name: string
  /** Relative paths with forward slashes. */
  list(): Promise<readonly string[]>
  /** Bytes, or undefined where there is no such file. */
  size(path: string): Promise<number | undefined>
  /** Exactly this range. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>
}

/** Files in memory. */
export const memoryFiles = (files: ReadonlyMap<string, Uint8Array>, name = 'memory'): RunFiles => ({
  name,
  list: async () => [...files.keys()],
  size: async path => files.get(path)?.length,
  read: async (path, offset, length) => memorySource(files.get(path)!, `${name}/${path}`).read(offset, length),
})

/** A file of the run as a source, its size taken now: what is appended later is not seen. */
export const sourceOf = async (files: RunFiles, path: string): Promise<ByteSource | undefined> => {
  const size = await files.size(path)
  if (size === undefined) return undefined
  return { size, name: `${files.name}/${path}`, read: (offset, length) => files.read(path, offset, length) }
}

const MAX_JSON_BYTES = 1 << 28

/**
 * The JSON value of a whole file, or undefined where there is no such file. Throws RunError of the given
 * code.
 */
export const readJson = async (files: RunFiles, path: string, code: RunError['code']): Promise<unknown> => {
  const source = await sourceOf(files, path)
  if (!source) return undefined
  const fail = (why: string, cause?: unknown) => new RunError({
    code, what: `Cannot read ${path}`, where: source.name, why, fix: 'Restore the file from a copy',
  }, { cause })
  if (source.size > MAX_JSON_BYTES) throw fail(`it has ${source.size} bytes, more than ${MAX_JSON_BYTES}`)
  try {
    const bytes = await source.read(0, source.size)
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (cause) {
    // Whoever reads the files for us says best why they do not come.
    if (cause instanceof Problem && !(cause instanceof FormatError)) throw cause
    throw fail(cause instanceof FormatError ? cause.why : 'it is not JSON in UTF-8', cause)
  }
}
