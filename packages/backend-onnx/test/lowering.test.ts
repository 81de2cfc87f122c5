/**
 * What the lowering does beyond op by op: values held smaller than they are, values without elements, rows scattered
 * into a sum, numbers that are no numbers. Every op by itself is in the conformance suite.
 */
import {
  add,
  addAlong,
  argmax,
  bool,
  broadcast,
  call,
  cast,
  concat,
  constant,
  equal,
  f32,
  gelu,
  i32,
  iota,
  isFinite,
  less,
  logSumExp,
  matmul,
  max,
  maximum,
  mul,
  neg,
  pad,
  reshape,
  rmsNorm,
  rope,
  scatterAdd,
  softplus,
  tanh,
  select,
  sigmoid,
  slice,
  softmax,
  sum,
  take,
  takeAlong,
  tokenStats,
  trace,
  transpose,
  updateRows,
  attention,
  conv2d,
  hostTensor,
  zeros,
  type Backend,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onnxBackend } from '../src/index.ts'
import { dialectOf } from '../src/lower/dialect.ts'
import { lower, prepared } from '../src/lower/program.ts'
import { gradient } from './block.ts'
import { expectLikeReference } from './compare.ts'
import { inputsOf } from './random.ts'

type Case = [what: string, specs: Spec[], f: (...x: Tensor[]) => Tree<Tensor>]

const held: Case[] = [
  ['a sum over repeated and real axes', [f32(3, 1)], (x) => sum(broadcast(x, [4, 3, 2]), [0, 1], true)],
  ['a sum over axes that are all repeated', [f32(1, 3)], (x) => sum(broadcast(x, [5, 4, 3]), [0, 1])],
  ['a sum over everything', [f32()], (x) => sum(broadcast(x, [4, 3]))],
  ['a sum that keeps an axis of one', [f32(3)], (x) => sum(broadcast(x, [5, 1, 3]), [0])],
  ['a sum of as many terms as have no divisor', [f32(2, 10_007)], (x) => sum(x, 1, true)],
  ['a sum over two axes, one of them long', [f32(3, 8192, 2)], (x) => sum(mul(x, x), [0, 1])],
  ['a maximum', [f32(3, 1)], (x) => max(broadcast(x, [4, 3, 2]), [1, 2])],
  ['an argmax', [f32(3)], (x) => argmax(broadcast(x, [4, 3]), 1)],
  [
    'pointwise ops of small operands',
    [f32(3, 1), f32()],
    (a, b) => mul(broadcast(a, [3, 4]), neg(broadcast(b, [3, 4]))),
  ],
  ['operands that only together have the shape', [f32(3, 1), f32(4)], (a, b) => add(mul(a, 2), b)],
  [
    'a composite',
    [f32(3, 1)],
    (x) => ({ g: gelu(broadcast(x, [2, 3, 4]), 'erf'), s: softmax(broadcast(x, [3, 4])) }),
  ],
  [
    'a product with repeated batches',
    [f32(2, 4), f32(3, 1, 5)],
    (a, b) => matmul(broadcast(a, [3, 2, 4]), broadcast(b, [3, 4, 5])),
  ],
  ['a product of a repeated number', [f32(), f32(4, 2)], (a, b) => matmul(broadcast(a, [2, 4]), b)],
  ['a transposed one', [f32(2, 1)], (x) => transpose(broadcast(x, [4, 2, 3]), [2, 0, 1])],
  ['a reshaped one', [f32(3)], (x) => reshape(broadcast(x, [4, 3]), [2, 6])],
  ['one reshaped by ones alone', [f32(3)], (x) => reshape(broadcast(x, [1, 1, 3]), [3, 1])],
  ['a sliced one', [f32(3, 1)], (x) => slice(broadcast(x, [4, 3, 2]), [1, 1, 0], [3, 2, 1])],
  ['a sliced number', [f32()], (x) => slice(broadcast(x, [4, 3]), [1, 1], [2, 2])],
  ['a padded one', [f32()], (x) => pad(broadcast(x, [2, 3]), [0, 1], [1, 0])],
  ['joined ones', [f32(), f32(3)], (a, b) => concat([broadcast(a, [2]), b], 0)],
  ['rows of one', [f32(2), i32(4)], (t, i) => take(broadcast(t, [3, 2]), i)],
  ['an entry of one', [f32(3), i32(4)], (x, i) => takeAlong(broadcast(x, [4, 3]), i)],
  ['a weight', [f32(2, 4), f32()], (x, g) => rmsNorm(x, broadcast(g, [4]), 1e-6)],
  ['shared rotary tables', [f32(2, 3, 5, 8), f32(1, 5, 2)], (x, c) => rope(x, c, c)],
  [
    'counting along one axis',
    [f32(2, 3)],
    (x) => ({ n: iota([2, 3, 4], 1), y: mul(cast(iota([2, 3], 1), 'f32'), x) }),
  ],
  ['a condition', [bool(3), f32(2, 1), f32()], (c, a, b) => select(c, a, b)],
  ['an output, and its source', [f32(2)], (x) => ({ wide: broadcast(x, [3, 2]), x, again: x })],
]

