// The front of a GGUF: magic, version, key-value metadata, tensor table, padding to `general.alignment`.
// Source: ggml's docs/gguf.md. Versions 2 and 3 differ only in that 3 may be big-endian; 1 had 32-bit
// lengths.
import { FormatError, quoted } from '../error.ts'
import { refuseImpostor } from '../bytes/impostor.ts'
import type { ByteSource } from '../bytes/source.ts'
import { elementCount } from '../tensor-file.ts'
import type { TensorEntry } from '../tensor-file.ts'
import { named, parsePrefix } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import { blockLayouts, isGgufType, typeNames } from './types.ts'
import type { GgufType } from './types.ts'

/** 64-bit integers are numbers while these are exact, else bigints. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[]

export interface GgufHeader {
  readonly version: number
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, TensorEntry<GgufType>>
}

const MAX_DIMS = 4
const MAX_NESTING = 8
const again = 'The file is damaged or was not finished: copy or download it again'

const narrowed = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value

interface ValueType { readonly bytes: number, read(cursor: Cursor, what: string): GgufValue }

const fixed = (bytes: number, get: (view: DataView, at: number) => GgufValue): ValueType =>
  ({ bytes, read: (cursor, what) => get(cursor.view, cursor.take(bytes, what)) })

/**
 * By the number in the file (gguf_metadata_value_type); 9 is an array. `bytes` is the least that one takes.
 */
const valueTypes: Readonly<Record<number, ValueType>> = {
  0: fixed(1, (view, at) => view.getUint8(at)),
  1: fixed(1, (view, at) => view.getInt8(at)),
  2: fixed(2, (view, at) => view.getUint16(at, true)),
  3: fixed(2, (view, at) => view.getInt16(at, true)),
  4: fixed(4, (view, at) => view.getUint32(at, true)),
  5: fixed(4, (view, at) => view.getInt32(at, true)),
  6: fixed(4, (view, at) => view.getFloat32(at, true)),
  7: fixed(1, (view, at) => view.getUint8(at) !== 0),
  8: { bytes: 8, read: (cursor, what) => cursor.string(what) },
  10: fixed(8, (view, at) => narrowed(view.getBigUint64(at, true))),
  11: fixed(8, (view, at) => narrowed(view.getBigInt64(at, true))),
  12: fixed(8, (view, at) => view.getFloat64(at, true)),
}
const ARRAY = 9
const ARRAY_BYTES = 12

