// The container of a snapshot, to bytes and back (format.ts). What is read was written by somebody else: every length
// is checked against what is there before anything is made of it.
import {
  MAGIC,
  SNAPSHOT_SCHEMA,
  SnapshotError,
  type FilePart,
  type NumberPart,
  type SnapshotFile,
  type SnapshotManifest,
  type SnapshotRun,
} from './format.ts'
import { codedBytes, decodeNumbers, type Coded } from './numbers.ts'

/** A part before it has its place. */
export type PartToWrite = Uint8Array | Coded

export interface FileToWrite {
  readonly path: string
  readonly parts: readonly PartToWrite[]
}

export interface RunToWrite extends Omit<SnapshotRun, 'files'> {
  readonly files: readonly FileToWrite[]
}

const HEAD = MAGIC.length + 4
const isRaw = (part: PartToWrite): part is Uint8Array => part instanceof Uint8Array

/** The container's bytes, and the manifest in it. */
export const pack = (
  manifest: Omit<SnapshotManifest, 'runs' | 'schema'>,
  runs: readonly RunToWrite[],
): { readonly bytes: Uint8Array; readonly manifest: SnapshotManifest } => {
  const pieces: Uint8Array[] = []
  let at = 0
  const put = (part: PartToWrite): FilePart => {
    const data = isRaw(part) ? part : part.data
    pieces.push(data)
    const place = { at, bytes: data.length }
    at += data.length
    if (isRaw(part)) return { codec: 'raw', ...place }
    const { data: _, ...coded } = part
    return { ...coded, ...place }
  }
  const file = ({ path, parts }: FileToWrite): SnapshotFile => ({
    path,
    size: parts.reduce((sum, part) => sum + (isRaw(part) ? part.length : part.count * 4), 0),
    parts: parts.map(put),
  })
  const whole: SnapshotManifest = {
    schema: SNAPSHOT_SCHEMA,
    ...manifest,
    runs: runs.map(run => ({ ...run, files: run.files.map(file) })),
  }
  const text = new TextEncoder().encode(JSON.stringify(whole))
  const bytes = new Uint8Array(HEAD + text.length + at)
  bytes.set(new TextEncoder().encode(MAGIC))
  new DataView(bytes.buffer).setUint32(MAGIC.length, text.length, true)
  bytes.set(text, HEAD)
  let to = HEAD + text.length
  for (const piece of pieces) {
    bytes.set(piece, to)
    to += piece.length
  }
  return { bytes, manifest: whole }
}

export interface Container {
  readonly manifest: SnapshotManifest
  /** The file as the run had it. Rejects with SnapshotError `damaged`, or as the data beside the page do. */
  read(file: SnapshotFile): Promise<Uint8Array>
}

/** The parts of the nth file of all runs, one after the other, where they do not stand in the container. */
export type Beside = (nth: number) => Promise<Uint8Array>

const filesOf = ({ runs }: SnapshotManifest): readonly SnapshotFile[] => runs.flatMap(({ files }) => files)
const lengthOf = ({ parts }: SnapshotFile): number => parts.reduce((sum, { bytes }) => sum + bytes, 0)

/** A container's manifest alone, as a container, and the parts of each of its files. */
export const split = (
  bytes: Uint8Array,
  manifest: SnapshotManifest,
): { readonly head: Uint8Array; readonly files: readonly Uint8Array[] } => {
  const start = HEAD + new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true)
  let at = start
  const files = filesOf(manifest).map(file => bytes.subarray(at, (at += lengthOf(file))))
  return { head: bytes.subarray(0, start), files }
}