const empty: Case[] = [
  ['a sum over no elements is 0', [f32(0, 3)], (x) => ({ rows: sum(x, 0), all: sum(x), none: sum(x, 1) })],
  ['a product over no elements is 0', [f32(2, 0), f32(0, 3)], (a, b) => matmul(a, b)],
  ['a product of no rows', [f32(0, 2), f32(2, 3)], (a, b) => matmul(a, b)],
  ['padding nothing', [f32(0, 2)], (x) => pad(x, [1, 0], [1, 0])],
  ['joining nothing to something', [f32(0, 3), f32(2, 3)], (a, b) => concat([a, b, a], 0)],
  [
    'adding and setting no rows',
    [i32(0), f32(0, 2), f32(3, 2)],
    (i, u, x) => ({ a: scatterAdd(i, u, 3), b: updateRows(x, i, u) }),
  ],
  ['passing an empty input through', [i32(0), f32(2, 0)], (a, b) => ({ a, b })],
  ['the statistics of no tokens', [f32(0, 4), f32(3, 4), i32(0)], (h, w, y) => ({ ...tokenStats(h, w, y) })],
  ['composites of nothing', [f32(0, 3)], (x) => ({ s: softmax(x), g: sigmoid(x), n: isFinite(x) })],
]

const scattered: Case[] = [
  ['to zeros, with repeats', [i32(40), f32(40, 3)], (i, u) => scatterAdd(i, u, 3)],
  ['single numbers', [i32(9), f32(9)], (i, u) => scatterAdd(i, u, 4)],
  ['blocks, by a matrix of indices', [i32(2, 3), f32(2, 3, 2, 2)], (i, u) => scatterAdd(i, u, 3)],
  [
    'into the other operand of a sum',
    [i32(40), f32(40, 2), f32(3, 2)],
    (i, u, z) => add(z, scatterAdd(i, u, 3)),
  ],
  ['into an operand that is repeated', [i32(4), f32(4, 2), f32(2)], (i, u, z) => add(scatterAdd(i, u, 3), z)],
  ['twice', [i32(4), f32(4, 2)], (i, u) => add(scatterAdd(i, u, 3), scatterAdd(i, neg(u), 3))],
  [
    'and read once more beside the sum',
    [i32(4), f32(4, 2), f32(3, 2)],
    (i, u, z) => {
      const rows = scatterAdd(i, u, 3)
      return { sum: add(rows, z), rows }
    },
  ],
  ['along the last axis, to zeros', [i32(4), f32(4)], (i, u) => addAlong(zeros([4, 3]), i, u)],
  ['as the gradient of a head: a tall product', [f32(3, 64), f32(3, 2)], (a, b) => matmul(a, b, true)],
  ['as many tall products', [f32(2, 3, 64), f32(2, 3, 2)], (a, b) => matmul(a, b, true)],
]

const special: Case[] = [
  [
    'masks: and, or, not, choice',
    [bool(16), bool(16), bool(16)],
    (a, b, c) => ({
      and: select(a, b, constant(0, [], 'bool')),
      or: select(a, constant(1, [], 'bool'), b),
      not: equal(a, constant(0, [], 'bool')),
      choice: select(a, b, c),
      less: less(a, b),
      same: equal(a, b),
    }),
  ],
  [
    'attention within segments that is not causal',
    [f32(2, 6, 7, 4), f32(2, 2, 7, 4), i32(2, 7)],
    (q, k, segments) => attention(q, k, k, { scale: 0.5, causal: false, segments }),
  ],
  [
    'statistics of a vocabulary of one',
    [f32(3, 2), f32(1, 2)],
    (h, w) => ({ ...tokenStats(h, w, constant([0, 0, 0], [3], 'i32')) }),
  ],
  [
    'statistics in chunks that do not divide the rows',
    [f32(7, 4), f32(11, 4), i32(7)],
    (h, w, y) => ({ ...tokenStats(h, w, y, 3) }),
  ],
  ['a convolution', [f32(2, 1, 6, 5), f32(25, 3), f32(3)], (x, w, b) => conv2d(x, w, b, 2)],
]

