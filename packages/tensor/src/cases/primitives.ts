/**
 * Cases of every primitive: scalars, empty and size-1 axes, odd sizes, broadcasting, negative axes, ties,
 * extremes.
 * A new op without an entry does not compile.
 */
import type { Tensor } from '../graph.ts'
import type { PrimitiveName } from '../ops/attrs.ts'
import { matmul } from '../ops/linear.ts'
import {
  broadcast, concat, pad, reshape, slice, sliceAxis, stack, transpose, transposeLast,
} from '../ops/movement.ts'
import { scatterAdd, take, updateRows } from '../ops/indexing.ts'
import {
  add, and, div, equal, erf, exp, isFinite, less, log, maximum, minimum, mul, neg, not, or, select, sqrt, sub,
  tanh, type Operand,
} from '../ops/pointwise.ts'
import { all, argmax, max, mean, sum, topK } from '../ops/reductions.ts'
import { cast, constant, iota, stopGradient } from '../ops/structure.ts'
import { apart, away, different, given, indices, mask, normal, positive, type Argument } from './argument.ts'
import type { OpCase } from './opcase.ts'

type Args = (...shape: number[]) => Argument

/**
 * f at every shape that has ever broken a kernel, and at the largest and smallest numbers where it has a
 * value.
 */
const unary = (f: (x: Tensor) => Tensor, args: Args, extremes: readonly number[]): OpCase[] => [
  ...[[], [1], [5], [0], [2, 3], [3, 0, 2], [1, 7, 1, 3], [1025]].map(
    (shape): OpCase => ({
      title: `[${shape.join(',')}]`,
      inputs: { x: args(...shape) },
      build: ({ x }) => f(x),
    }),
  ),
  { title: 'extremes', inputs: { x: given(extremes) }, build: ({ x }) => f(x), wrt: [] },
]

const binary = (
  f: (a: Operand, b: Operand) => Tensor,
  left: Args,
  right: Args,
  extremes: [number, number][],
): OpCase[] => [
  { title: 'equal shapes', inputs: { a: left(2, 3), b: right(2, 3) }, build: ({ a, b }) => f(a, b) },
  { title: 'scalars', inputs: { a: left(), b: right() }, build: ({ a, b }) => f(a, b) },
  { title: 'a scalar on the left', inputs: { a: left(), b: right(3, 1) }, build: ({ a, b }) => f(a, b) },
  { title: 'a row on the right', inputs: { a: left(2, 3, 5), b: right(5) }, build: ({ a, b }) => f(a, b) },
  { title: 'both sides repeat', inputs: { a: left(2, 1, 3), b: right(4, 1) }, build: ({ a, b }) => f(a, b) },
  {
    title: 'numbers',
    inputs: { a: left(3), b: right(3) },
    build: ({ a, b }) => ({ right: f(a, 0.75), left: f(1.5, b) }),
  },
  { title: 'empty', inputs: { a: left(2, 0), b: right(1, 1) }, build: ({ a, b }) => f(a, b) },
  { title: 'an operand twice', inputs: { a: away(7) }, build: ({ a }) => f(a, a), smooth: false },
  {
    title: 'extremes',
    inputs: { a: given(extremes.map(([a]) => a)), b: given(extremes.map(([, b]) => b)) },
    build: ({ a, b }) => f(a, b),
    wrt: [],
  },
]

const compare = (f: (a: Operand, b: Operand) => Tensor): OpCase[] => [
  { title: 'f32', inputs: { a: normal(2, 3), b: normal(2, 3) }, build: ({ a, b }) => f(a, b) },
  { title: 'i32', inputs: { a: indices(4, 3, 5), b: indices(4, 5) }, build: ({ a, b }) => f(a, b) },
  {
    title: 'equals',
    inputs: { a: given([1, -0, 3, 1e30, -1e30]), b: given([1, 0, 2, 1e30, 1e30]) },
    build: ({ a, b }) => f(a, b),
  },
  {
    title: 'numbers',
    inputs: { a: normal(4), i: indices(3, 4) },
    build: ({ a, i }) => ({ f: f(a, 0.5), i: f(i, 1), left: f(0, a) }),
  },
  { title: 'empty', inputs: { a: normal(0), b: normal() }, build: ({ a, b }) => f(a, b) },
  { title: 'scalars', inputs: { a: normal(), b: normal() }, build: ({ a, b }) => f(a, b) },
]

