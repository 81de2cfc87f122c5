// How large a file will be: of every file of the runs a piece is coded and compressed as the snapshot would, and the
// rest taken to be like it. What was measured is kept, so that a dialog can follow every click.
import { paths, type Probes, type RunFiles } from '@ldyn/runs'
import type { SnapshotOptions } from './format.ts'
import { gzip } from './gzip.ts'
import { encodeNumbers } from './numbers.ts'
import { isOfPages } from './pages.ts'
import { redactProbes } from './redact.ts'

/** What base64 makes of a byte. */
const BASE64 = 4 / 3
/** Bytes of a file that are looked at, where it has more. */
const PIECE = 256_000
/** Rows that are looked at together where there are more: neighbours, since they are coded beside each other. */
const ROWS = 24
/** More than this of neighbouring rows is not read in one piece. */
const MOST_AT_ONCE = 2_000_000

const packed = async (bytes: Uint8Array): Promise<number> => (await gzip(bytes)).length

const finite = (bytes: Uint8Array): Float32Array =>
  Float32Array.from(new Float32Array(bytes.slice().buffer), value => (Number.isFinite(value) ? value : 0))

/** Four stretches of a file, or all of a small one. */
const piecesOf = async (files: RunFiles, path: string, size: number): Promise<Uint8Array> => {
  if (size <= PIECE) return files.read(path, 0, size)
  const each = PIECE / 4
  const stretches = await Promise.all(
    [0, 1, 2, 3].map(i => files.read(path, Math.floor(((size - each) * i) / 3), each)),
  )
  const all = new Uint8Array(PIECE)
  stretches.forEach((bytes, i) => all.set(bytes, i * each))
  return all
}

/** JSON, or lines of it, of which about `most` are kept. */
const textBytes = async (files: RunFiles, path: string, size: number, most = Infinity): Promise<number> => {
  const piece = await piecesOf(files, path, size)
  const lines = (piece.reduce((n, byte) => (byte === 10 ? n + 1 : n), 0) * size) / piece.length
  return (((await packed(piece)) * size) / piece.length) * (lines > most ? most / lines : 1)
}

const probesBytes = async (files: RunFiles, size: number, options: SnapshotOptions): Promise<number> => {
  if (options.text !== 'remove' || size > 32 * PIECE) return textBytes(files, paths.probes, size)
  const probes = JSON.parse(new TextDecoder().decode(await files.read(paths.probes, 0, size))) as Probes
  return packed(new TextEncoder().encode(JSON.stringify(redactProbes(probes, options))))
}

/** Rows of float32, `rows` of them in the file and `kept` in the snapshot: the first one exact, then changes. */
const rowsBytes = async (
  files: RunFiles,
  path: string,
  { size, rows, kept, values }: { size: number; rows: number; kept: number } & Pick<SnapshotOptions, 'values'>,
): Promise<number> => {
  const width = Math.floor(size / 4 / rows)
  if (width === 0 || kept === 0) return 0
  const count = Math.min(rows, ROWS + 1)
  const from = Math.max(1, Math.floor((rows - ROWS) / 2))
  const wide = count * width * 4 > MOST_AT_ONCE ? Math.floor(MOST_AT_ONCE / 8 / count) : width
  const read = (row: number, n: number): Promise<Uint8Array> => files.read(path, row * width * 4, n * wide * 4)
  const parts =
    wide === width
      ? [await read(0, 1), ...(count > 1 ? [await read(from, count - 1)] : [])]
      : await Promise.all(Array.from({ length: count }, (_, i) => read(i === 0 ? 0 : from + i - 1, 1)))
  const sample = new Float32Array(count * wide)
  let at = 0
  for (const part of parts) {
    sample.set(finite(part), at)
    at += part.length / 4
  }
  const { data, codec } = encodeNumbers(sample, wide, values, path)
  const head = codec === 'f16' && count > 1 ? wide * 4 : 0
  const each = (await packed(data.subarray(head))) / (count - (head > 0 ? 1 : 0))
  const first = head > 0 ? await packed(data.subarray(0, head)) : 0
  return ((first + each * (kept - (head > 0 ? 1 : 0))) * width) / wide
}

