/** Values of this backend: tf tensors, in no scope of the caller's. */
import type { DType, HostArray, Spec } from '@ldyn/tensor'
import { encoded } from '../lower/emitter.ts'
import type { Engine, Tensor } from './engine.ts'

/** A tf tensor with its own copy of the values, in no scope of the caller's. */
export function tensorOf({ tf, dtypes }: Engine, { shape, dtype }: Spec, values: ArrayLike<number>): Tensor {
  return tf.keep(tf.tensor(encoded(dtype, values), [...shape], dtypes[dtype]))
}

/** The values, in an array of the caller's own. (tfjs hands out what it keeps.) */
export async function valuesOf(tensor: Tensor, dtype: DType): Promise<HostArray> {
  return encoded(dtype, await tensor.data())
}
