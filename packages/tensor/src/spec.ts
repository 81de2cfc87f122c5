/**
 * What a tensor is before it has values: a shape and a dtype.
 *
 * Three dtypes cross every interface: `f32` (compute; the reference computes it in f64), `i32` (indices)
 * and `bool` (masks, one byte each on the host). Tensors are row-major and contiguous at the boundary.
 */

export type DType = 'f32' | 'i32' | 'bool'
export type Shape = readonly number[]

export interface Spec {
  readonly shape: Shape
  readonly dtype: DType
}

/**
 * Values on the host. `f32` may be carried as Float64Array (constants, reference results) or Float32Array.
 */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint8Array

/** A tensor on the host: `data.length` is the product of `shape`. */
export interface HostTensor extends Spec {
  readonly data: HostArray
}

export const spec = (shape: Shape, dtype: DType = 'f32'): Spec => ({ shape, dtype })
export const f32 = (...shape: number[]): Spec => ({ shape, dtype: 'f32' })
export const i32 = (...shape: number[]): Spec => ({ shape, dtype: 'i32' })
export const bool = (...shape: number[]): Spec => ({ shape, dtype: 'bool' })

/** Number of elements; 1 for a scalar's shape []. */
export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1)

/** Bytes that a backend holds for a tensor: four for every f32 and i32 element, one for a bool. */
export const byteSize = (s: Spec): number => sizeOf(s.shape) * (s.dtype === 'bool' ? 1 : 4)

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  for (let axis = shape.length - 1, n = 1; axis >= 0; n *= shape[axis--]) strides[axis] = n
  return strides
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

/** `f32[4,128]`, as shapes are written in every message. */
export const show = (s: Spec): string => `${s.dtype}[${s.shape.join(',')}]`

/** A host tensor from plain numbers; the data is copied into the dtype's array. */
export function hostTensor(values: ArrayLike<number>, shape: Shape, dtype: DType = 'f32'): HostTensor {
  if (values.length !== sizeOf(shape)) {
    throw new RangeError(`hostTensor: ${values.length} values do not fill shape [${shape.join(',')}]`)
  }
  return { shape, dtype, data: hostArray(dtype, values) }
}

const hostArray = (dtype: DType, values: ArrayLike<number>): HostArray =>
  dtype === 'f32'
    ? Float32Array.from(values)
    : dtype === 'i32'
      ? Int32Array.from(values)
      : Uint8Array.from(values)
