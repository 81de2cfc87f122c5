/** Convolution and pooling against naive loops. */
import { expect, it } from 'vitest'
import { draw, normal } from '../cases/index.ts'
import { avgPool, conv2d, trace, type HostTensor, type Tensor } from '../index.ts'
import { evaluate } from '../reference/index.ts'

it.each([
  [0, 3],
  [1, 3],
  [2, 5],
  [0, 1],
])('conv2d with padding %d and a %d-wide kernel is six loops', (p, k) => {
  const [n, c, h, w, o] = [2, 3, 5, 6, 4]
  const x = draw({ x: normal(n, c, h, w), k: normal(c * k * k, o), b: normal(o) }) as Record<
    string,
    HostTensor
  >
  const y = evaluate(
    trace((v: Record<string, Tensor>) => conv2d(v.x, v.k, v.b, p), x),
    x,
  ) as HostTensor
  const [oh, ow] = [h + 2 * p - k + 1, w + 2 * p - k + 1]
  expect(y.shape).toEqual([n, o, oh, ow])
  const pixel = (i: number, ch: number, r: number, q: number): number =>
    r < 0 || q < 0 || r >= h || q >= w ? 0 : x.x.data[((i * c + ch) * h + r) * w + q]
  for (let i = 0; i < n; i++)
    for (let f = 0; f < o; f++)
      for (let r = 0; r < oh; r++)
        for (let q = 0; q < ow; q++) {
          let total = x.b.data[f]
          for (let ch = 0; ch < c; ch++)
            for (let dr = 0; dr < k; dr++)
              for (let dq = 0; dq < k; dq++) {
                total += pixel(i, ch, r + dr - p, q + dq - p) * x.k.data[((ch * k + dr) * k + dq) * o + f]
              }
          expect(y.data[((i * o + f) * oh + r) * ow + q]).toBeCloseTo(total, 12)
        }
})

it('avgPool is the mean of every window', () => {
  const x = draw({ x: normal(2, 2, 4, 6) }) as Record<string, HostTensor>
  const y = evaluate(
    trace((v: Record<string, Tensor>) => avgPool(v.x, 2), x),
    x,
  ) as HostTensor
  expect(y.shape).toEqual([2, 2, 2, 3])
  for (let z = 0; z < 4; z++)
    for (let r = 0; r < 2; r++)
      for (let q = 0; q < 3; q++) {
        const at = (dr: number, dq: number) => x.x.data[(z * 4 + 2 * r + dr) * 6 + 2 * q + dq]
        expect(y.data[(z * 2 + r) * 3 + q]).toBeCloseTo((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4, 14)
      }
})
