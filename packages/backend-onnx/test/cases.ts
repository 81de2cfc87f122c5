/** Programs and inputs for every op, small enough for the f64 reference: scalars, empty axes, axes of one, odd sizes. */
import {
  addAlong,
  argmax,
  attention,
  avgPool,
  bool,
  broadcast,
  cast,
  concat,
  constant,
  conv2d,
  equal,
  expm1,
  f32,
  gelu,
  hostTensor,
  i32,
  iota,
  layerNorm,
  less,
  linear,
  logSigmoid,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maximum,
  pad,
  reshape,
  rmsNorm,
  rope,
  scatterAdd,
  select,
  sigmoid,
  silu,
  sizeOf,
  slice,
  softmax,
  softplus,
  stopGradient,
  sum,
  take,
  takeAlong,
  tokenLogProb,
  tokenStats,
  topK,
  transpose,
  updateRows,
  add,
  div,
  erf,
  exp,
  isFinite as finite,
  log,
  mul,
  neg,
  sqrt,
  sub,
  tanh,
  type HostTensor,
  type OpName,
  type Shape,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'

export interface Case {
  readonly specs: readonly Spec[]
  readonly f: (...x: Tensor[]) => Tree<Tensor>
  /** Values per input; random ones unless given. */
  readonly values?: readonly (readonly number[] | undefined)[]
  /** f32 inputs are positive. */
  readonly positive?: boolean
}

/** A small counter-based generator (mulberry32), so that failures repeat. */
export function uniform(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Normal f32, masks, or indices below 3. */
export function randomTensor(s: Spec, random: () => number, positive = false): HostTensor {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const draw = {
    f32: () => Math.fround(positive ? 0.1 + random() : normal()),
    i32: () => Math.floor(3 * random()),
    bool: () => (random() < 0.5 ? 1 : 0),
  }
  return hostTensor(Array.from({ length: sizeOf(s.shape) }, draw[s.dtype]), s.shape, s.dtype)
}

const SHAPES: readonly Shape[] = [[], [0], [1], [7], [3, 0, 2], [2, 1, 5], [3, 17]]
const on = (f: (...x: Tensor[]) => Tree<Tensor>, ...specs: Spec[]): Case => ({ specs, f })
const unary = (f: (x: Tensor) => Tensor, positive = false): Case[] =>
  SHAPES.map((s) => ({ specs: [f32(...s)], f, positive }))
const binary = (f: (a: Tensor, b: Tensor) => Tensor, positive = false): Case[] => [
  ...SHAPES.map((s) => ({ specs: [f32(...s), f32(...s)], f, positive })),
  { specs: [f32(3, 1, 4), f32(2, 1)], f, positive },
  { specs: [f32(4), f32(3, 1)], f, positive },
  { specs: [f32(), f32(2, 3)], f, positive },
]
const rows = (f: (x: Tensor) => Tree<Tensor>): Case[] =>
  [[1], [7], [3, 0, 2], [2, 1, 5], [3, 17], [4, 1]].map((s) => on(f, f32(...s)))
const NAN = [NaN, 1, NaN, -Infinity, Infinity, 0]

export const cases: { readonly [K in OpName]: readonly Case[] } = {
  input: [
    on((x) => x, f32(2)),
    on((x) => ({ a: x, b: x }), f32()),
    on((x) => x, bool(3)),
    on((x) => x, i32(0)),
  ],
  constant: [
    on(() => constant(0.1)),
    on(() => constant([1, 2, 3], [3], 'i32')),
    on(() => constant([1, 0], [2], 'bool')),
    on(() => constant([], [0, 2])),
    on(() => constant([5, 5, 5, 5], [2, 2])),
  ],
  iota: [
    on(() => iota([3], 0)),
    on(() => iota([2, 3, 4], 1)),
    on(() => iota([2, 0], 0)),
    on((x) => mul(cast(iota([2, 3], 1), 'f32'), x), f32(2, 3)),
  ],
  stopGradient: unary(stopGradient),
  cast: [
    { specs: [f32(6)], f: (x) => cast(x, 'i32'), values: [[1.9, -1.9, 0, -0.5, 3, 100]] },
    { specs: [f32(4)], f: (x) => cast(x, 'bool'), values: [[0, -0, 0.5, NaN]] },
    on((x) => cast(x, 'f32'), bool(5)),
    on((x) => cast(x, 'i32'), bool(2, 2)),
    on((x) => cast(x, 'f32'), i32()),
    on((x) => cast(x, 'bool'), i32(4)),
  ],
  neg: unary(neg),
  exp: unary(exp),
  log: unary(log, true),
  sqrt: unary(sqrt, true),
  tanh: unary(tanh),
  erf: unary(erf),
  isFinite: [...unary(finite), { specs: [f32(6)], f: finite, values: [NAN] }],
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div, true),
  maximum: [
    ...binary(maximum),
    { specs: [f32(6), f32(6)], f: maximum, values: [NAN, [1, NaN, NaN, 2, 2, 2]] },
    {
      specs: [f32(40)],
      f: (x) => maximum(x, 0),
      values: [Array.from({ length: 40 }, (_, i) => (i % 7 === 0 ? NaN : i - 20))],
    },
  ],
  less: [...binary((a, b) => less(a, b)), on(less, i32(4), i32(4)), on(less, bool(9), bool(9))],
  equal: [
    on(equal, f32(3), f32(3)),
    on(equal, i32(3, 4), i32(4)),
    on(equal, bool(8), bool(8)),
    on((x) => equal(x, constant(0, [], 'bool')), bool(8)),
  ],
  select: [
    on(select, bool(2, 3), f32(2, 3), f32(2, 3)),
    on(select, bool(3), f32(2, 1), f32()),
    on(select, bool(5), i32(5), i32(5)),
    on(select, bool(16), bool(16), bool(16)),
    on((c, a) => select(c, a, constant(0, [], 'bool')), bool(8), bool(8)),
    on((c, a) => select(c, constant(1, [], 'bool'), a), bool(8), bool(8)),
    on((c) => select(c, 1, 0), bool(8)),
    on(select, bool(0), f32(0), f32(0)),
  ],
  sum: [
    on((x) => sum(x), f32(3, 4)),
    on((x) => sum(x, 1), f32(3, 4, 2)),
    on((x) => sum(x, [0, 2], true), f32(3, 4, 2)),
    on((x) => sum(x, 0), f32(0, 3)),
    on((x) => sum(x, 1, true), f32(2, 0)),
    on((x) => sum(x), f32(0)),
    on((x) => sum(x, 1), f32(0, 3)),
    on((x) => sum(broadcast(x, [4, 3, 2])), f32(3, 1)),
    on((x) => sum(broadcast(x, [4, 3, 2]), [0, 1], true), f32(3, 1)),
    on((x) => sum(broadcast(x, [4, 3, 2]), [1, 2]), f32(3, 1)),
    on((x) => sum(broadcast(x, [4, 3]), 1), f32()),
    on((x) => sum(broadcast(x, [5, 1, 3]), [1]), f32(1, 3)),
  ],
  max: [
    on((x) => max(x), f32(3, 4)),
    on((x) => max(x, -1, true), f32(3, 4, 5)),
    on((x) => max(x, [0, 1]), f32(3, 4, 2)),
    on((x) => max(x, 1), f32(0, 3)),
    on((x) => max(broadcast(x, [4, 3, 2]), [1, 2]), f32(3, 1)),
    { specs: [f32(2, 3)], f: (x) => max(x, 1), values: [NAN] },
    {
      specs: [f32(2, 40)],
      f: (x) => max(x, 1),
      values: [Array.from({ length: 80 }, (_, i) => (i === 57 ? NaN : -i))],
    },
  ],
  argmax: [
    on((x) => argmax(x), f32(3, 9)),
    on((x) => argmax(x, 0), f32(4, 3)),
    { specs: [f32(2, 3)], f: (x) => argmax(x), values: [[1, 5, 5, 2, 2, 2]] },
    on((x) => argmax(x), f32(0, 3)),
    on((x) => argmax(x), f32(4)),
  ],
  topK: [
    on((x) => ({ ...topK(x, 3) }), f32(4, 9)),
    on((x) => ({ ...topK(x, 2) }), f32(2)),
    on((x) => ({ ...topK(x, 0) }), f32(2, 3)),
    { specs: [f32(1, 5)], f: (x) => ({ ...topK(x, 5) }), values: [[1, 3, 3, 1, 3]] },
    on((x) => ({ ...topK(x, 1) }), f32(0, 3)),
  ],
  matmul: [
    ...[false, true].flatMap((ta) =>
      [false, true].flatMap((tb) => [
        on((a, b) => matmul(a, b, ta, tb), ta ? f32(3, 5) : f32(5, 3), tb ? f32(7, 3) : f32(3, 7)),
        on(
          (a, b) => matmul(a, b, ta, tb),
          ta ? f32(2, 4, 3, 5) : f32(2, 4, 5, 3),
          tb ? f32(2, 4, 1, 3) : f32(2, 4, 3, 1),
        ),
      ]),
    ),
    on((a, b) => matmul(a, b), f32(2, 5, 3), f32(3, 4)),
    on((a, b) => matmul(a, b, false, true), f32(2, 2, 5, 3), f32(4, 3)),
    on((a, b) => matmul(a, b), f32(2, 0), f32(0, 3)),
    on((a, b) => matmul(a, b), f32(0, 2), f32(2, 3)),
    on((a, b) => matmul(a, b), f32(3, 2, 0), f32(3, 0, 4)),
    on((a, b) => matmul(broadcast(a, [3, 2, 4]), broadcast(b, [3, 4, 5])), f32(2, 4), f32(3, 1, 5)),
    on((a, b) => matmul(broadcast(a, [2, 4]), b), f32(), f32(4, 2)),
  ],
  reshape: [
    on((x) => reshape(x, [6]), f32(2, 3)),
    on((x) => reshape(x, []), f32(1, 1)),
    on((x) => reshape(x, [1, 1]), f32()),
    on((x) => reshape(x, [0, 5]), f32(3, 0)),
    on((x) => reshape(broadcast(x, [4, 3]), [2, 6]), f32(3)),
    on((x) => reshape(broadcast(x, [1, 3]), [3, 1]), f32(3)),
    on((x) => reshape(x, [2, 2]), bool(4)),
  ],
  transpose: [
    on((x) => transpose(x, [1, 0]), f32(2, 3)),
    on((x) => transpose(x, [2, 0, 3, 1]), f32(2, 3, 4, 5)),
    on((x) => transpose(x, [1, 0]), bool(2, 3)),
    on((x) => transpose(broadcast(x, [4, 2, 3]), [2, 0, 1]), f32(2, 1)),
    on((x) => transpose(x, [1, 0]), f32(0, 3)),
  ],
  broadcast: [
    on((x) => broadcast(x, [2, 3]), f32()),
    on((x) => broadcast(x, [2, 3, 4]), f32(3, 1)),
    on((x) => broadcast(x, [0, 3]), f32(3)),
    on((x) => broadcast(x, [2, 2]), bool(2)),
    on((x) => broadcast(x, [2, 2]), i32(1)),
  ],
  slice: [
    on((x) => slice(x, [1, 0], [3, 2]), f32(4, 3)),
    on((x) => slice(x, [2, 2], [2, 3]), f32(4, 3)),
    on((x) => slice(x, [1], [2]), bool(3)),
    on((x) => slice(broadcast(x, [4, 3, 2]), [1, 1, 0], [3, 2, 1]), f32(3, 1)),
    on((x) => slice(broadcast(x, [4, 3]), [1, 1], [2, 2]), f32()),
  ],
  pad: [
    on((x) => pad(x, [1, 0], [0, 2]), f32(2, 3)),
    on((x) => pad(x, [1], [2]), bool(3)),
    on((x) => pad(x, [1], [2]), i32(3)),
    on((x) => pad(x, [1, 0], [1, 0]), f32(0, 2)),
    on((x) => pad(broadcast(x, [2, 3]), [0, 1], [1, 0]), f32()),
  ],
  concat: [
    on((a, b) => concat([a, b], 0), f32(2, 3), f32(1, 3)),
    on((a, b) => concat([a, b], -1), bool(2, 1), bool(2, 2)),
    on((a, b) => concat([a, b], 0), f32(0, 3), f32(2, 3)),
    on((a, b) => concat([broadcast(a, [2]), b, b], 0), f32(), f32(3)),
    on((a, b) => concat([a, b], 0), i32(2), i32(0)),
  ],
  take: [
    on(take, f32(3, 4), i32(5)),
    on(take, f32(3), i32(2, 2)),
    on(take, f32(3, 2, 2), i32()),
    on(take, f32(3, 4), i32(0)),
    on(take, bool(3, 2), i32(4)),
    on((t, i) => take(broadcast(t, [3, 2]), i), f32(), i32(4)),
  ],
  scatterAdd: [
    on((i, u) => scatterAdd(i, u, 4), i32(9), f32(9, 5)),
    on((i, u) => scatterAdd(i, u, 4), i32(6), f32(6)),
    on((i, u) => scatterAdd(i, u, 3), i32(2, 3), f32(2, 3, 2, 2)),
    on((i, u) => scatterAdd(i, u, 3), i32(0), f32(0, 2)),
    on((i, u) => scatterAdd(i, u, 3), i32(), f32(2)),
    on((i, u, z) => add(scatterAdd(i, u, 3), z), i32(40), f32(40, 2), f32(3, 2)),
    on((i, u, z) => add(z, scatterAdd(i, u, 3)), i32(4), f32(4, 2), f32(2)),
    on((i, u) => add(scatterAdd(i, u, 3), scatterAdd(i, neg(u), 3)), i32(4), f32(4, 2)),
  ],
  updateRows: [
    { specs: [f32(4, 3), i32(2), f32(2, 3)], f: updateRows, values: [undefined, [2, 0]] },
    { specs: [bool(3), i32(1), bool(1)], f: updateRows, values: [[1, 1, 1], [1], [0]] },
    on(updateRows, f32(4, 3), i32(0), f32(0, 3)),
    { specs: [i32(3, 2), i32(1), i32(1, 2)], f: updateRows, values: [undefined, [2]] },
  ],
  sigmoid: [...unary(sigmoid), { specs: [f32(4)], f: sigmoid, values: [[-200, 200, 0, -20]] }],
  silu: unary(silu),
  gelu: [...unary((x) => gelu(x, 'erf')), ...unary((x) => gelu(x, 'tanh'))],
  softplus: [...unary(softplus), { specs: [f32(4)], f: softplus, values: [[-200, 200, 0, -20]] }],
  logSigmoid: [...unary(logSigmoid), { specs: [f32(4)], f: logSigmoid, values: [[-200, 200, 0, 20]] }],
  expm1: [...unary(expm1), { specs: [f32(5)], f: expm1, values: [[1e-7, -1e-7, 0, 3, -40]] }],
  softmax: [...rows(softmax), { specs: [f32(2, 3)], f: softmax, values: [[1e4, 0, -1e4, -1e30, -1e30, 0]] }],
  logSoftmax: [
    ...rows(logSoftmax),
    { specs: [f32(2, 3)], f: logSoftmax, values: [[100, 0, -100, -1e30, 1, 0]] },
  ],
  logSumExp: [
    ...rows(logSumExp),
    { specs: [f32(2, 3)], f: logSumExp, values: [[100, 0, -100, -1e30, 1, 0]] },
  ],
  takeAlong: [
    on(takeAlong, f32(5, 3), i32(5)),
    on(takeAlong, f32(3), i32()),
    on(takeAlong, f32(2, 0, 3), i32(2, 0)),
    on(takeAlong, f32(2, 2, 4), i32(2, 2)),
    on((x, i) => takeAlong(broadcast(x, [4, 3]), i), f32(3), i32(4)),
  ],
  addAlong: [
    on(addAlong, f32(5, 3), i32(5), f32(5)),
    on(addAlong, f32(3), i32(), f32()),
    on((i, u) => addAlong(constant(Array(12).fill(0), [4, 3]), i, u), i32(4), f32(4)),
  ],
  linear: [
    on((x, w, b) => linear(x, w, b), f32(2, 3, 4), f32(4, 5), f32(5)),
    on((x, w) => linear(x, w), f32(1, 4), f32(4, 1)),
  ],
  layerNorm: [
    on((x, g, b) => layerNorm(x, g, b, 1e-5), f32(2, 3, 8), f32(8), f32(8)),
    on((x, g, b) => layerNorm(x, g, b, 1e-5), f32(5), f32(5), f32(5)),
    on((x, g, b) => layerNorm(x, g, b, 1e-5), f32(3, 1), f32(1), f32(1)),
    on((x, g, b) => layerNorm(x, g, b, 1e-5), f32(0, 4), f32(4), f32(4)),
  ],
  rmsNorm: [
    on((x, g) => rmsNorm(x, g, 1e-6), f32(2, 3, 8), f32(8)),
    on((x, g) => rmsNorm(x, g, 1e-6), f32(5), f32(5)),
    on((x, g) => rmsNorm(x, g, 1e-6), f32(3, 1), f32(1)),
    on((x, g) => rmsNorm(x, broadcast(g, [4]), 1e-6), f32(2, 4), f32()),
  ],
  rope: [
    on(rope, f32(2, 3, 5, 8), f32(2, 5, 4), f32(2, 5, 4)),
    on(rope, f32(2, 3, 5, 8), f32(1, 5, 4), f32(1, 5, 4)),
    on(rope, f32(1, 2, 3, 8), f32(1, 3, 2), f32(1, 3, 2)),
    on(rope, f32(1, 1, 1, 2), f32(1, 1, 1), f32(1, 1, 1)),
  ],
  attention: [true, false].flatMap((causal): Case[] => [
    on(
      (q, k, v) => attention(q, k, v, { scale: 0.35, causal }),
      f32(2, 4, 5, 8),
      f32(2, 2, 5, 8),
      f32(2, 2, 5, 8),
    ),
    on(
      (q, k, v) => attention(q, k, v, { scale: 0.35, causal }),
      f32(1, 3, 7, 4),
      f32(1, 3, 7, 4),
      f32(1, 3, 7, 4),
    ),
    on(
      (q, k, v, segments) => attention(q, k, v, { scale: 1, causal, segments }),
      f32(2, 6, 7, 4),
      f32(2, 2, 7, 4),
      f32(2, 2, 7, 4),
      i32(2, 7),
    ),
    on(
      (q, k, v) => attention(q, k, v, { scale: 1, causal }),
      f32(1, 1, 1, 1),
      f32(1, 1, 1, 1),
      f32(1, 1, 1, 1),
    ),
  ]),
  tokenLogProb: [
    on((h, w, y) => tokenLogProb(h, w, y), f32(7, 4), f32(3, 4), i32(7)),
    on((h, w, y) => tokenLogProb(h, w, y, 3), f32(7, 4), f32(11, 4), i32(7)),
    on((h, w, y) => tokenLogProb(h, w, y), f32(0, 4), f32(3, 4), i32(0)),
  ],
  tokenStats: [
    on((h, w, y) => ({ ...tokenStats(h, w, y) }), f32(7, 4), f32(11, 4), i32(7)),
    on((h, w, y) => ({ ...tokenStats(h, w, y, 3) }), f32(7, 4), f32(3, 4), i32(7)),
    on((h, w, y) => ({ ...tokenStats(h, w, y, 2) }), f32(4, 1), f32(3, 1), i32(4)),
    on((h, w, y) => ({ ...tokenStats(h, w, y) }), f32(0, 4), f32(3, 4), i32(0)),
    {
      specs: [f32(2, 4), f32(1, 4), i32(2)],
      f: (h, w, y) => ({ ...tokenStats(h, w, y) }),
      values: [undefined, undefined, [0, 0]],
    },
    {
      specs: [f32(5, 1), f32(2, 1), i32(5)],
      f: (h, w, y) => ({ ...tokenStats(h, w, y) }),
      values: [
        [0, 1, 10, 40, 90],
        [1, 0],
        [0, 1, 0, 1, 0],
      ],
    },
  ],
  conv2d: [
    on((x, w, b) => conv2d(x, w, b, 2), f32(2, 1, 6, 5), f32(25, 3), f32(3)),
    on((x, w, b) => conv2d(x, w, b), f32(1, 3, 4, 4), f32(12, 2), f32(2)),
  ],
  avgPool: [on((x) => avgPool(x, 2), f32(2, 3, 4, 6)), on((x) => avgPool(x, 1), f32(1, 1, 2, 2))],
}
