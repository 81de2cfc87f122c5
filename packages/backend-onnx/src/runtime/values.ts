/** Values of this backend: blocks of host memory, and typed views of them. */
import type { DType, HostArray } from '@ldyn/tensor'
import type { Block } from './pool.ts'

/** A typed array over a block, as ONNX Runtime and `read` take it. */
export function view(
  dtype: DType,
  { buffer }: Block,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> {
  if (dtype === 'f32') return new Float32Array(buffer)
  return dtype === 'i32' ? new Int32Array(buffer) : new Uint8Array(buffer)
}

/** Copies host values in, f64 rounded to f32, masks to 0 and 1. */
export function fill(dtype: DType, block: Block, values: HostArray): void {
  view(dtype, block).set(dtype === 'bool' ? values.map((v: number) => (v ? 1 : 0)) : values)
}
