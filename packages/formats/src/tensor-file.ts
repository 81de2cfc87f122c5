// What safetensors and GGUF have in common for a loader: named tensors with a shape, read one at a time. A
// reader holds no tensor data; each read gives a fresh array that belongs to the caller.
import { FormatError, quoted } from './error.ts'

export interface TensorEntry<D extends string = string> {
  readonly dtype: D
  /** Row-major, slowest dimension first, as in PyTorch (GGUF's own order is turned round). */
  readonly shape: readonly number[]
  /** Where the data starts, from the beginning of the file. */
  readonly offset: number
  /** Length of the data on file. */
  readonly bytes: number
}

export interface TensorFile<D extends string = string, M = unknown> {
  readonly name: string
  readonly metadata: M
  readonly tensors: ReadonlyMap<string, TensorEntry<D>>
  /** The values in float32, row-major; a fresh array. Throws FormatError `unknown-tensor` or `truncated`. */
  readF32(name: string): Promise<Float32Array>
  /** The bytes as they are on file. */
  readRaw(name: string): Promise<Uint8Array>
}

/** The entry of that name, or an error that offers the nearest names. */
export const entryOf = <E>(tensors: ReadonlyMap<string, E>, name: string, file: string): E => {
  const entry = tensors.get(name)
  if (entry !== undefined) return entry
  const last = name.split('.').at(-2) ?? name
  const near = [...tensors.keys()].filter(key => key.includes(last)).slice(0, 3)
  const known = near.length > 0 ? near : [...tensors.keys()].slice(0, 3)
  throw new FormatError({
    code: 'unknown-tensor',
    what: `Cannot find the tensor ${quoted(name)}`,
    where: file,
    why: `the file has ${tensors.size} tensors and none of that name`,
    fix: known.length > 0 ? `It does have ${known.map(quoted).join(', ')}` : 'It is a file without tensors',
  })
}

/** Number of elements, or undefined where the product leaves the safe integers. */
export const elementCount = (shape: readonly number[]): number | undefined => {
  if (shape.includes(0)) return 0
  let count = 1
  for (const dim of shape) {
    count *= dim
    if (!Number.isSafeInteger(count)) return undefined
  }
  return count
}

/** Elements converted at a time: bounds the raw bytes held beside the result (4 MiB of f32). */
export const CHUNK_ELEMENTS = 1 << 20
