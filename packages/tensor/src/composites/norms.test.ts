/** Norms against the loops of their definitions. */
import { expect, it } from 'vitest'
import { draw, normal, positive } from '../cases/index.ts'
import { layerNorm, rmsNorm, trace, type HostTensor, type Tensor } from '../index.ts'
import { evaluate } from '../reference/index.ts'

const x = draw({ x: normal(4, 5), g: positive(5), b: normal(5) }) as Record<string, HostTensor>
const rows = (t: HostTensor): number[][] =>
  Array.from({ length: 4 }, (_, r) => Array.from(t.data.subarray(5 * r, 5 * r + 5)))
const run = (f: (v: Record<string, Tensor>) => Tensor): number[][] =>
  rows(evaluate(trace(f, x), x) as HostTensor)
const close = (a: number[][], b: number[][]): void =>
  a.forEach((row, r) => row.forEach((v, c) => expect(v).toBeCloseTo(b[r][c], 13)))

it('layerNorm centres, divides by the root of the biased variance and ε, scales and shifts', () => {
  close(
    run(({ x, g, b }) => layerNorm(x, g, b, 1e-3)),
    rows(x.x).map((row) => {
      const mean = row.reduce((s, v) => s + v) / 5
      const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / 5
      return row.map((v, c) => ((v - mean) / Math.sqrt(variance + 1e-3)) * x.g.data[c] + x.b.data[c])
    }),
  )
})
it('rmsNorm divides by the root of the mean square and ε, and scales', () => {
  close(
    run(({ x, g }) => rmsNorm(x, g, 1e-3)),
    rows(x.x).map((row) => {
      const square = row.reduce((s, v) => s + v * v, 0) / 5
      return row.map((v, c) => (v / Math.sqrt(square + 1e-3)) * x.g.data[c])
    }),
  )
})