/** Tensors become float32, and then what the options say. */
const matricesBytes = async (
  files: RunFiles,
  path: string,
  size: number,
  { kernel }: SnapshotOptions,
): Promise<number> => {
  const length = Number(new DataView((await files.read(path, 0, 8)).slice().buffer).getBigUint64(0, true))
  if (length > size - 8) return 0
  const header = await files.read(path, 8, length)
  const text = new TextDecoder().decode(header)
  const doubles = /"dtype":\s*"F64"/.test(text)
  const bytes = Math.min(PIECE, Math.floor((size - 8 - length) / 8) * 8)
  // From the middle of the numbers, where a value begins.
  const at = 8 + length + Math.floor((size - 8 - length - bytes) / 16) * 8
  const piece = (await files.read(path, at, bytes)).slice()
  const numbers = doubles ? Float32Array.from(new Float64Array(piece.buffer)) : new Float32Array(piece.buffer)
  const values = numbers.map(value => (Number.isFinite(value) ? value : 0))
  const { data } = encodeNumbers(values, Math.max(1, values.length), kernel, path)
  return (await packed(header)) + ((await packed(data)) * (size - 8 - length)) / Math.max(1, bytes)
}

/** Of a run: how many evaluations its file has, and how many of them are kept. */
interface Rows {
  readonly rows: number
  readonly kept: number
}

const rowsIn = async (files: RunFiles, { steps = Infinity }: SnapshotOptions): Promise<Rows> => {
  const size = (await files.size(paths.index)) ?? 0
  const index = await files.read(paths.index, 0, size)
  const rows = index.reduce((n, byte) => (byte === 10 ? n + 1 : n), 0)
  return { rows, kept: Math.min(rows, steps) }
}

const bytesOf = (
  files: RunFiles,
  path: string,
  size: number,
  rows: Rows,
  options: SnapshotOptions,
): Promise<number> => {
  if (size === 0) return Promise.resolve(0)
  if (path.endsWith('.f32'))
    return rows.rows === 0 ? Promise.resolve(0) : rowsBytes(files, path, { size, values: options.values, ...rows })
  if (path.endsWith('.safetensors')) return matricesBytes(files, path, size, options)
  if (path === paths.probes) return probesBytes(files, size, options)
  return textBytes(files, path, size, path === paths.watched ? rows.kept : options.steps)
}

const known = new WeakMap<RunFiles, Map<string, Promise<number>>>()

/** As `bytesOf`, once for what it depends on. */
const keptBytes = (
  files: RunFiles,
  path: string,
  size: number,
  rows: Rows,
  options: SnapshotOptions,
): Promise<number> => {
  const { values, kernel, text, steps } = options
  const own = known.get(files) ?? new Map<string, Promise<number>>()
  known.set(files, own)
  const name = JSON.stringify([path, size, rows, values, kernel, text, steps])
  const found = own.get(name) ?? bytesOf(files, path, size, rows, options)
  own.set(name, found)
  // What failed is asked for again.
  found.catch(() => own.delete(name))
  return found
}

/** Static figures for readers without scripts, measured: words and frames, curves of types, the training log. */
const stillBytes = async (files: RunFiles, { kept }: Rows): Promise<number> => {
  const size = (await files.size(paths.probes)) ?? 0
  const text = new TextDecoder().decode(await piecesOf(files, paths.probes, size))
  const types = new Set(Array.from(text.matchAll(/"type":\s*"([^"]*)"/g), ([, type]) => type)).size
  return 30_000 + 130 * types * kept + (((await files.size(paths.scalars)) ?? 0) > 1_000 ? 50_000 : 0)
}

/** How many bytes the HTML file of these runs has, within a fifth; `template` is what it weighs without any run. */
export const estimateBytes = async (
  runs: readonly RunFiles[],
  options: SnapshotOptions,
  template: number,
): Promise<number> => {
  let [data, still] = [0, 0]
  for (const files of runs) {
    const rows = await rowsIn(files, options)
    still += await stillBytes(files, rows)
    const inside = (await files.list()).filter(path => isOfPages(path, options.pages))
    for (const path of inside) data += await keptBytes(files, path, (await files.size(path)) ?? 0, rows, options)
  }
  return Math.round(template + data * BASE64 + still)
}