describe.each(['basic', 'all'] as const)(
  'the lowering gives what the f64 reference gives (optimization %s):',
  (optimization) => {
    let backend: Backend
    beforeAll(async () => {
      backend = await onnxBackend({ optimization, spin: false })
    })
    afterAll(() => backend.dispose())
    const like = async (specs: Spec[], f: Case[2]): Promise<void> => {
      const program = trace((x) => f(...x), specs)
      await expectLikeReference(backend, program, inputsOf(program, 7, 1))
    }

    describe('of values held small,', () => {
      it.each(held)('%s', (_, specs, f) => like(specs, f))
    })
    describe('of values without elements,', () => {
      it.each(empty)('%s', (_, specs, f) => like(specs, f))
    })
    describe('of rows that are added', () => {
      it.each(scattered)('%s', (_, specs, f) => like(specs, f))
    })
    describe('of', () => {
      it.each(special)('%s', (_, specs, f) => like(specs, f))
    })

    it('NaN is never stepped over: maximum, max, softmax, logSumExp, statistics', async () => {
      const program = trace(
        ({ x }) => ({
          rows: max(x, 1),
          both: maximum(x, 0),
          other: maximum(0, x),
          softmax: softmax(x),
          lse: logSumExp(x),
          finite: isFinite(x),
        }),
        { x: f32(3, 40) },
      )
      const x = hostTensor(
        Array.from({ length: 120 }, (_, i) => (i === 57 ? NaN : i === 90 ? -Infinity : -i / 10)),
        [3, 40],
      )
      await expectLikeReference(backend, program, { x })
    })
  },
)

describe('the graph', () => {
  const nodes = (program: Program): string[] => lower(prepared(program)).graph.nodes.map((n) => n.op)

  it('has no Expand for a broadcast that only pointwise ops read', () => {
    expect(nodes(trace(({ x, b }) => add(mul(x, b), 1), { x: f32(4, 5), b: f32(5) }))).toEqual(['Mul', 'Add'])
  })

  it('has one segment mask for all layers', () => {
    const layer = trace(({ q, s }) => attention(q, q, q, { scale: 1, causal: true, segments: s }), {
      q: f32(1, 2, 3, 4),
      s: i32(1, 3),
    })
    const twice = trace(({ q, s }) => call(layer, { q: call(layer, { q, s }) as Tensor, s }), {
      q: f32(1, 2, 3, 4),
      s: i32(1, 3),
    })
    expect(nodes(twice).filter((op) => op === 'Where' || op === 'Attention')).toEqual([
      'Where',
      'Attention',
      'Attention',
    ])
  })

  it('stores no constant that is one number repeated', () => {
    const { graph } = lower(
      prepared(trace(({ i, u }) => addAlong(zeros([1000, 50]), i, u), { i: i32(1000), u: f32(1000) })),
    )
    expect(graph.initializers.reduce((n, t) => n + t.data.length, 0)).toBeLessThan(200)
  })

  it('is another where a provider has other kernels: series near 0, columns of what it cannot bind at once', () => {
    const on = (provider: 'cpu' | 'webgpu', program: Program): string[] => {
      const dialect = dialectOf(provider)
      return lower(prepared(program, dialect), { dialect }).graph.nodes.map((n) => n.op)
    }
    const smooth = trace(({ x }) => ({ a: softplus(x), b: tanh(x) }), { x: f32(3) })
    expect(on('cpu', smooth)).toEqual(['Softplus', 'Tanh'])
    expect(on('webgpu', smooth)).not.toContain('Softplus')
    expect(on('webgpu', smooth).filter((op) => op === 'Where').length).toBeGreaterThanOrEqual(1)
    const large = trace(({ i, u }) => scatterAdd(i, u, 50_000), { i: i32(3), u: f32(3, 700) })
    const scatters = (ops: string[]) => ops.filter((op) => op === 'ScatterElements').length
    expect([on('cpu', large), on('webgpu', large)].map(scatters)).toEqual([1, 2])
  })

  it('says that nodes are recomputed only where they are', () => {
    expect([false, true].map((c) => lower(prepared(gradient(c))).recomputes)).toEqual([false, true])
  })
})
