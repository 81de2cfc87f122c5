import { f32, hostTensor, i32, logSoftmax, softmax, trace, vjp, type HostTensor } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { numbers, run } from '../../test/toy.ts'
import { A, G, normA, normG, transposedA } from './residual.ts'

const V = 6
const next = numbers(3)
const draw = (n: number): number[] => Array.from({ length: n }, () => 3 * next())
const exact = (data: readonly number[], ...shape: number[]): HostTensor => ({
  ...f32(...shape),
  data: Float64Array.from(data),
})
const [z, v] = [draw(V), draw(V)]
const pi = z.map((x) => Math.exp(x) / z.reduce((n, w) => n + Math.exp(w), 0))
const y = 2

/** The V×V matrix, row i: δ_ij − π_j. */
const matrix = Array.from({ length: V }, (_, i) => pi.map((p, j) => Number(i === j) - p))
const norm = (x: readonly number[]): number => Math.sqrt(x.reduce((n, e) => n + e * e, 0))

const out = run(
  trace(
    (t) => {
      const p = softmax(t.z)
      const g = G(p, t.y)
      return { Av: A(t.v, p), ATv: transposedA(t.v, p), normA: normA(t.piSquared, V), G: g, normG: normG(g) }
    },
    { z: f32(1, V), v: f32(1, V), y: i32(1), piSquared: f32(1) },
  ),
  {
    z: exact(z, 1, V),
    v: exact(v, 1, V),
    y: hostTensor([y], [1], 'i32'),
    piSquared: exact([norm(pi) ** 2], 1),
  },
)
const close = (got: readonly number[], want: readonly number[]): void =>
  got.forEach((g, i) => expect(g).toBeCloseTo(want[i], 13))

describe('A', () => {
  it('times v is the matrix I − 1πᵀ times v, and so for the transpose', () => {
    close(
      out.Av,
      matrix.map((row) => row.reduce((n, a, j) => n + a * v[j], 0)),
    )
    close(
      out.ATv,
      v.map((_, j) => matrix.reduce((n, row, i) => n + row[j] * v[i], 0)),
    )
  })

  it('is the derivative of log π by the logits', () => {
    const back = vjp(
      trace((t) => logSoftmax(t.z), { z: f32(1, V) }),
      { wrt: 'z' },
    )
    close(run(back, { z: exact(z, 1, V), cotangent: exact(v, 1, V) })['grads.z'], out.ATv)
  })

  it('has the Frobenius norm √(V − 2 + V‖π‖²)', () => close(out.normA, [norm(matrix.flat())]))
})

describe('G', () => {
  it('is π − e_y, adds up to 0, and its norm is p_e', () => {
    close(
      out.G,
      pi.map((p, i) => p - Number(i === y)),
    )
    close([out.G.reduce((a, b) => a + b)], [0])
    close(out.normG, [Math.sqrt(1 - 2 * pi[y] + norm(pi) ** 2)])
  })
})
