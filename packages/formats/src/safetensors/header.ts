// The header of a safetensors file: u64 little-endian length, then that many bytes of UTF-8 JSON {name:
// {dtype, shape, data_offsets}}, offsets counted from the header's end; "__metadata__" maps strings to
// strings. Source: github.com/huggingface/safetensors, README "Format" and `Metadata::validate`. As there:
// header ≤ 100 MB, data without holes or overlaps, ending where the file ends.
import { FormatError, quoted } from '../error.ts'
import { refuseImpostor } from '../bytes/impostor.ts'
import type { ByteSource } from '../bytes/source.ts'
import { elementCount } from '../tensor-file.ts'
import type { TensorEntry } from '../tensor-file.ts'
import { dtypeBytes, isDtype, safetensorsDtypes } from './dtype.ts'
import type { Dtype } from './dtype.ts'
import { repeatedKey } from './keys.ts'

const MAX_HEADER_BYTES = 100_000_000

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, TensorEntry<Dtype>>
}

const again = 'The file is damaged or was not finished: copy or download it again'

const headerError = (source: ByteSource, code: FormatError['code'], why: string, cause?: unknown) =>
  new FormatError({
    code, what: 'Cannot read the safetensors header', where: source.name, why, fix: again,
  }, { cause })

const readHeaderText = async (source: ByteSource): Promise<{ text: string, dataStart: number }> => {
  await refuseImpostor(source, 'safetensors')
  if (source.size < 8) throw headerError(source, 'truncated', `the file has ${source.size} bytes, its length field 8`)
  const head = await source.read(0, 8)
  const claimed = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true)
  if (claimed > BigInt(MAX_HEADER_BYTES)) {
    throw headerError(source, 'header-too-large',
      `it claims a header of ${claimed} bytes, more than the ${MAX_HEADER_BYTES} that the format allows`)
  }
  const length = Number(claimed)
  if (8 + length > source.size) {
    throw headerError(source, 'truncated', `its header ends at byte ${8 + length} and the file at ${source.size}`)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await source.read(8, length))
    return { text, dataStart: 8 + length }
  } catch (cause) {
    if (cause instanceof FormatError) throw cause
    throw headerError(source, 'header-not-utf8', 'the header is not UTF-8 text', cause)
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// Never String() or JSON.stringify() of a foreign value: nested deeply enough, it overflows the stack.
const described = (value: unknown): string => typeof value === 'string' ? quoted(value) : `of type ${typeof value}`

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const readMetadata = (source: ByteSource, value: unknown): Record<string, string> => {
  if (!isRecord(value) || !Object.values(value).every(item => typeof item === 'string')) {
    throw headerError(source, 'bad-header', '"__metadata__" is not a map from strings to strings')
  }
  return value as Record<string, string>
}

const readEntry = (source: ByteSource, name: string, value: unknown, dataStart: number): TensorEntry<Dtype> => {
  const fail = (code: FormatError['code'], why: string, fix = again) => new FormatError({
    code, what: 'Cannot read a tensor', where: `${source.name}, tensor ${quoted(name)}`, why, fix,
  })
  if (!isRecord(value)) throw fail('bad-header', 'its header entry is not an object')
  const { dtype, shape, data_offsets: offsets } = value
  if (!isDtype(dtype)) {
    const known = (safetensorsDtypes as readonly unknown[]).includes(dtype)
    throw fail('unknown-dtype', `its dtype ${described(dtype)} is ${known ? 'not supported' : 'unknown'}`,
      `Convert it to one of ${Object.keys(dtypeBytes).join(', ')}`)
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw fail('bad-shape', 'its shape is not a list of sizes')
  }
  const count = elementCount(shape)
  if (count === undefined || !Number.isSafeInteger(count * dtypeBytes[dtype])) {
    throw fail('bad-shape', `its shape [${shape.join(', ')}] has more elements than any file`)
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw fail('bad-header', 'its data_offsets are not two byte positions')
  }
  const [begin, end] = offsets as [number, number]
  const available = source.size - dataStart
  if (begin > end) throw fail('out-of-bounds', `its data would begin at ${begin} and end before that, at ${end}`)
  if (end > available) {
    throw fail('truncated', `its data end at byte ${end} of the data section, which has ${available}`)
  }
  if (end - begin !== count * dtypeBytes[dtype]) {
    throw fail('size-mismatch', `it has ${end - begin} bytes, but ${dtype} of shape [${shape.join(', ')}] takes `
      + `${count * dtypeBytes[dtype]}`)
  }
  return { dtype, shape: shape as number[], offset: dataStart + begin, bytes: end - begin }
}

const checkLayout = (source: ByteSource, tensors: ReadonlyMap<string, TensorEntry<Dtype>>, dataStart: number) => {
  const fail = (code: FormatError['code'], name: string | undefined, why: string) => new FormatError({
    code, what: 'Cannot trust the layout of the tensors',
    where: name === undefined ? source.name : `${source.name}, tensor ${quoted(name)}`, why, fix: again,
  })
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)
  let at = dataStart
  let before = 'the header'
  for (const [name, { offset, bytes }] of inOrder) {
    if (offset < at) throw fail('overlap', name, `its data overlap with those of ${quoted(before)}`)
    if (offset > at) throw fail('hole', name, `${offset - at} bytes before it belong to no tensor`)
    at = offset + bytes
    before = name
  }
  if (at !== source.size) throw fail('hole', undefined, `the last ${source.size - at} bytes belong to no tensor`)
}

/**
 * Reads and checks the whole header; after it every entry is known to lie inside the file. Throws
 * FormatError.
 */
export const readSafetensorsHeader = async (source: ByteSource): Promise<SafetensorsHeader> => {
  const { text, dataStart } = await readHeaderText(source)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw headerError(source, 'header-not-json', `the header is not JSON: it begins ${quoted(text.slice(0, 40))}`, cause)
  }
  if (!isRecord(json)) throw headerError(source, 'bad-header', 'the header is JSON but not an object')
  const twice = repeatedKey(text)
  if (twice !== undefined) {
    throw headerError(source, 'duplicate-name', `the name ${quoted(twice)} is there twice`)
  }
  let metadata: Record<string, string> = {}
  const tensors = new Map<string, TensorEntry<Dtype>>()
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = readMetadata(source, value)
    else tensors.set(name, readEntry(source, name, value, dataStart))
  }
  checkLayout(source, tensors, dataStart)
  return { metadata, tensors }
}