const flags = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const
const swap = (shape: number[], turned: boolean): number[] =>
  turned ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape
const product = (title: string, ta: boolean, tb: boolean, a: number[], b: number[]): OpCase => ({
  title: `${title}${ta ? ', aᵀ' : ''}${tb ? ', bᵀ' : ''}`,
  inputs: { a: normal(...swap(a, ta)), b: normal(...swap(b, tb)) },
  build: (x) => matmul(x.a, x.b, ta, tb),
  terms: a.at(-1),
})

export const primitiveCases: { readonly [K in PrimitiveName]: readonly OpCase[] } = {
  input: [
    {
      title: 'passes through',
      inputs: { x: normal(2, 3), i: indices(9, 4), m: mask(3), s: normal() },
      build: (x) => x,
    },
    { title: 'twice an output', inputs: { x: normal(2) }, build: ({ x }) => ({ first: x, second: x }) },
    { title: 'unused', inputs: { x: normal(2), y: normal(3) }, build: ({ x }) => neg(x) },
  ],
  constant: [
    {
      title: 'every dtype',
      inputs: {},
      build: () => ({
        scalar: constant(Math.PI),
        row: constant([0.1, -2, 1e30]),
        table: constant([1, 2, 3, 4, 5, 6], [2, 3]),
        i32: constant([1, -2, 2 ** 31 - 1], [3], 'i32'),
        bool: constant([1, 0], [2], 'bool'),
        empty: constant([], [2, 0]),
      }),
    },
    {
      title: 'beside an input',
      inputs: { x: normal(2, 3) },
      build: ({ x }) => add(x, constant([0.1, 0.2, 0.3])),
    },
  ],
  iota: [
    {
      title: 'axes',
      inputs: {},
      build: () => ({
        row: iota([3], 0),
        rows: iota([2, 3], 0),
        columns: iota([2, 3], 1),
        last: iota([2, 1, 4], -1),
        first: iota([3, 2], -2),
        empty: iota([0, 2], 0),
      }),
    },
  ],
  stopGradient: [
    {
      title: 'one of two factors',
      inputs: { x: normal(3) },
      build: ({ x }) => mul(x, stopGradient(x)),
      smooth: false,
    },
    { title: 'alone', inputs: { x: normal(2, 2) }, build: ({ x }) => stopGradient(x), smooth: false },
  ],
  cast: [
    {
      title: 'f32 to i32 truncates',
      inputs: { x: given([-2.9, -0.5, 0, 0.5, 1.999, 7, 1e6]) },
      build: ({ x }) => cast(x, 'i32'),
    },
    { title: 'f32 to bool', inputs: { x: given([0, -0, 0.25, -3]) }, build: ({ x }) => cast(x, 'bool') },
    {
      title: 'i32 to f32',
      inputs: { i: given([-5, 0, 16777216], [3], 'i32') },
      build: ({ i }) => cast(i, 'f32'),
    },
    { title: 'i32 to bool', inputs: { i: given([-1, 0, 2], [3], 'i32') }, build: ({ i }) => cast(i, 'bool') },
    {
      title: 'bool to f32 and i32',
      inputs: { m: mask(2, 3) },
      build: ({ m }) => ({ f: cast(m, 'f32'), i: cast(m, 'i32') }),
    },
    {
      title: 'a mask as a factor',
      inputs: { m: mask(4), x: normal(4) },
      build: ({ m, x }) => mul(cast(m, 'f32'), x),
    },
  ],
  neg: unary(neg, normal, [1e30, -1e30, 1e-30]),
  exp: unary(exp, normal, [-1e30, -100, -87, 0, 1e-8, 88]),
  log: unary(log, positive, [1e-30, 1e-10, 0.999999, 1, 1.000001, 1e30]),
  sqrt: unary(sqrt, positive, [0, 1e-30, 1, 1e30]),
  tanh: unary(tanh, normal, [-1e30, -20, -1e-4, -1e-20, 0, 1e-20, 1e-4, 20, 1e30]),
  erf: unary(erf, normal, [-1e30, -4, -1e-4, -1e-20, 0, 1e-20, 1e-4, 0.5, 4, 1e30]),
  isFinite: [
    {
      title: 'NaN, infinities and the largest and smallest numbers',
      inputs: { x: given([0, -0, 1, 1e30, -3.4028234e38, 1e-45, NaN, Infinity, -Infinity]) },
      build: ({ x }) => ({
        each: isFinite(x),
        all: all(isFinite(x)),
        some: all(isFinite(slice(x, [0], [6]))),
      }),
    },
    {
      title: 'empty',
      inputs: { x: normal(0, 3) },
      build: ({ x }) => ({ each: isFinite(x), all: all(isFinite(x)) }),
    },
  ],
  add: binary(add, normal, normal, [
    [1e30, 1],
    [1e30, -1e30],
    [-1e30, 1e-30],
    [1e-30, 1e-30],
  ]),
  sub: binary(sub, normal, normal, [
    [1e30, 1],
    [1e30, 1e30],
    [1e-30, 1e30],
    [1.0000001, 1],
  ]),
  mul: binary(mul, normal, normal, [
    [1e30, 1e-30],
    [1e30, 1e7],
    [-1e30, 0],
    [1e-15, 1e-15],
  ]),
  div: binary(div, normal, away, [
    [1e30, 1e30],
    [1, 1e30],
    [1e-30, 1e-30],
    [0, -1e30],
  ]),
  maximum: [
    ...binary(maximum, apart, apart, [
      [1e30, -1e30],
      [0, 1e-30],
      [-1e30, -1e30],
    ]).map((c) => ({ ...c, smooth: c.title === 'scalars' })),
    {
      title: 'a tie goes to the left',
      inputs: { a: given([1, 2, -3]), b: given([1, 1, -3]) },
      build: ({ a, b }) => maximum(a, b),
      smooth: false,
    },
    {
      title: 'minimum and a clamp',
      inputs: { a: apart(9) },
      build: ({ a }) => maximum(minimum(a, 0.55), -0.55),
    },
  ],
  less: compare(less),
  equal: [
    ...compare(equal),
    {
      title: 'bool',
      inputs: { a: mask(5), b: mask(5) },
      build: ({ a, b }) => ({ same: equal(a, b), and: and(a, b), or: or(a, b), not: not(a) }),
    },
  ],
  select: [
    {
      title: 'f32',
      inputs: { c: mask(2, 3), a: normal(2, 3), b: normal(2, 3) },
      build: ({ c, a, b }) => select(c, a, b),
    },
    {
      title: 'everything repeats',
      inputs: { c: mask(2, 1), a: normal(3), b: normal(2, 1, 1) },
      build: ({ c, a, b }) => select(c, a, b),
    },
    {
      title: 'numbers',
      inputs: { c: mask(4), a: normal(4) },
      build: ({ c, a }) => ({ a: select(c, a, -1e30), b: select(c, 0, a), n: select(c, 1, 0) }),
    },
    {
      title: 'i32',
      inputs: { c: mask(4), a: indices(9, 4), b: indices(9, 4) },
      build: ({ c, a, b }) => select(c, a, b),
    },
    {
      title: 'bool',
      inputs: { c: mask(4), a: mask(4), b: mask(4) },
      build: ({ c, a, b }) => select(c, a, b),
    },
    {
      title: 'what is not chosen does not matter',
      inputs: { c: given([1, 0], [2], 'bool'), a: given([1, NaN]), b: given([NaN, 2]) },
      build: ({ c, a, b }) => select(c, a, b),
      wrt: [],
    },
    {
      title: 'empty',
      inputs: { c: mask(0), a: normal(0), b: normal() },
      build: ({ c, a, b }) => select(c, a, b),
    },
  ],
  sum: [
    { title: 'all', inputs: { x: normal(2, 3, 4) }, build: ({ x }) => sum(x), terms: 24 },
    {
      title: 'one axis',
      inputs: { x: normal(2, 3, 4) },
      build: ({ x }) => ({ a: sum(x, 0), b: sum(x, 1), c: sum(x, -1) }),
      terms: 4,
    },
    {
      title: 'axes kept',
      inputs: { x: normal(2, 3, 4) },
      build: ({ x }) => ({ a: sum(x, [0, 2], true), b: sum(x, [-2], true) }),
      terms: 8,
    },
    {
      title: 'axes out of order',
      inputs: { x: normal(2, 3, 4, 5) },
      build: ({ x }) => sum(x, [3, 1]),
      terms: 15,
    },
    {
      title: 'size-1 axis',
      inputs: { x: normal(3, 1) },
      build: ({ x }) => ({ a: sum(x, 1), b: sum(x, 0, true) }),
      terms: 3,
    },
    {
      title: 'over nothing is 0',
      inputs: { x: normal(2, 0, 3) },
      build: ({ x }) => ({ a: sum(x, 1), b: sum(x), c: sum(x, 0) }),
    },
    { title: 'long', inputs: { x: normal(3, 100_003) }, build: ({ x }) => sum(x, 1), terms: 100_003 },
    { title: 'a mean', inputs: { x: normal(5, 7) }, build: ({ x }) => mean(x, 0), terms: 5 },
    {
      title: 'large terms',
      inputs: { x: given([1e30, 1e29, -1e30, 3e28]) },
      build: ({ x }) => sum(x),
      wrt: [],
      terms: 100,
    },
  ],
  max: [
    { title: 'all', inputs: { x: apart(2, 3) }, build: ({ x }) => max(x) },
    {
      title: 'one axis',
      inputs: { x: apart(2, 3, 4) },
      build: ({ x }) => ({ a: max(x, 0), b: max(x, 1), c: max(x, -1) }),
    },
    { title: 'axes kept', inputs: { x: apart(2, 3, 4) }, build: ({ x }) => max(x, [0, -1], true) },
    { title: 'size-1 axis', inputs: { x: apart(4, 1) }, build: ({ x }) => max(x, 1) },
    {
      title: 'ties share',
      inputs: { x: given([1, 3, 3, 2, 2, 2, -1, -1], [2, 4]) },
      build: ({ x }) => max(x, 1),
      smooth: false,
    },
    { title: 'no rows', inputs: { x: apart(0, 3) }, build: ({ x }) => max(x, 1) },
    {
      title: 'extremes',
      inputs: { x: given([-1e30, -2e30, -3e38, 1e30, -1e30, 0], [2, 3]) },
      build: ({ x }) => max(x, 1),
      wrt: [],
    },
    { title: 'long', inputs: { x: apart(2, 5003) }, build: ({ x }) => max(x, 1) },
  ],
  argmax: [
    {
      title: 'axes',
      inputs: { x: apart(2, 3, 4) },
      build: ({ x }) => ({ a: argmax(x, 0), b: argmax(x, 1), c: argmax(x) }),
    },
    {
      title: 'the first of equals',
      inputs: { x: given([1, 3, 3, -1e30, -1e30, -1e30], [2, 3]) },
      build: ({ x }) => argmax(x),
    },
    { title: 'a single row', inputs: { x: apart(7) }, build: ({ x }) => argmax(x) },
    { title: 'no rows', inputs: { x: apart(0, 3) }, build: ({ x }) => argmax(x) },
    { title: 'long', inputs: { x: apart(2, 5003) }, build: ({ x }) => argmax(x) },
  ],
  topK: [
    ...[1, 3, 5].map(
      (k): OpCase => ({ title: `k = ${k}`, inputs: { x: apart(2, 3, 5) }, build: ({ x }) => topK(x, k) }),
    ),
    {
      title: 'of equals the lower index first',
      inputs: { x: given([2, 5, 5, 1, 5, 0, 0, 0, 0, 0], [2, 5]) },
      build: ({ x }) => topK(x, 3),
      smooth: false,
    },
    { title: 'none of them', inputs: { x: apart(3) }, build: ({ x }) => topK(x, 0) },
    { title: 'a single row', inputs: { x: apart(9) }, build: ({ x }) => topK(x, 4) },
    { title: 'no rows', inputs: { x: apart(0, 3) }, build: ({ x }) => topK(x, 2) },
  ],
  matmul: [
    ...flags.map(([ta, tb]) => product('rank 2', ta, tb, [3, 5], [5, 7])),
    ...flags.map(([ta, tb]) => product('a batch', ta, tb, [2, 3, 5], [2, 5, 4])),
    ...flags.map(([ta, tb]) => product('batches of batches', ta, tb, [2, 3, 1, 5], [2, 3, 5, 2])),
    ...[false, true].map((tb) => product('a shared right', false, tb, [2, 3, 4, 5], [5, 7])),
    ...flags.map(([ta, tb]) => product('nothing to add up', ta, tb, [2, 0], [0, 3])),
    product('nothing to add up, shared', false, false, [2, 3, 0], [0, 4]),
    product('no rows', false, false, [0, 3], [3, 2]),
    product('no batch', false, true, [0, 2, 3], [0, 3, 2]),
    product('vectors', false, false, [1, 9], [9, 1]),
    product('an outer product', false, false, [9, 1], [1, 5]),
    product('long', false, true, [2, 2051], [2051, 3]),
    product('larger than a tile', true, false, [67, 33], [33, 65]),
    {
      title: 'large and small',
      inputs: { a: given([1e15, 1e-15, -1e15, 1], [2, 2]), b: given([1e15, 0, 1e-15, 1], [2, 2]) },
      build: ({ a, b }) => matmul(a, b),
      wrt: [],
      terms: 2,
    },
  ],
  reshape: [
    {
      title: 'another rank',
      inputs: { x: normal(2, 3, 4) },
      build: ({ x }) => ({ a: reshape(x, [6, 4]), b: reshape(x, [-1]), c: reshape(x, [4, -1, 1]) }),
    },
    {
      title: 'to and from a scalar',
      inputs: { x: normal(1, 1), s: normal() },
      build: ({ x, s }) => ({ x: reshape(x, []), s: reshape(s, [1, 1]) }),
    },
    { title: 'empty', inputs: { x: normal(2, 0) }, build: ({ x }) => reshape(x, [0, 5]) },
    {
      title: 'i32 and bool',
      inputs: { i: indices(9, 6), m: mask(6) },
      build: ({ i, m }) => ({ i: reshape(i, [2, 3]), m: reshape(m, [3, 2]) }),
    },
  ],
  transpose: [
    { title: 'rank 2', inputs: { x: normal(2, 3) }, build: ({ x }) => transpose(x, [1, 0]) },
    { title: 'no involution', inputs: { x: normal(2, 3, 4) }, build: ({ x }) => transpose(x, [1, 2, 0]) },
    {
      title: 'heads',
      inputs: { x: normal(2, 3, 4, 5) },
      build: ({ x }) => ({ a: transpose(x, [0, 2, 1, 3]), b: transposeLast(x) }),
    },
    {
      title: 'i32, bool and empty',
      inputs: { i: indices(9, 2, 3), m: mask(1, 3), e: normal(0, 3) },
      build: ({ i, m, e }) => [i, m, e].map((x) => transpose(x, [1, 0])),
    },
  ],
  broadcast: [
    { title: 'new axes', inputs: { x: normal(3) }, build: ({ x }) => broadcast(x, [2, 1, 3]) },
    {
      title: 'a scalar',
      inputs: { x: normal() },
      build: ({ x }) => ({ a: broadcast(x, [2, 3]), b: broadcast(x, [1]) }),
    },
    { title: 'size-1 axes', inputs: { x: normal(2, 1, 3, 1) }, build: ({ x }) => broadcast(x, [2, 4, 3, 5]) },
    { title: 'to nothing', inputs: { x: normal(1, 3) }, build: ({ x }) => broadcast(x, [0, 3]) },
    {
      title: 'i32 and bool',
      inputs: { i: indices(9, 3), m: mask(1) },
      build: ({ i, m }) => ({ i: broadcast(i, [2, 3]), m: broadcast(m, [4]) }),
    },
  ],
  slice: [
    { title: 'a block', inputs: { x: normal(4, 5, 3) }, build: ({ x }) => slice(x, [1, 0, 2], [3, 5, 3]) },
    {
      title: 'one axis',
      inputs: { x: normal(4, 5) },
      build: ({ x }) => ({ a: sliceAxis(x, 0, 3, 4), b: sliceAxis(x, -1, 1, 4) }),
    },
    { title: 'nothing', inputs: { x: normal(4, 2) }, build: ({ x }) => slice(x, [2, 0], [2, 2]) },
    {
      title: 'i32 and bool',
      inputs: { i: indices(9, 4), m: mask(4) },
      build: ({ i, m }) => ({ i: slice(i, [1], [3]), m: slice(m, [2], [4]) }),
    },
  ],
  pad: [
    { title: 'both ends', inputs: { x: normal(2, 3) }, build: ({ x }) => pad(x, [1, 0], [2, 1]) },
    { title: 'nothing with zeros', inputs: { x: normal(0, 2) }, build: ({ x }) => pad(x, [1, 0], [1, 1]) },
    {
      title: 'i32 and bool',
      inputs: { i: indices(9, 2), m: mask(2) },
      build: ({ i, m }) => ({ i: pad(i, [1], [1]), m: pad(m, [0], [2]) }),
    },
  ],
  concat: [
    {
      title: 'rows',
      inputs: { a: normal(1, 3), b: normal(2, 3), c: normal(1, 3) },
      build: ({ a, b, c }) => concat([a, b, c], 0),
    },
    {
      title: 'the last axis',
      inputs: { a: normal(2, 1, 3), b: normal(2, 1, 2) },
      build: ({ a, b }) => concat([a, b], -1),
    },
    {
      title: 'an empty part',
      inputs: { a: normal(2, 0), b: normal(2, 3) },
      build: ({ a, b }) => concat([a, b], 1),
    },
    {
      title: 'itself',
      inputs: { a: normal(2) },
      build: ({ a }) => ({ a: concat([a, a], 0), b: stack([a, a, a]) }),
    },
    {
      title: 'i32 and bool',
      inputs: { i: indices(9, 2), m: mask(2) },
      build: ({ i, m }) => ({ i: concat([i, i], 0), m: concat([m, m], 0) }),
    },
  ],
  take: [
    { title: 'rows', inputs: { t: normal(5, 3), i: indices(5, 4) }, build: ({ t, i }) => take(t, i) },
    {
      title: 'a matrix of rows',
      inputs: { t: normal(5, 2, 3), i: indices(5, 2, 4) },
      build: ({ t, i }) => take(t, i),
    },
    {
      title: 'repeats',
      inputs: { t: normal(3, 2), i: given([1, 1, 1, 0], [4], 'i32') },
      build: ({ t, i }) => take(t, i),
    },
    { title: 'one', inputs: { t: normal(4), i: indices(4) }, build: ({ t, i }) => take(t, i) },
    { title: 'none', inputs: { t: normal(4, 2), i: indices(4, 0) }, build: ({ t, i }) => take(t, i) },
    {
      title: 'i32 and bool',
      inputs: { t: indices(9, 4, 2), m: mask(4), i: indices(4, 3) },
      build: ({ t, m, i }) => ({ t: take(t, i), m: take(m, i) }),
    },
  ],
  scatterAdd: [
    {
      title: 'rows',
      inputs: { i: different(5, 3), u: normal(3, 2) },
      build: ({ i, u }) => scatterAdd(i, u, 5),
    },
    {
      title: 'repeats add up',
      inputs: { i: given([1, 1, 1, 0], [4], 'i32'), u: normal(4, 3) },
      build: ({ i, u }) => scatterAdd(i, u, 3),
      terms: 3,
    },
    {
      title: 'a matrix of rows',
      inputs: { i: indices(4, 2, 3), u: normal(2, 3, 2) },
      build: ({ i, u }) => scatterAdd(i, u, 4),
      terms: 6,
    },
    {
      title: 'numbers',
      inputs: { i: indices(4, 9), u: normal(9) },
      build: ({ i, u }) => scatterAdd(i, u, 4),
      terms: 9,
    },
    { title: 'one', inputs: { i: indices(4), u: normal(2) }, build: ({ i, u }) => scatterAdd(i, u, 4) },
    {
      title: 'none',
      inputs: { i: indices(4, 0), u: normal(0, 2) },
      build: ({ i, u }) => scatterAdd(i, u, 4),
    },
    {
      title: 'many to one',
      inputs: { i: indices(2, 3001), u: normal(3001, 5) },
      build: ({ i, u }) => scatterAdd(i, u, 2),
      terms: 3001,
    },
  ],
  updateRows: [
    {
      title: 'rows',
      inputs: { x: normal(5, 3), i: different(5, 2), u: normal(2, 3) },
      build: ({ x, i, u }) => updateRows(x, i, u),
    },
    {
      title: 'a cache',
      inputs: { x: normal(4, 2, 3), i: different(4, 1), u: normal(1, 2, 3) },
      build: ({ x, i, u }) => updateRows(x, i, u),
    },
    {
      title: 'all',
      inputs: { x: normal(3), i: different(3, 3), u: normal(3) },
      build: ({ x, i, u }) => updateRows(x, i, u),
    },
    {
      title: 'none',
      inputs: { x: normal(3, 2), i: different(3, 0), u: normal(0, 2) },
      build: ({ x, i, u }) => updateRows(x, i, u),
    },
    {
      title: 'i32',
      inputs: { x: indices(9, 4), i: different(4, 2), u: indices(9, 2) },
      build: ({ x, i, u }) => updateRows(x, i, u),
    },
  ],
}
