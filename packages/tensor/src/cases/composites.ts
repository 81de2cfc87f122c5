/**
 * Cases of every composite, with sizes as in real models made small: odd widths, grouped heads, packed rows.
 */
import type { Tensor } from '../graph.ts'
import type { CompositeName } from '../ops/attrs.ts'
import { expm1, gelu, logSigmoid, sigmoid, silu, softplus } from '../composites/activations.ts'
import { avgPool, conv2d } from '../composites/convolution.ts'
import { tokenLogProb, tokenLogProbBackward, tokenStats } from '../composites/head.ts'
import { layerNorm, rmsNorm } from '../composites/norms.ts'
import { addAlong, logSoftmax, logSumExp, softmax, takeAlong } from '../composites/softmax.ts'
import { mul } from '../ops/pointwise.ts'
import { attention, attentionBackward, linear, rope } from '../composites/transformer.ts'
import { given, indices, normal, positive, small, type Argument } from './argument.ts'
import type { OpCase } from './opcase.ts'

/** Results by number. */
const pair = (list: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(list.map((x, i) => [`y${i}`, x]))

/** Attention's derivative with y as it really is, and a cotangent that differs from it. */
const backward = (q: Tensor, k: Tensor, v: Tensor, segments?: Tensor): Record<string, Tensor> => {
  const options = { scale, causal: true, segments }
  return pair(attentionBackward(q, k, v, attention(q, k, v, options), mul(q, 0.5), options))
}

const pointwise = (f: (x: Tensor) => Tensor, extremes: readonly number[], relative = false): OpCase[] => [
  ...[[], [5], [0], [2, 3, 1], [1025]].map(
    (shape): OpCase => ({
      title: `[${shape.join(',')}]`,
      inputs: { x: normal(...shape) },
      build: ({ x }) => f(x),
    }),
  ),
  { title: 'extremes', inputs: { x: given(extremes) }, build: ({ x }) => f(x), wrt: [], relative },
]

const rows = (f: (x: Tensor) => Tensor): OpCase[] => [
  { title: 'one row', inputs: { x: normal(5) }, build: ({ x }) => f(x), terms: 5 },
  { title: 'rows', inputs: { x: normal(2, 3, 7) }, build: ({ x }) => f(x), terms: 7 },
  { title: 'one column', inputs: { x: normal(3, 1) }, build: ({ x }) => f(x) },
  { title: 'no rows', inputs: { x: normal(0, 4) }, build: ({ x }) => f(x) },
  { title: 'long rows', inputs: { x: normal(2, 4099) }, build: ({ x }) => f(x), terms: 4099 },
  {
    title: 'extremes',
    inputs: { x: given([1e30, 0, -1e30, -1e30, -1e30, -1e30, 80, 90, -90, 1000, 999, 998], [4, 3]) },
    build: ({ x }) => f(x),
    wrt: [],
  },
]

const turn = (b: number, t: number, half: number): { cos: Argument; sin: Argument } => {
  const angles = Array.from(
    { length: b * t * half },
    (_, i) => Math.floor(i / half) * 10 ** (-(i % half) / 2),
  )
  return { cos: given(angles.map(Math.cos), [b, t, half]), sin: given(angles.map(Math.sin), [b, t, half]) }
}
const rotation = (title: string, x: number[], batch: number, half: number): OpCase => ({
  title,
  inputs: { x: normal(...x), ...turn(batch, x[2], half) },
  build: (v) => rope(v.x, v.cos, v.sin),
  wrt: ['x'],
})

const heads = (b: number, h: number, kv: number, t: number, d: number) => ({
  q: normal(b, h, t, d),
  k: normal(b, kv, t, d),
  v: normal(b, kv, t, d),
})
const scale = 0.4

const head = (n: number, v: number, d: number) => ({ h: normal(n, d), w: normal(v, d), y: indices(v, n) })
const image = (c: number, size: number, k: number, out: number) => ({
  x: normal(2, c, size, size + 1),
  w: small(c * k * k, out),
  b: normal(out),
})

export const compositeCases: { readonly [K in CompositeName]: readonly OpCase[] } = {
  sigmoid: pointwise(sigmoid, [-1e30, -80, -1, 0, 1e-8, 20, 1e30]),
  silu: pointwise(silu, [-1e30, -80, -1e-8, 0, 1e-8, 20, 1e30]),
  gelu: [
    ...pointwise((x) => gelu(x, 'erf'), [-1e30, -10, -1e-8, 0, 1e-8, 10, 1e12]).map((c) => ({
      ...c,
      title: `erf ${c.title}`,
    })),
    ...pointwise((x) => gelu(x, 'tanh'), [-1e12, -10, -1e-8, 0, 1e-8, 10, 1e12]).map((c) => ({
      ...c,
      title: `tanh ${c.title}`,
    })),
  ],
  softplus: pointwise(softplus, [-1e30, -80, -20, -3, 0, 3, 20, 1e30], true),
  logSigmoid: pointwise(logSigmoid, [-1e30, -80, -3, 0, 3, 20, 80, 1e30], true),
  expm1: pointwise(expm1, [-1e30, -20, -1, -0.5, -1e-4, -1e-10, 0, 1e-10, 1e-4, 0.5, 1, 80], true),
  softmax: rows(softmax),
  logSoftmax: rows(logSoftmax),
  logSumExp: rows(logSumExp),
  takeAlong: [
    {
      title: 'rows',
      inputs: { x: normal(2, 3, 5), i: indices(5, 2, 3) },
      build: ({ x, i }) => takeAlong(x, i),
    },
    { title: 'one row', inputs: { x: normal(5), i: indices(5) }, build: ({ x, i }) => takeAlong(x, i) },
    { title: 'no rows', inputs: { x: normal(0, 5), i: indices(5, 0) }, build: ({ x, i }) => takeAlong(x, i) },
    {
      title: 'infinity elsewhere',
      inputs: { x: given([1, Infinity, -Infinity, 2], [2, 2]), i: given([0, 1], [2], 'i32') },
      build: ({ x, i }) => takeAlong(x, i),
      wrt: [],
    },
  ],
  addAlong: [
    {
      title: 'rows',
      inputs: { x: normal(2, 3, 5), i: indices(5, 2, 3), u: normal(2, 3) },
      build: ({ x, i, u }) => addAlong(x, i, u),
    },
    {
      title: 'one row',
      inputs: { x: normal(5), i: indices(5), u: normal() },
      build: ({ x, i, u }) => addAlong(x, i, u),
    },
    {
      title: 'no rows',
      inputs: { x: normal(0, 5), i: indices(5, 0), u: normal(0) },
      build: ({ x, i, u }) => addAlong(x, i, u),
    },
  ],
  linear: [
    {
      title: 'rank 2',
      inputs: { x: normal(3, 5), w: normal(5, 7), b: normal(7) },
      build: ({ x, w, b }) => linear(x, w, b),
      terms: 5,
    },
    {
      title: 'rank 3',
      inputs: { x: normal(2, 3, 5), w: normal(5, 2), b: normal(2) },
      build: ({ x, w, b }) => linear(x, w, b),
      terms: 5,
    },
    {
      title: 'without bias',
      inputs: { x: normal(2, 3, 5), w: normal(5, 4) },
      build: ({ x, w }) => linear(x, w),
      terms: 5,
    },
    {
      title: 'no rows',
      inputs: { x: normal(0, 5), w: normal(5, 2), b: normal(2) },
      build: ({ x, w, b }) => linear(x, w, b),
    },
    {
      title: 'wide',
      inputs: { x: normal(4, 257), w: small(257, 130), b: normal(130) },
      build: ({ x, w, b }) => linear(x, w, b),
      terms: 257,
    },
  ],
  layerNorm: [
    {
      title: 'rows',
      inputs: { x: normal(2, 3, 7), g: positive(7), b: normal(7) },
      build: ({ x, g, b }) => layerNorm(x, g, b, 1e-5),
      terms: 7,
    },
    {
      title: 'one row',
      inputs: { x: normal(5), g: positive(5), b: normal(5) },
      build: ({ x, g, b }) => layerNorm(x, g, b, 1e-5),
      terms: 5,
    },
    {
      title: 'no rows',
      inputs: { x: normal(0, 4), g: positive(4), b: normal(4) },
      build: ({ x, g, b }) => layerNorm(x, g, b, 1e-5),
    },
    {
      title: 'constant rows',
      inputs: { x: given([3, 3, 3, -2, -2, -2], [2, 3]), g: positive(3), b: normal(3) },
      build: ({ x, g, b }) => layerNorm(x, g, b, 1e-5),
      // x − Σx/3 is 0 but for the rounding of 1/3, which a fused multiply-add keeps: 3·2⁻²⁵/√1e-5 = 3e-5 of γ.
      terms: 36,
      wrt: [],
    },
    {
      title: 'long rows',
      inputs: { x: normal(3, 1027), g: positive(1027), b: normal(1027) },
      build: ({ x, g, b }) => layerNorm(x, g, b, 1e-6),
      terms: 1027,
    },
  ],
  rmsNorm: [
    {
      title: 'rows',
      inputs: { x: normal(2, 3, 7), g: positive(7) },
      build: ({ x, g }) => rmsNorm(x, g, 1e-6),
      terms: 7,
    },
    {
      title: 'one row',
      inputs: { x: normal(5), g: positive(5) },
      build: ({ x, g }) => rmsNorm(x, g, 1e-6),
      terms: 5,
    },
    {
      title: 'no rows',
      inputs: { x: normal(0, 4), g: positive(4) },
      build: ({ x, g }) => rmsNorm(x, g, 1e-6),
    },
    {
      title: 'zeros',
      inputs: { x: given([0, 0, 0]), g: positive(3) },
      build: ({ x, g }) => rmsNorm(x, g, 1e-5),
      wrt: [],
    },
    {
      title: 'long rows',
      inputs: { x: normal(3, 1027), g: positive(1027) },
      build: ({ x, g }) => rmsNorm(x, g, 1e-6),
      terms: 1027,
    },
  ],
  rope: [
    rotation('the whole head', [2, 3, 5, 4], 2, 2),
    rotation('a quarter of it', [1, 2, 4, 8], 1, 1),
    rotation('one table for all rows', [3, 2, 4, 6], 1, 3),
  ],
  attention: [
    {
      title: 'causal',
      inputs: heads(2, 3, 3, 5, 4),
      build: ({ q, k, v }) => attention(q, k, v, { scale, causal: true }),
      terms: 5,
    },
    {
      title: 'in both directions',
      inputs: heads(1, 2, 2, 4, 3),
      build: ({ q, k, v }) => attention(q, k, v, { scale, causal: false }),
      terms: 4,
    },
    {
      title: 'grouped heads',
      inputs: heads(2, 6, 2, 4, 3),
      build: ({ q, k, v }) => attention(q, k, v, { scale, causal: true }),
      terms: 4,
    },
    {
      title: 'a prompt and its responses',
      inputs: {
        ...heads(2, 4, 2, 7, 3),
        s: given([0, 0, 1, 1, 2, 2, 3, 0, 1, 1, 1, 2, 2, 2], [2, 7], 'i32'),
      },
      build: ({ q, k, v, s }) => attention(q, k, v, { scale, causal: true, segments: s }),
      terms: 7,
    },
    {
      title: 'segments in both directions',
      inputs: { ...heads(1, 1, 1, 5, 2), s: given([0, 0, 1, 2, 2], [1, 5], 'i32') },
      build: ({ q, k, v, s }) => attention(q, k, v, { scale, causal: false, segments: s }),
      terms: 5,
    },
    {
      title: 'one position',
      inputs: heads(1, 2, 1, 1, 4),
      build: ({ q, k, v }) => attention(q, k, v, { scale, causal: true }),
    },
    {
      title: 'no rows',
      inputs: heads(0, 2, 2, 3, 4),
      build: ({ q, k, v }) => attention(q, k, v, { scale, causal: true }),
    },
    {
      title: 'longer than a block',
      inputs: heads(1, 2, 1, 70, 8),
      build: ({ q, k, v }) => attention(q, k, v, { scale, causal: true }),
      terms: 70,
    },
  ],
  attentionBackward: [
    {
      title: 'grouped heads',
      inputs: heads(2, 6, 2, 4, 3),
      build: ({ q, k, v }) => backward(q, k, v),
      terms: 12,
    },
    {
      title: 'a prompt and its responses',
      inputs: { ...heads(1, 2, 2, 7, 4), s: given([0, 0, 1, 1, 2, 2, 3], [1, 7], 'i32') },
      build: ({ q, k, v, s }) => backward(q, k, v, s),
      terms: 7,
    },
    { title: 'no rows', inputs: heads(0, 2, 2, 3, 4), build: ({ q, k, v }) => backward(q, k, v) },
  ],
  tokenLogProb: [
    { title: 'in one piece', inputs: head(5, 7, 3), build: ({ h, w, y }) => tokenLogProb(h, w, y), terms: 7 },
    { title: 'in chunks', inputs: head(5, 7, 3), build: ({ h, w, y }) => tokenLogProb(h, w, y, 2), terms: 7 },
    {
      title: 'row by row',
      inputs: head(3, 4, 2),
      build: ({ h, w, y }) => tokenLogProb(h, w, y, 1),
      terms: 4,
    },
    { title: 'no rows', inputs: head(0, 4, 2), build: ({ h, w, y }) => tokenLogProb(h, w, y) },
    {
      title: 'a larger vocabulary',
      inputs: head(4, 1031, 17),
      build: ({ h, w, y }) => tokenLogProb(h, w, y, 3),
      terms: 1031,
    },
  ],
  tokenLogProbBackward: [
    {
      title: 'both, in chunks',
      inputs: { ...head(5, 7, 3), g: normal(5) },
      build: ({ h, w, y, g }) => pair(tokenLogProbBackward(h, w, y, g, { chunkRows: 2, hidden: true, head: true })),
      terms: 7,
    },
    {
      title: 'the head alone',
      inputs: { ...head(4, 70, 5), g: normal(4) },
      build: ({ h, w, y, g }) => pair(tokenLogProbBackward(h, w, y, g, { chunkRows: 9, hidden: false, head: true })),
      terms: 70,
    },
    {
      title: 'no rows',
      inputs: { ...head(0, 4, 2), g: normal(0) },
      build: ({ h, w, y, g }) => pair(tokenLogProbBackward(h, w, y, g, { chunkRows: 9, hidden: true, head: false })),
    },
  ],
  tokenStats: [
    {
      title: 'in one piece',
      inputs: head(5, 7, 3),
      build: ({ h, w, y }) => ({ ...tokenStats(h, w, y) }),
      terms: 7,
    },
    {
      title: 'in chunks',
      inputs: head(5, 7, 3),
      build: ({ h, w, y }) => ({ ...tokenStats(h, w, y, 2) }),
      terms: 7,
    },
    { title: 'no rows', inputs: head(0, 4, 2), build: ({ h, w, y }) => ({ ...tokenStats(h, w, y) }) },
    {
      title: 'a larger vocabulary',
      inputs: head(4, 1031, 17),
      build: ({ h, w, y }) => ({ ...tokenStats(h, w, y, 3) }),
      terms: 1031,
    },
    {
      title: 'peaked',
      inputs: {
        h: given([20, -10, 5], [3, 1]),
        w: given([1, -1, -0.5, 0.25], [4, 1]),
        y: given([0, 1, 2], [3], 'i32'),
      },
      build: ({ h, w, y }) => ({ ...tokenStats(h, w, y) }),
      wrt: [],
      relative: true,
    },
  ],
  conv2d: [
    { title: 'padded', inputs: image(2, 5, 3, 3), build: ({ x, w, b }) => conv2d(x, w, b, 1), terms: 18 },
    { title: 'not padded', inputs: image(1, 6, 5, 2), build: ({ x, w, b }) => conv2d(x, w, b), terms: 25 },
    { title: 'a single pixel', inputs: image(3, 4, 1, 2), build: ({ x, w, b }) => conv2d(x, w, b), terms: 3 },
  ],
  avgPool: [
    { title: 'two by two', inputs: { x: normal(2, 3, 4, 6) }, build: ({ x }) => avgPool(x, 2), terms: 4 },
    { title: 'three by three', inputs: { x: normal(1, 1, 3, 9) }, build: ({ x }) => avgPool(x, 3), terms: 9 },
    { title: 'one by one', inputs: { x: normal(1, 2, 3, 3) }, build: ({ x }) => avgPool(x, 1) },
  ],
}
