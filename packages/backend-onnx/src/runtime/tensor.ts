/** Tensors of this backend: a spec, a block of host memory, and a typed view of it. */
import {
  DeviceError,
  type DeviceTensor,
  type DType,
  type HostArray,
  type HostTensor,
  type RunInput,
  type Shape,
} from '@ldyn/tensor'
import type { Block, Pool } from './pool.ts'

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

export class OnnxTensor implements DeviceTensor {
  readonly backend = 'onnx'
  readonly shape: Shape
  readonly dtype: DType
  readonly block: Block
  alive = true
  private readonly pool: Pool
  private readonly live: Set<OnnxTensor>

  constructor(pool: Pool, live: Set<OnnxTensor>, spec: { shape: Shape; dtype: DType }, block: Block) {
    this.shape = spec.shape
    this.dtype = spec.dtype
    this.block = block
    this.pool = pool
    this.live = live
    live.add(this)
  }

  read(): HostTensor {
    return { shape: this.shape, dtype: this.dtype, data: view(this.dtype, this.block).slice() }
  }

  /** Was it made by the backend that keeps `live`? */
  belongsTo(live: Set<OnnxTensor>): boolean {
    return this.live === live
  }

  dispose(): void {
    if (!this.alive) return
    this.alive = false
    this.live.delete(this)
    this.pool.free(this.block)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** The tensor behind a handle. Throws DeviceError for handles of other backends and dead ones. */
export function own(live: Set<OnnxTensor>, handle: DeviceTensor, path: string): OnnxTensor {
  if (!(handle instanceof OnnxTensor) || (handle.alive && !handle.belongsTo(live))) {
    throw new DeviceError(
      `'${path}' lives on another backend (${handle.backend}); read it there and upload it here`,
    )
  }
  if (!handle.alive) throw new DeviceError(`'${path}' was disposed of or donated`)
  return handle
}

export const isHandle = (leaf: RunInput): leaf is DeviceTensor =>
  typeof leaf === 'object' && 'backend' in leaf
