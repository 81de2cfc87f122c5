// TensorBoard's event files, scalars only. TFRecord = u64 length, masked crc32c(length), data, masked
// crc32c(data); the data are protobuf: Event{1 wall_time double, 2 step int64, 5 Summary{1 Value{1 tag, 2
// simple_value float, 8 TensorProto{1 dtype, 4 tensor_content, 5 float_val, 6 double_val}}}}.
import { FormatError } from './error.ts'
import type { ByteSource } from './bytes/source.ts'
import { maskedCrc32c } from './crc32c.ts'

export interface TfScalar {
  readonly tag: string
  readonly step: number
  /** Seconds since 1970. */
  readonly wallTime: number
  /** As written; TensorBoard files may hold NaN. */
  readonly value: number
}

export interface TfEvents {
  readonly scalars: readonly TfScalar[]
  /** Bytes of an unfinished last record. */
  readonly torn: number
}

const recordError = (source: ByteSource, at: number, code: FormatError['code'], why: string) => new FormatError({
  code, what: 'Cannot read an event record', where: `${source.name}, byte ${at}`, why,
  fix: 'Give a tfevents file that TensorBoard reads, or copy it again',
})

type Field = { readonly id: number, readonly value: bigint } | { readonly id: number, readonly bytes: Uint8Array }

/**
 * Fields of one protobuf message; fixed-width ones as their bytes. Throws RangeError where they run over its
 * end.
 */
function* fields(message: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= message.length) throw new RangeError('a number runs over the end')
      const byte = message[at++]
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw new RangeError('a number has more than ten bytes')
  }
  while (at < message.length) {
    const key = varint()
    const id = Number(key >> 3n)
    const wire = Number(key & 7n)
    if (wire === 0) {
      yield { id, value: varint() }
      continue
    }
    const length = wire === 1 ? 8n : wire === 5 ? 4n : wire === 2 ? varint() : undefined
    if (length === undefined) throw new RangeError(`wire type ${wire} is not one of protobuf 3`)
    if (length > BigInt(message.length - at)) throw new RangeError('a field runs over the end')
    yield { id, bytes: message.subarray(at, at + Number(length)) }
    at += Number(length)
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const float = (bytes: Uint8Array) => viewOf(bytes).getFloat32(0, true)
const double = (bytes: Uint8Array) => viewOf(bytes).getFloat64(0, true)

/** The one number of a scalar TensorProto (dtype 1 float, 2 double), or undefined for any other tensor. */
const tensorScalar = (message: Uint8Array): number | undefined => {
  let dtype = 0
  let found: Uint8Array | undefined
  for (const field of fields(message)) {
    if (field.id === 1 && 'value' in field) dtype = Number(field.value)
    if ((field.id === 4 || field.id === 5 || field.id === 6) && 'bytes' in field) found = field.bytes
  }
  if (dtype === 1 && found?.length === 4) return float(found)
  if (dtype === 2 && found?.length === 8) return double(found)
  return undefined
}

const readValue = (message: Uint8Array): { tag: string, value: number } | undefined => {
  let tag: string | undefined
  let value: number | undefined
  for (const field of fields(message)) {
    if (!('bytes' in field)) continue
    if (field.id === 1) tag = new TextDecoder().decode(field.bytes)
    if (field.id === 2 && field.bytes.length === 4) value = float(field.bytes)
    if (field.id === 8) value = tensorScalar(field.bytes) ?? value
  }
  return tag !== undefined && value !== undefined ? { tag, value } : undefined
}

const readEvent = (message: Uint8Array): TfScalar[] => {
  let wallTime = 0
  let step = 0
  const values: { tag: string, value: number }[] = []
  for (const field of fields(message)) {
    if (field.id === 1 && 'bytes' in field && field.bytes.length === 8) wallTime = double(field.bytes)
    if (field.id === 2 && 'value' in field) step = Number(BigInt.asIntN(64, field.value))
    if (field.id === 5 && 'bytes' in field) {
      for (const item of fields(field.bytes)) {
        const value = item.id === 1 && 'bytes' in item ? readValue(item.bytes) : undefined
        if (value) values.push(value)
      }
    }
  }
  return values.map(({ tag, value }) => ({ tag, step, wallTime, value }))
}

/** All scalars, in file order; an unfinished last record is dropped. Throws `bad-checksum`, `bad-record`. */
export const readTfEvents = async (source: ByteSource): Promise<TfEvents> => {
  const scalars: TfScalar[] = []
  let at = 0
  while (source.size - at >= 12) {
    const head = await source.read(at, 12)
    const view = viewOf(head)
    if (maskedCrc32c(head.subarray(0, 8)) !== view.getUint32(8, true)) {
      throw recordError(source, at, 'bad-checksum', 'the checksum of its length is wrong')
    }
    const length = view.getBigUint64(0, true)
    if (length > BigInt(source.size - at - 16)) break
    const size = Number(length)
    const body = await source.read(at + 12, size + 4)
    if (maskedCrc32c(body.subarray(0, size)) !== viewOf(body).getUint32(size, true)) {
      throw recordError(source, at, 'bad-checksum', 'the checksum of its data is wrong')
    }
    try {
      for (const scalar of readEvent(body.subarray(0, size))) scalars.push(scalar)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw recordError(source, at, 'bad-record', `it is not an Event: ${cause.message}`)
    }
    at += 16 + size
  }
  return { scalars, torn: source.size - at }
}
