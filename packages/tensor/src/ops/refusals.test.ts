/**
 * Every op refuses what it cannot take while it is traced, in a sentence with op, operands, module path and
 * reason.
 */
import { tokenLogProbBackward } from '../composites/head.ts'
import { attentionBackward } from '../composites/transformer.ts'
import { describe, expect, it } from 'vitest'
import {
  add, addAlong, argmax, attention, avgPool, broadcast, cast, concat, constant, conv2d, div, equal, erf, exp,
  expm1, f32, gelu, i32, bool, iota, isFinite, layerNorm, less, linear, log, logSigmoid, logSoftmax,
  logSumExp, matmul, max, maximum, mean, mul, neg, pad, reshape, rmsNorm, rope, scatterAdd, scope, select,
  ShapeError, sigmoid, silu, slice, sliceAxis, softmax, softplus, sqrt, stopGradient, sub, sum, take,
  takeAlong, tanh, tokenLogProb, tokenStats, topK, trace, transpose, updateRows, type OpName, type Spec,
  type Tensor,
} from '../index.ts'

type Refusal = readonly [specs: readonly Spec[], build: (...x: Tensor[]) => unknown, message: string]

const notFloat = (f: (x: Tensor) => Tensor): Refusal[] => [
  [[i32(2, 3)], f, 'i32[2,3]) in model.part: takes f32, got i32; use cast'],
]
const mismatched = (f: (a: Tensor, b: Tensor) => Tensor): Refusal[] => [
  [
    [f32(2, 3), f32(4)],
    f,
    'f32[2,3], f32[4]) in model.part: shapes [2,3] and [4] do not match at axis -1 (3 and 4)',
  ],
  [
    [f32(0), f32(3)],
    f,
    'f32[0], f32[3]) in model.part: shapes [0] and [3] do not match at axis -1 (0 and 3)',
  ],
]
const arithmetic = (f: (a: Tensor, b: Tensor) => Tensor): Refusal[] => [
  ...mismatched(f),
  [[i32(2), i32(2)], f, 'i32[2], i32[2]) in model.part: takes f32, got i32; use cast'],
]
const comparison = (f: (a: Tensor, b: Tensor) => Tensor): Refusal[] => [
  ...mismatched(f),
  [[f32(2), i32(2)], f, 'f32[2], i32[2]) in model.part: dtypes f32 and i32 differ'],
]
const rowwise = (f: (x: Tensor) => Tensor): Refusal[] => [
  ...notFloat(f),
  [[f32()], f, 'f32[]) in model.part: needs a last axis, a scalar has none'],
  [[f32(2, 0)], f, 'f32[2,0]) in model.part: the last axis is empty'],
]
const heads = (q: Spec, k: Spec, v: Spec, ...s: Spec[]): Spec[] => [q, k, v, ...s]
const attend = (q: Tensor, k: Tensor, v: Tensor, segments?: Tensor) =>
  attention(q, k, v, { scale: 1, causal: true, segments })
const convolve = (x: Tensor, w: Tensor, b: Tensor) => conv2d(x, w, b)

