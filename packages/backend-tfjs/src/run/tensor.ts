/** Tensors of this backend: a spec and the tf tensor that holds it. */
import {
  DeviceError, type DeviceTensor, type DType, type HostArray, type RunInput, type Shape, type Spec,
} from '@ldyn/tensor'
import { encoded } from '../lower/emitter.ts'
import type { Engine, Tensor } from './engine.ts'

export class TfjsTensor implements DeviceTensor {
  readonly backend = 'tfjs'
  readonly shape: Shape
  readonly dtype: DType
  readonly tensor: Tensor
  alive = true
  private readonly live: Set<TfjsTensor>

  constructor(live: Set<TfjsTensor>, spec: Spec, tensor: Tensor) {
    this.shape = spec.shape
    this.dtype = spec.dtype
    this.tensor = tensor
    this.live = live
    live.add(this)
  }

  /** Was it made by the backend that keeps `live`? */
  belongsTo(live: Set<TfjsTensor>): boolean {
    return this.live === live
  }

  dispose(): void {
    if (!this.alive) return
    this.alive = false
    this.live.delete(this)
    this.tensor.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** The tensor behind a handle. Throws DeviceError for handles of other backends and dead ones. */
export function own(live: Set<TfjsTensor>, handle: DeviceTensor, path: string): TfjsTensor {
  if (!(handle instanceof TfjsTensor) || (handle.alive && !handle.belongsTo(live))) {
    throw new DeviceError(
      `'${path}' lives on another backend (${handle.backend}); read it there and upload it here`,
    )
  }
  if (!handle.alive) throw new DeviceError(`'${path}' was disposed of or donated`)
  return handle
}

export const isHandle = (leaf: RunInput): leaf is DeviceTensor =>
  typeof leaf === 'object' && 'backend' in leaf

/** A tf tensor with its own copy of the values, in no scope of the caller's. */
export function tensorOf({ tf, dtypes }: Engine, { shape, dtype }: Spec, values: ArrayLike<number>): Tensor {
  return tf.keep(tf.tensor(encoded(dtype, values), [...shape], dtypes[dtype]))
}

/** The values, in an array of the caller's own. (tfjs hands out what it keeps.) */
export async function valuesOf(tensor: Tensor, dtype: DType): Promise<HostArray> {
  return encoded(dtype, await tensor.data())
}
