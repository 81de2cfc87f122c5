import { describe, expect, it } from 'vitest'
import { numbers } from '../../test/toy.ts'
import { symmetricEigen } from './eigen.ts'

const symmetric = (n: number, next: () => number): Float64Array => {
  const a = Float64Array.from({ length: n * n }, next)
  return Float64Array.from(a, (_, k) => a[k] + a[(k % n) * n + Math.floor(k / n)])
}

describe('symmetricEigen', () => {
  it.each([1, 2, 3, 10, 57])('takes a symmetric matrix apart: A = Q Λ Qᵀ, Q orthonormal (n = %i)', (n) => {
    const a = symmetric(n, numbers(n))
    const { values, vectors: q } = symmetricEigen({ n, data: a })
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let [back, unit] = [0, 0]
        for (let k = 0; k < n; k++) {
          back += q[i * n + k] * values[k] * q[j * n + k]
          unit += q[k * n + i] * q[k * n + j]
        }
        expect(back).toBeCloseTo(a[i * n + j], 11)
        expect(unit).toBeCloseTo(Number(i === j), 12)
      }
    }
    expect([...values]).toEqual([...values].sort((x, y) => y - x))
  })

  it('knows matrices whose eigenvalues are known: multiples, zeros, a diagonal', () => {
    expect([...symmetricEigen({ n: 3, data: [2, 0, 0, 0, -1, 0, 0, 0, 5] }).values]).toEqual([5, 2, -1])
    const ones = symmetricEigen({ n: 4, data: new Float64Array(16).fill(1) }).values
    ;[4, 0, 0, 0].forEach((want, k) => expect(ones[k]).toBeCloseTo(want, 12))
    expect([...symmetricEigen({ n: 2, data: [0, 0, 0, 0] }).values]).toEqual([0, 0])
  })

  it('refuses what is not square or not finite, and says where', () => {
    expect(() => symmetricEigen({ n: 2, data: [1, 2, 3] })).toThrow('3 numbers are no 2 × 2 matrix')
    expect(() => symmetricEigen({ n: 2, data: [1, NaN, 0, 1] })).toThrow('entry (0, 1) is NaN')
  })
})