const parseHeader = (source: ByteSource, cursor: Cursor): GgufHeader => {
  const fail = (code: FormatError['code'], why: string, fix = again) => new FormatError({
    code, what: 'Cannot read the GGUF header', where: `${source.name}, byte ${cursor.at}`, why, fix,
  })

  const readArray = (what: string, depth: number): readonly GgufValue[] => {
    if (depth > MAX_NESTING) throw fail('bad-header', `${what} nests arrays more than ${MAX_NESTING} deep`)
    const type = cursor.view.getUint32(cursor.take(4, what), true)
    const each = type === ARRAY ? ARRAY_BYTES : valueTypes[type]?.bytes
    if (each === undefined) throw fail('bad-header', `${what} has elements of the unknown type ${type}`)
    const count = cursor.count(each, `the length of ${what}`)
    const values: GgufValue[] = []
    for (let i = 0; i < count; i++) {
      values.push(type === ARRAY ? readArray(what, depth + 1) : valueTypes[type].read(cursor, what))
    }
    return values
  }

  const readMetadata = (count: number): Map<string, GgufValue> => {
    const metadata = new Map<string, GgufValue>()
    for (let i = 0; i < count; i++) {
      const key = cursor.string(`the name of metadata entry ${i}`)
      if (metadata.has(key)) throw fail('duplicate-name', `the metadata key ${quoted(key)} is there twice`)
      const what = named('metadata entry', key)
      const type = cursor.view.getUint32(cursor.take(4, what), true)
      if (type !== ARRAY && !valueTypes[type]) throw fail('bad-header', `${what} has the unknown type ${type}`)
      metadata.set(key, type === ARRAY ? readArray(what, 1) : valueTypes[type].read(cursor, what))
    }
    return metadata
  }

  const readTensor = (index: number): [string, TensorEntry<GgufType>] => {
    const name = cursor.string(`the name of tensor ${index}`)
    const what = named('tensor', name)
    const dims = cursor.view.getUint32(cursor.take(4, what), true)
    if (dims > MAX_DIMS) throw fail('bad-shape', `${what} claims ${dims} dimensions, more than the ${MAX_DIMS} of ggml`)
    const shape: number[] = []
    for (let d = 0; d < dims; d++) {
      const size = narrowed(cursor.view.getBigUint64(cursor.take(8, what), true))
      if (typeof size === 'bigint') throw fail('bad-shape', `${what} has a dimension of ${size}`)
      // ggml counts from the fastest dimension; everybody else from the slowest.
      shape.unshift(size)
    }
    const number = cursor.view.getUint32(cursor.take(4, what), true)
    const dtype = typeNames[number]
    if (!isGgufType(dtype)) {
      const kind = dtype ? `the quantisation ${dtype}, which is not supported` : `the unknown type ${number}`
      throw fail('unknown-dtype', `${what} has ${kind}`,
        `Use a file with one of ${Object.keys(blockLayouts).join(', ')}`)
    }
    const offset = narrowed(cursor.view.getBigUint64(cursor.take(8, what), true))
    const { block, bytes } = blockLayouts[dtype]
    const row = shape.at(-1) ?? 1
    if (row % block !== 0) {
      throw fail('bad-shape', `${what} has rows of ${row} values, not a multiple of ${dtype}'s block of ${block}`)
    }
    const count = elementCount(shape)
    const length = count === undefined ? undefined : (count / block) * bytes
    if (length === undefined || typeof offset === 'bigint' || offset + length > source.size) {
      throw fail('truncated', `${what}, ${dtype} [${shape.join(', ')}] at offset ${offset}, lies beyond the file's `
        + `${source.size} bytes`)
    }
    return [name, { dtype, shape, offset, bytes: length }]
  }

  const magic = cursor.view.getUint32(cursor.take(4, 'the magic number'), true)
  if (magic !== 0x46554747) throw fail('bad-magic', 'it does not begin with "GGUF"', 'Give a GGUF file')
  const version = cursor.view.getUint32(cursor.take(4, 'the version'), true)
  if (version !== 2 && version !== 3) {
    const bigEndian = version === 0x02000000 || version === 0x03000000
    throw fail('unsupported-version', bigEndian ? 'it is big-endian' : `its version is ${version}, not 2 or 3`,
      'Convert the model again with a current llama.cpp')
  }
  const tensorCount = cursor.count(24, 'the number of tensors')
  const metadata = readMetadata(cursor.count(13, 'the number of metadata entries'))
  const relative = new Map<string, TensorEntry<GgufType>>()
  for (let i = 0; i < tensorCount; i++) {
    const [name, entry] = readTensor(i)
    if (relative.has(name)) throw fail('duplicate-name', `the tensor ${quoted(name)} is there twice`)
    relative.set(name, entry)
  }
  const alignment = metadata.get('general.alignment') ?? 32
  const power = typeof alignment === 'number' ? Math.log2(alignment) : NaN
  if (typeof alignment !== 'number' || !(power >= 0 && power <= 20 && Number.isInteger(power))) {
    throw fail('bad-header', 'its general.alignment is not a power of two')
  }
  const dataStart = Math.ceil(cursor.at / alignment) * alignment
  const tensors = new Map<string, TensorEntry<GgufType>>()
  for (const [name, entry] of relative) {
    if (entry.offset % alignment !== 0) {
      throw fail('unaligned', `${named('tensor', name)} starts at ${entry.offset}, not a multiple of ${alignment}`)
    }
    const offset = dataStart + entry.offset
    if (offset + entry.bytes > source.size) {
      throw fail('truncated', `${named('tensor', name)} ends at byte ${offset + entry.bytes} and the file at `
        + `${source.size}`)
    }
    tensors.set(name, { ...entry, offset })
  }
  let before: [string, TensorEntry] | undefined
  for (const [name, entry] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (before && entry.offset < before[1].offset + before[1].bytes) {
      throw fail('overlap', `the data of tensors ${quoted(before[0])} and ${quoted(name)} overlap`)
    }
    before = [name, entry]
  }
  return { version, metadata, tensors }
}

/** Reads and checks everything before the tensor data. Throws FormatError. */
export const readGgufHeader = async (source: ByteSource): Promise<GgufHeader> => {
  await refuseImpostor(source, 'GGUF')
  return parsePrefix(source, cursor => parseHeader(source, cursor))
}
