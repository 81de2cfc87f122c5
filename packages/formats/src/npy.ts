// NumPy's .npy: magic, version, a Python dict literal with dtype, order and shape, then raw data. Source:
// numpy.lib.format. Read here: versions 1 to 3, little-endian f4 f8 i4 i8, C order. An object array is a
// pickle, which is a program and not data, so it is refused.
import { FormatError, quoted } from './error.ts'
import type { ByteSource } from './bytes/source.ts'
import { alignedTo } from './bytes/source.ts'
import { elementCount } from './tensor-file.ts'
import type { ByteSink } from './safetensors/write.ts'

export type NpyData = Float32Array | Float64Array | Int32Array | BigInt64Array
export type NpyDtype = '<f4' | '<f8' | '<i4' | '<i8'
export interface NpyArray { readonly dtype: NpyDtype, readonly shape: readonly number[], readonly data: NpyData }

const views: Readonly<Record<NpyDtype, { bytes: number, view(b: ArrayBufferLike, at: number, n: number): NpyData }>> = {
  '<f4': { bytes: 4, view: (buffer, at, count) => new Float32Array(buffer, at, count) },
  '<f8': { bytes: 8, view: (buffer, at, count) => new Float64Array(buffer, at, count) },
  '<i4': { bytes: 4, view: (buffer, at, count) => new Int32Array(buffer, at, count) },
  '<i8': { bytes: 8, view: (buffer, at, count) => new BigInt64Array(buffer, at, count) },
}
const MAX_HEADER_BYTES = 65_536
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

const npyError = (source: { name: string }, code: FormatError['code'], why: string, fix: string) =>
  new FormatError({ code, what: 'Cannot read the .npy file', where: source.name, why, fix })

const damaged = 'The file is damaged or was not finished: copy or write it again'

interface Header { readonly dtype: NpyDtype, readonly shape: readonly number[] }

const parseDict = (source: ByteSource, text: string): Header => {
  const descr = /'descr':\s*(?:'([^']*)'|(\[))/.exec(text)
  const order = /'fortran_order':\s*(True|False)/.exec(text)
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(text)
  if (!descr || !order || !sizes) {
    throw npyError(source, 'bad-header', `its header is ${quoted(text)}, without descr, fortran_order or shape`, damaged)
  }
  const dtype = descr[1] ?? 'a record type'
  if (dtype.includes('O')) {
    throw npyError(source, 'unsupported-layout', 'it holds Python objects, that is, a pickle',
      'In Python: np.save(path, array.astype(np.float32))')
  }
  if (!Object.hasOwn(views, dtype)) {
    throw npyError(source, 'unknown-dtype', `its dtype is ${quoted(dtype)}, not one of ${Object.keys(views).join(' ')}`,
      'In Python: np.save(path, array.astype(np.float32))')
  }
  if (order[1] === 'True') {
    throw npyError(source, 'unsupported-layout', 'its elements are in Fortran (column-major) order',
      'In Python: np.save(path, np.ascontiguousarray(array))')
  }
  return { dtype: dtype as NpyDtype, shape: sizes[1].split(',').map(s => s.trim()).filter(Boolean).map(Number) }
}

/** Reads a whole .npy array. Throws FormatError. */
export const readNpy = async (source: ByteSource): Promise<NpyArray> => {
  if (source.size === 0) throw npyError(source, 'empty-file', 'the file is empty (0 bytes)', 'Copy or write it again')
  const head = await source.read(0, Math.min(12, source.size))
  if (!MAGIC.every((byte, i) => head[i] === byte)) {
    throw npyError(source, 'bad-magic', 'it does not begin with "\\x93NUMPY"', 'Give a file that np.save wrote')
  }
  if (head.length < 12) throw npyError(source, 'truncated', `it has only ${source.size} bytes`, damaged)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const version = head[6]
  if (version < 1 || version > 3) {
    throw npyError(source, 'unsupported-version', `its version is ${version}, not 1, 2 or 3`, 'Save it with np.save')
  }
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  const start = version === 1 ? 10 : 12
  if (length > MAX_HEADER_BYTES) {
    throw npyError(source, 'header-too-large', `it claims a header of ${length} bytes`, damaged)
  }
  if (start + length > source.size) {
    throw npyError(source, 'truncated', `its header ends at byte ${start + length} and the file at ${source.size}`, damaged)
  }
  const text = String.fromCharCode(...(await source.read(start, length)))
  const { dtype, shape } = parseDict(source, text)
  const count = elementCount(shape)
  const { bytes, view: viewAs } = views[dtype]
  const left = source.size - start - length
  if (count === undefined || count * bytes !== left) {
    const takes = count === undefined ? 'more than any file' : count * bytes
    throw npyError(source, count !== undefined && count * bytes < left ? 'size-mismatch' : 'truncated',
      `${dtype} of shape [${shape.join(', ')}] takes ${takes} bytes and the file has ${left}`, damaged)
  }
  const data = alignedTo(await source.read(start + length, left), 8)
  return { dtype, shape, data: viewAs(data.buffer, data.byteOffset, count) }
}

const dtypeOf = (data: NpyData): NpyDtype =>
  data instanceof Float32Array ? '<f4' : data instanceof Float64Array ? '<f8' : data instanceof Int32Array ? '<i4' : '<i8'

/** Writes a .npy of version 1, data aligned to 64 bytes as NumPy does. Throws FormatError `size-mismatch`. */
export const writeNpy = async (sink: ByteSink, shape: readonly number[], data: NpyData): Promise<void> => {
  if (elementCount(shape) !== data.length) {
    throw new FormatError({
      code: 'size-mismatch', what: 'Cannot write the .npy file', where: `shape [${shape.join(', ')}]`,
      why: `there are ${data.length} values for it`, fix: 'Give as many values as the shape has places',
    })
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': '${dtypeOf(data)}', 'fortran_order': False, 'shape': ${tuple}, }`
  const total = Math.ceil((10 + dict.length + 1) / 64) * 64
  const text = `${dict.padEnd(total - 11)}\n`
  const header = new Uint8Array(total)
  header.set([...MAGIC, 1, 0, (total - 10) & 255, (total - 10) >> 8])
  header.set(new TextEncoder().encode(text), 10)
  await sink.write(header)
  await sink.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
}
