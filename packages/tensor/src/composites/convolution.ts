/** conv2d and avgPool for small image networks (LeNet, paper.md §6.2): k² shifted slices and one product. */
import type { Tensor } from '../graph.ts'
import { emit, need, needFloat, type Ops } from '../ops/op.ts'
import { concat, pad, reshape, slice, transpose } from '../ops/movement.ts'
import { add } from '../ops/pointwise.ts'
import { mean } from '../ops/reductions.ts'
import { matmul } from '../ops/linear.ts'

export const convolution: Ops<'conv2d' | 'avgPool'> = {
  conv2d: {
    doc: 'Stride 1, zero padding on all sides: x [B,C,H,W], w [C·k·k, O] (rows ordered channel, row, column), b [O] → [B,O,H′,W′].',
    infer: (s, { padding }) => {
      needFloat(s)
      const [x, w, b] = s.map((v) => v.shape)
      need(x.length === 4 && w.length === 2, 'takes x [B,C,H,W] and w [C·k·k, O]')
      const k = Math.sqrt(w[0] / x[1])
      need(Number.isInteger(k), `w has ${w[0]} rows, which is no ${x[1]}·k·k`)
      need(b.length === 1 && b[0] === w[1], `b must be f32[${w[1]}]`)
      const [h, wd] = [x[2] + 2 * padding - k + 1, x[3] + 2 * padding - k + 1]
      need(h > 0 && wd > 0, `a ${k}×${k} kernel does not fit`)
      return [{ shape: [x[0], w[1], h, wd], dtype: 'f32' }]
    },
    expand: ([x, w, b], { padding: p }) => {
      const [n, c] = x.shape
      const k = Math.sqrt(w.shape[0] / c)
      const framed = pad(x, [0, 0, p, p], [0, 0, p, p])
      const [h, wd] = [framed.shape[2] - k + 1, framed.shape[3] - k + 1]
      const shifts = Array.from({ length: k * k }, (_, i) => {
        const [r, q] = [Math.floor(i / k), i % k]
        return reshape(slice(framed, [0, 0, r, q], [n, c, r + h, q + wd]), [n, c, 1, h, wd])
      })
      const patches = reshape(transpose(concat(shifts, 2), [0, 3, 4, 1, 2]), [n, h * wd, c * k * k])
      return [transpose(reshape(add(matmul(patches, w), b), [n, h, wd, w.shape[1]]), [0, 3, 1, 2])]
    },
  },
  avgPool: {
    doc: 'Mean over size×size windows that do not overlap: x [B,C,H,W], H and W multiples of size.',
    infer: ([x], { size }) => {
      needFloat([x])
      need(
        x.shape.length === 4 && x.shape[2] % size === 0 && x.shape[3] % size === 0,
        `takes [B,C,H,W] with H and W multiples of ${size}`,
      )
      return [{ shape: [x.shape[0], x.shape[1], x.shape[2] / size, x.shape[3] / size], dtype: 'f32' }]
    },
    expand: ([x], { size }) => {
      const [b, c, h, w] = x.shape
      return [mean(reshape(x, [b, c, h / size, size, w / size, size]), [3, 5])]
    },
  },
}

export const conv2d = (x: Tensor, w: Tensor, b: Tensor, padding = 0): Tensor =>
  emit('conv2d', convolution.conv2d, [x, w, b], { padding })[0]
export const avgPool = (x: Tensor, size: number): Tensor =>
  emit('avgPool', convolution.avgPool, [x], { size })[0]
