/** One side of a kernel as arrays: responses packed behind their prompt, and which read is which token. */
import { readSpecs, type BatchShape } from '@ldyn/core'
import {
  hostTensor,
  type Backend,
  type Executable,
  type HostArray,
  type HostTensor,
  type RunInput,
  type Tree,
} from '@ldyn/tensor'
import { valuesOf } from '../device/programs.ts'
import { fill, pack, type BatchArrays } from '../packing/pack.ts'
import type { Sequence } from '../tokens/tokenise.ts'

export interface PackedSide {
  readonly sequences: readonly Sequence[]
  readonly shape: BatchShape
  readonly arrays: BatchArrays
  /** The arrays that a program without sequences takes (core's readSpecs). */
  readonly reads: Readonly<Record<string, HostTensor>>
  /** Read of token l of sequence s. */
  readAt(sequence: number, token: number): number
}

/** Packs responses as they are, or into a larger shape. Padded reads come last and belong to no token. */
export function packedSide(sequences: readonly Sequence[], shape?: BatchShape): PackedSide {
  const packing = pack(sequences)
  const into = shape ?? packing.shape
  const arrays = fill(packing, into)
  const names = Object.keys(readSpecs(into)) as (keyof BatchArrays)[]
  return {
    sequences,
    shape: into,
    arrays,
    reads: Object.fromEntries(names.map((name) => [name, arrays[name]])),
    readAt: (sequence, token) => arrays.grid.data[sequence * into.tokens + token],
  }
}

/** A shape that holds each of several sides, so that one compiled program serves all of them. */
export const holding = (shapes: readonly BatchShape[]): BatchShape => {
  const most = (key: keyof BatchShape): number => Math.max(...shapes.map((s) => s[key]))
  return {
    rows: most('rows'),
    length: most('length'),
    reads: most('reads'),
    sequences: most('sequences'),
    tokens: most('tokens'),
  }
}

/**
 * One response up to one of its tokens, with a single read: what predicts that token sees nothing after it, so the
 * rest is left away. Throws RangeError where the response has no such token.
 */
export function tokenSide(sequence: Sequence, token: number): PackedSide {
  const { response } = sequence
  if (!Number.isInteger(token) || token < 0 || token >= response.length)
    throw new RangeError(`the response has tokens 0 to ${response.length - 1}, not ${token}`)
  const whole = packedSide([{ ...sequence, response: response.subarray(0, token + 1) }])
  const last = whole.shape.reads - 1
  const one = (name: 'reads' | 'targets'): HostTensor => hostTensor([whole.arrays[name].data[last]], [1], 'i32')
  const cut = { reads: one('reads'), targets: one('targets') }
  return {
    ...whole,
    shape: { ...whole.shape, reads: 1 },
    arrays: { ...whole.arrays, ...cut },
    reads: { ...whole.reads, ...cut },
    readAt: () => 0,
  }
}

/** Columns in one run of a kernel's program: they share both forward passes. */
const AT_ONCE = 4

/**
 * Columns of a tangent kernel: Θ·e for the one-hot cotangents at the given flat places of `from`'s view, one by one as
 * they are made, a few to a run. The program must take `columnsAtOnce(places.length)` cotangents.
 */
export async function* kernelColumns(
  backend: Backend,
  executable: Executable,
  inputs: Readonly<Record<'params' | 'from' | 'to', Tree<RunInput>>>,
  places: readonly number[],
): AsyncGenerator<HostArray> {
  const cotangents = executable.program.inputs.find(({ path }) => path === 'cotangents')!
  const { shape } = executable.program.values[cotangents.value]
  const [n, ...view] = shape
  const size = view.reduce((a, b) => a * b, 1)
  for (let start = 0; start < places.length; start += n) {
    const here = places.slice(start, start + n)
    const data = new Float32Array(n * size)
    here.forEach((at, i) => (data[i * size + at] = 1))
    const { columns } = await valuesOf(backend, executable, { ...inputs, cotangents: { shape, dtype: 'f32', data } })
    const each = columns.length / n
    for (let i = 0; i < here.length; i++) yield columns.subarray(i * each, (i + 1) * each)
  }
}

export const columnsAtOnce = (columns: number): number => Math.max(1, Math.min(AT_ONCE, columns))

/** Counts work that is done, of all that there is. */
export type Progress = (done: number, total: number) => void