const damaged = (why: string, code: 'damaged' | 'newer-schema' | 'bad-manifest' = 'damaged'): SnapshotError =>
  new SnapshotError({
    code,
    what: 'Cannot read the runs in this file',
    where: 'the data at its end',
    why,
    fix:
      code === 'newer-schema'
        ? 'The page and its data were put together from two versions: ask for the file again'
        : 'Ask for the file again, or make it again with ldyn export --html',
  })

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const partIsSound = (part: Partial<Omit<NumberPart, 'codec'> & { codec: string }>, room: number): boolean => {
  const { at, bytes, codec } = part
  if (!isCount(at) || !isCount(bytes) || at + bytes > room) return false
  if (codec === 'raw') return true
  if (codec !== 'f32' && codec !== 'f16') return false
  const { count, width, exponent = 0 } = part
  if (!isCount(count) || !isCount(width) || !Number.isInteger(exponent) || Math.abs(exponent) > 300) return false
  if (count > 0 && (width === 0 || count % width !== 0)) return false
  return codedBytes({ codec, count, width }) === bytes
}

const sizeOf = (part: FilePart): number => (part.codec === 'raw' ? part.bytes : part.count * 4)

const checkManifest = (value: unknown, room: number): SnapshotManifest => {
  const manifest = (typeof value === 'object' && value !== null ? value : {}) as Partial<SnapshotManifest>
  if (manifest.schema !== SNAPSHOT_SCHEMA) {
    const version = /^ldyn\.snapshot\/(\d+)$/.exec(String(manifest.schema))?.[1]
    throw version === undefined
      ? damaged(`its schema is not ${SNAPSHOT_SCHEMA}`, 'bad-manifest')
      : damaged(`its data have the schema ldyn.snapshot/${version}, and this page reads ${SNAPSHOT_SCHEMA}`, 'newer-schema')
  }
  const { runs, list, pages, made, version } = manifest
  if (!Array.isArray(runs) || !Array.isArray(list?.runs) || !Array.isArray(pages) || !made || !version)
    throw damaged('its manifest lacks runs, list, pages, made or version', 'bad-manifest')
  for (const run of runs as SnapshotRun[]) {
    if (typeof run.key !== 'string' || !Array.isArray(run.files))
      throw damaged('a run in its manifest has no key or files', 'bad-manifest')
    for (const { path, size, parts } of run.files) {
      const sound =
        typeof path === 'string' &&
        Array.isArray(parts) &&
        parts.every(part => partIsSound(part, room)) &&
        size === parts.reduce((sum, part) => sum + sizeOf(part), 0)
      if (!sound) throw damaged(`the place of ${run.key}/${String(path)} is not inside the data`)
    }
  }
  return manifest as SnapshotManifest
}

/** Reads what `pack` made, or with `beside` what `split` made of it. Throws SnapshotError. */
export const unpack = (bytes: Uint8Array, beside?: Beside): Container => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw damaged('the data do not begin as those of a snapshot do')
  const length = view.getUint32(MAGIC.length, true)
  if (HEAD + length > bytes.length) throw damaged('its manifest is longer than the data')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(HEAD, HEAD + length)))
  } catch {
    throw damaged('its manifest is not JSON', 'bad-manifest')
  }
  const parts = bytes.subarray(HEAD + length)
  const manifest = checkManifest(value, beside ? Infinity : parts.length)
  const nth = new Map(filesOf(manifest).map((file, n) => [file, n]))
  return {
    manifest,
    async read(file) {
      const own = beside ? await beside(nth.get(file)!) : parts
      if (beside && own.length !== lengthOf(file))
        throw damaged(`what stands beside the page for ${file.path} has ${own.length} of ${lengthOf(file)} bytes`)
      const first = beside ? (file.parts[0]?.at ?? 0) : 0
      const out = new Uint8Array(file.size)
      let to = 0
      for (const part of file.parts) {
        const data = own.subarray(part.at - first, part.at - first + part.bytes)
        const decoded = part.codec === 'raw' ? data : new Uint8Array(decodeNumbers({ ...part, data }).buffer)
        out.set(decoded, to)
        to += decoded.length
      }
      return out
    },
  }
}
