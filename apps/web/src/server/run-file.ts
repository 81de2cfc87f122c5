// A file of a run by the path in a request. Nothing outside the run's directory is ever opened: no segment may
// be empty, begin with a dot or hold a separator, and the real path, links followed, must still lie inside.
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { askedOf } from './ranges.ts'

/** The decoded segments of a path in an address; undefined where one of them is no plain name. */
export const segmentsOf = (path: string): readonly string[] | undefined => {
  const segments: string[] = []
  for (const part of path.split('/')) {
    let name: string
    try {
      name = decodeURIComponent(part)
    } catch {
      return undefined
    }
    // A name that is still encoded after decoding was encoded twice, and there is no reason for that but one.
    if (!isPlain(name) || /%[0-9a-f]{2}/i.test(name)) return undefined
    segments.push(name)
  }
  return segments
}

/** No separators of any system, no control characters, no drive letters or streams, no leading or trailing dot. */
const isPlain = (name: string): boolean =>
  name.length > 0 && name.length <= 255 && !/[\\/:\u0000-\u001f\u007f]/.test(name) && !/^\.|[. ]$/.test(name)

/** Weights are large and no screen reads them; the lock says which process writes. */
const isPrivate = (segments: readonly string[]): boolean =>
  ['checkpoints', 'reference', 'run.lock'].includes(segments[0])

export interface Found {
  readonly path: string
  readonly size: number
  readonly modified: number
}

/** The regular file of that name inside `directory`, or undefined. */
export const findFile = async (
  directory: string,
  segments: readonly string[],
): Promise<Found | undefined> => {
  if (segments.length === 0 || isPrivate(segments)) return undefined
  try {
    const [inside, path] = await Promise.all([realpath(directory), realpath(join(directory, ...segments))])
    if (!path.startsWith(inside + sep)) return undefined
    const { size, mtimeMs, isFile } = await stat(path).then(found => ({
      size: found.size,
      mtimeMs: found.mtimeMs,
      isFile: found.isFile(),
    }))
    return isFile ? { path, size, modified: mtimeMs } : undefined
  } catch {
    return undefined
  }
}

const TYPES: Readonly<Record<string, string>> = {
  json: 'application/json; charset=utf-8',
  jsonl: 'application/x-ndjson; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
}
export const typeOf = (path: string): string => TYPES[path.split('.').at(-1)!] ?? 'application/octet-stream'

/** The file, or the part of it that the Range header asks for, streamed as fast as it is read. */
export const fileResponse = (
  { path, size }: Found,
  {
    range,
    head,
    type = 'application/octet-stream',
    caching = 'no-store',
  }: { readonly range?: string; readonly head?: boolean; readonly type?: string; readonly caching?: string },
): Response => {
  const asked = askedOf(range, size)
  const headers: Record<string, string> = {
    'content-type': type,
    'accept-ranges': 'bytes',
    'cache-control': caching,
  }
  if (asked === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${size}` } })
  }
  const { from, to } = asked === 'whole' ? { from: 0, to: size } : asked
  const part: Record<string, string> =
    asked === 'whole' ? {} : { 'content-range': `bytes ${from}-${to - 1}/${size}` }
  const sized = { ...headers, ...part, 'content-length': String(to - from) }
  const status = asked === 'whole' ? 200 : 206
  if (head || to === from) return new Response(null, { status, headers: sized })
  // Opened when the first byte is pulled, closed when the reader goes away; a slow one holds 64 KiB and no more.
  const body = Readable.toWeb(
    createReadStream(path, { start: from, end: to - 1 }),
  ) as ReadableStream<Uint8Array>
  return new Response(body, { status, headers: sized })
}
