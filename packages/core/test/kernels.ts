/** What tests of kernels share: exact host tensors, one-hot rows, Grams written out, and closeness on one scale. */
import type { HostTensor } from '@ldyn/tensor'
import { expect } from 'vitest'
import { inner } from '../src/kernel/matrix.ts'

/** f64 values under an f32 spec: the reference keeps their digits. */
export const f64 = (data: readonly number[], ...shape: number[]): HostTensor => ({
  shape,
  dtype: 'f32',
  data: Float64Array.from(data),
})
export const oneHot = (n: number, i: number): number[] => Array.from({ length: n }, (_, k) => Number(k === i))

export const gramOf = (a: number[][], b: number[][]): number[][] => a.map((x) => b.map((y) => inner(x, y)))

/** |got − want| within `digits` of the largest |want|. */
export const close = (got: ArrayLike<number>, want: ArrayLike<number>, digits = 1e-10): void => {
  expect(got.length).toBe(want.length)
  const scale = Math.max(...Array.from(want, Math.abs))
  for (let i = 0; i < want.length; i++) expect(Math.abs(got[i] - want[i])).toBeLessThanOrEqual(digits * scale)
}