/** Three take anything: an input is made by `trace` alone, any value may be stopped or cast. */
const refusals: { readonly [K in Exclude<OpName, 'input' | 'stopGradient' | 'cast'>]: readonly Refusal[] } = {
  constant: [
    [[], () => constant([1, 2, 3], [2, 2]), 'constant() in model.part: 3 values do not fill shape [2,2]'],
  ],
  iota: [
    [[], () => iota([2, 3], 2), 'iota() in model.part: axis 2 does not exist in rank 2'],
    [[], () => iota([2, 3], -3), 'axis -3 does not exist in rank 2'],
  ],
  neg: notFloat(neg),
  exp: notFloat(exp),
  log: notFloat(log),
  sqrt: notFloat(sqrt),
  tanh: notFloat(tanh),
  erf: notFloat(erf),
  isFinite: notFloat(isFinite),
  add: arithmetic(add),
  sub: arithmetic(sub),
  mul: arithmetic(mul),
  div: arithmetic(div),
  maximum: arithmetic(maximum),
  less: comparison(less),
  equal: comparison(equal),
  select: [
    [[f32(2), f32(2), f32(2)], select, 'the condition must be bool, got f32'],
    [
      [bool(2), f32(2), i32(2)],
      select,
      'select(bool[2], f32[2], i32[2]) in model.part: dtypes f32 and i32 differ',
    ],
    [[bool(2), f32(3), f32(3)], select, 'do not match at axis -1 (2 and 3)'],
  ],
  sum: [
    ...notFloat((x) => sum(x)),
    [[f32(2, 3)], (x) => sum(x, 2), 'sum(f32[2,3]) in model.part: axis 2 does not exist in rank 2'],
    [[f32(2, 3)], (x) => sum(x, -3), 'axis -3 does not exist in rank 2'],
    [[f32(2, 3)], (x) => sum(x, [0, -2]), 'axes [0,0] repeat'],
    [[f32(2, 0)], (x) => mean(x, 1), 'mean(f32[2,0]) in model.part: the mean over an empty axis'],
  ],
  max: [
    ...notFloat((x) => max(x)),
    [
      [f32(2, 0)],
      (x) => max(x, 1),
      'max(f32[2,0]) in model.part: the maximum over an empty axis has no value',
    ],
    [[f32(2)], (x) => max(x, 0.5), 'axis 0.5 does not exist'],
  ],
  argmax: [
    [[f32(2, 3)], (x) => argmax(x, -3), 'argmax(f32[2,3]) in model.part: axis -3 does not exist in rank 2'],
    [[f32(2, 0)], (x) => argmax(x), 'an empty axis has no largest'],
    [[f32()], (x) => argmax(x), 'axis -1 does not exist in rank 0'],
  ],
  topK: [
    [[f32(2, 3)], (x) => topK(x, 4), 'topK(f32[2,3]) in model.part: k = 4 is outside 0…3'],
    [[f32(3)], (x) => topK(x, 1.5), 'k = 1.5 is outside 0…3'],
    [[f32()], (x) => topK(x, 0), 'k = 0 is outside'],
  ],
  matmul: [
    [
      [f32(2, 3), f32(4, 5)],
      (a, b) => matmul(a, b),
      'matmul(f32[2,3], f32[4,5]) in model.part: inner sizes 3 and 4 differ (ta=false, tb=false)',
    ],
    [[f32(3), f32(3, 2)], (a, b) => matmul(a, b), 'operands need rank ≥ 2'],
    [[f32(2, 3, 4), f32(3, 4, 5)], (a, b) => matmul(a, b), 'batch axes [2] and [3] differ'],
    [
      [f32(2, 4, 3), f32(4, 5)],
      (a, b) => matmul(a, b, true),
      'batch axes [2] and [] differ (equal, or rank 2 on the right with ta false)',
    ],
  ],
  reshape: [
    [[f32(2, 3)], (x) => reshape(x, [4]), 'reshape(f32[2,3]) in model.part: 6 elements do not fill [4] (4)'],
    [[f32(6)], (x) => reshape(x, [4, -1]), '[4,1.5] is no shape for 6 elements'],
    [[f32(6)], (x) => reshape(x, [-2, -3]), '[-2,-3] is no shape'],
    [[f32(6)], (x) => reshape(x, [-1, -1]), '[-1,-1] is no shape'],
    [[f32(0)], (x) => reshape(x, [0, -1]), 'is no shape for 0 elements'],
  ],
  transpose: [
    [
      [f32(2, 3)],
      (x) => transpose(x, [0, 0]),
      'transpose(f32[2,3]) in model.part: [0,0] is no permutation of 2 axes',
    ],
    [[f32(2, 3)], (x) => transpose(x, [0]), '[0] is no permutation of 2 axes'],
  ],
  broadcast: [
    [[f32(2, 3)], (x) => broadcast(x, [3]), 'broadcast(f32[2,3]) in model.part: cannot be repeated to [3]'],
    [[f32(2)], (x) => broadcast(x, [3]), 'cannot be repeated to [3]'],
  ],
  slice: [
    [[f32(4)], (x) => slice(x, [2], [5]), 'slice(f32[4]) in model.part: [2, 5) is outside axis 0 of size 4'],
    [[f32(4)], (x) => slice(x, [3], [2]), '[3, 2) is outside axis 0'],
    [[f32(4)], (x) => slice(x, [0, 0], [1, 1]), 'start and end need 1 entries'],
    [
      [f32(4, 2)],
      (x) => sliceAxis(x, 2, 0, 1),
      'slice(f32[4,2]) in model.part: axis 2 does not exist in rank 2',
    ],
    [[f32(4, 2)], (x) => sliceAxis(x, -3, 0, 1), 'axis -3 does not exist in rank 2'],
  ],
  pad: [
    [[f32(4)], (x) => pad(x, [-1], [0]), 'pad(f32[4]) in model.part: lo and hi need 1 entries ≥ 0'],
    [[f32(4)], (x) => pad(x, [1, 1], [0, 0]), 'lo and hi need 1 entries ≥ 0'],
  ],
  concat: [
    [[], () => concat([], 0), 'concat() in model.part: nothing to join'],
    [
      [f32(2, 3), f32(2, 4)],
      (a, b) => concat([a, b], 0),
      'concat(f32[2,3], f32[2,4]) in model.part: shapes differ outside axis 0',
    ],
    [[f32(2), i32(2)], (a, b) => concat([a, b], 0), 'dtypes f32 and i32 do not join'],
    [[f32(2), f32(2)], (a, b) => concat([a, b], 1), 'axis 1 does not exist in rank 1'],
    [[f32(2, 2), f32(2, 2)], (a, b) => concat([a, b], -3), 'axis -3 does not exist in rank 2'],
  ],
  take: [
    [[f32(4), f32(2)], take, 'take(f32[4], f32[2]) in model.part: takes a table of rank ≥ 1 and i32 indices'],
    [[f32(), i32(2)], take, 'takes a table of rank ≥ 1'],
  ],
  scatterAdd: [
    [
      [i32(3), f32(2, 4)],
      (i, u) => scatterAdd(i, u, 5),
      "scatterAdd(i32[3], f32[2,4]) in model.part: updates must begin with the indices' axes",
    ],
    [[f32(3), f32(3)], (i, u) => scatterAdd(i, u, 5), 'indices are i32'],
    [[i32(3), i32(3)], (i, u) => scatterAdd(i, u, 5), 'takes f32, got i32'],
  ],
  updateRows: [
    [
      [f32(4, 2), i32(2), f32(3, 2)],
      updateRows,
      'updateRows(f32[4,2], i32[2], f32[3,2]) in model.part: updates must be f32[2,2]',
    ],
    [[f32(4, 2), i32(2, 1), f32(2, 2)], updateRows, 'indices are i32 of rank 1'],
  ],
  sigmoid: notFloat(sigmoid),
  silu: notFloat(silu),
  gelu: notFloat((x) => gelu(x, 'erf')),
  softplus: notFloat(softplus),
  logSigmoid: notFloat(logSigmoid),
  expm1: notFloat(expm1),
  softmax: rowwise(softmax),
  logSoftmax: rowwise(logSoftmax),
  logSumExp: rowwise(logSumExp),
  takeAlong: [
    [[f32(2, 3), i32(3)], takeAlong, 'takeAlong(f32[2,3], i32[3]) in model.part: indices must be i32[2]'],
    [[f32(2, 3), f32(2)], takeAlong, 'indices must be i32[2]'],
    [[f32(), i32()], takeAlong, 'needs a last axis'],
  ],
  addAlong: [
    [
      [f32(2, 3), i32(2), f32(3)],
      addAlong,
      'addAlong(f32[2,3], i32[2], f32[3]) in model.part: indices and updates must have shape [2]',
    ],
  ],
  linear: [
    [
      [f32(2, 3), f32(4, 5)],
      (x, w) => linear(x, w),
      'linear(f32[2,3], f32[4,5]) in model.part: w must be f32[3, out]',
    ],
    [[f32(2, 3), f32(3, 5), f32(4)], linear, 'b must be f32[5]'],
    [[f32(3), f32(3, 5)], (x, w) => linear(x, w), 'x needs rank ≥ 2'],
  ],
  layerNorm: [
    [
      [f32(2, 3), f32(3), f32(2)],
      (x, g, b) => layerNorm(x, g, b, 0),
      'layerNorm(f32[2,3], f32[3], f32[2]) in model.part: weights must be f32[3]',
    ],
    [[f32(), f32(1), f32(1)], (x, g, b) => layerNorm(x, g, b, 0), 'needs a last axis that is not empty'],
  ],
  rmsNorm: [
    [
      [f32(2, 3), f32(2)],
      (x, g) => rmsNorm(x, g, 0),
      'rmsNorm(f32[2,3], f32[2]) in model.part: weights must be f32[3]',
    ],
  ],
  rope: [
    [
      [f32(1, 2, 3, 4), f32(1, 3, 3), f32(1, 3, 3)],
      rope,
      'rope(f32[1,2,3,4], f32[1,3,3], f32[1,3,3]) in model.part: cos [1,3,3] does not fit x [1,2,3,4]',
    ],
    [[f32(3, 4), f32(1, 3, 2), f32(1, 3, 2)], rope, 'takes x [B,H,T,D]'],
    [[f32(3, 2, 4, 4), f32(2, 4, 2), f32(2, 4, 2)], rope, 'does not fit'],
  ],
  attention: [
    [
      heads(f32(1, 4, 5, 2), f32(1, 3, 5, 2), f32(1, 3, 5, 2)),
      attend,
      'attention(f32[1,4,5,2], f32[1,3,5,2], f32[1,3,5,2]) in model.part: k [1,3,5,2] does not fit q [1,4,5,2]',
    ],
    [heads(f32(1, 4, 5, 2), f32(1, 2, 5, 2), f32(1, 2, 5, 3)), attend, 'k and v differ in shape'],
    [heads(f32(1, 4, 5, 2), f32(1, 2, 5, 2), f32(1, 2, 5, 2), i32(5)), attend, 'segments must be i32[1,5]'],
    [heads(f32(4, 5, 2), f32(2, 5, 2), f32(2, 5, 2)), attend, 'q, k and v have rank 4'],
    [heads(f32(1, 1, 0, 2), f32(1, 1, 0, 2), f32(1, 1, 0, 2)), attend, 'no position to attend to'],
  ],
  attentionBackward: [
    [
      [...heads(f32(1, 2, 5, 2), f32(1, 2, 5, 2), f32(1, 2, 5, 2)), f32(1, 2, 5, 2), f32(1, 2, 4, 2)],
      (q, k, v, y, g) => attentionBackward(q, k, v, y, g, { scale: 1, causal: true }),
      "the result and its cotangent have q's shape",
    ],
  ],
  tokenLogProb: [
    [
      [f32(3, 4), f32(7, 5), i32(3)],
      (h, w, y) => tokenLogProb(h, w, y),
      'tokenLogProb(f32[3,4], f32[7,5], i32[3]) in model.part: takes hidden [N,d] and head [V,d]',
    ],
    [[f32(3, 4), f32(7, 4), i32(2)], (h, w, y) => tokenLogProb(h, w, y), 'targets must be i32[3]'],
    [
      [f32(3, 4), f32(7, 4), i32(3)],
      (h, w, y) => tokenLogProb(h, w, y, 0),
      'chunkRows = 0 must be a positive integer',
    ],
    [[f32(3, 4), f32(0, 4), i32(3)], (h, w, y) => tokenLogProb(h, w, y, 1), 'the vocabulary is empty'],
  ],
  tokenLogProbBackward: [
    [
      [f32(3, 4), f32(7, 4), i32(3), f32(4)],
      (h, w, y, g) => tokenLogProbBackward(h, w, y, g, { chunkRows: 1, hidden: true, head: true }),
      'the cotangent must be f32[3]',
    ],
    [
      [f32(3, 4), f32(7, 4), i32(3), f32(3)],
      (h, w, y, g) => tokenLogProbBackward(h, w, y, g, { chunkRows: 1, hidden: false, head: false }),
      'no cotangent is wanted',
    ],
  ],
  tokenStats: [
    [
      [f32(3, 4), f32(7, 4), f32(3)],
      (h, w, y) => tokenStats(h, w, y),
      'tokenStats(f32[3,4], f32[7,4], f32[3]) in model.part: targets must be i32[3]',
    ],
  ],
  conv2d: [
    [
      [f32(1, 2, 5, 5), f32(17, 3), f32(3)],
      convolve,
      'conv2d(f32[1,2,5,5], f32[17,3], f32[3]) in model.part: w has 17 rows, which is no 2·k·k',
    ],
    [[f32(1, 1, 2, 2), f32(9, 3), f32(3)], convolve, 'a 3×3 kernel does not fit'],
    [[f32(1, 1, 4, 4), f32(9, 3), f32(2)], convolve, 'b must be f32[3]'],
  ],
  avgPool: [
    [
      [f32(1, 2, 5, 4)],
      (x) => avgPool(x, 2),
      'avgPool(f32[1,2,5,4]) in model.part: takes [B,C,H,W] with H and W multiples of 2',
    ],
  ],
}

const traceIt = (specs: readonly Spec[], build: Refusal[1]): ShapeError => {
  try {
    trace(
      (x: readonly Tensor[]) =>
        scope('model', () =>
          scope('part', () => {
            build(...x)
            return []
          }),
        ),
      specs as never,
    )
  } catch (error) {
    if (error instanceof ShapeError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe.each(Object.entries(refusals))('%s', (_, list) => {
  it.each(list.map(([specs, build, message]) => [message, specs, build] as const))(
    '%s',
    (message, specs, build) => {
      const error = traceIt(specs, build)
      expect(error.message).toContain(message)
      expect(error.message).toContain(' in model.part: ')
      expect(error.path).toBe('model.part')
      expect(error.operands).toHaveLength(specs.length)
    },
  )
})

it('an op without module path says nothing of one', () => {
  expect(() => trace(({ x }) => neg(x), { x: i32(2) })).toThrow('neg(i32[2]): takes f32')
})
it('casts and stops take any dtype', () => {
  trace(({ x, m }) => [cast(x, 'bool'), cast(m, 'f32'), stopGradient(x)], { x: i32(2), m: bool(2) })
})
