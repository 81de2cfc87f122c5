/** What single ops mean, against numbers and loops that were written by hand. */
import { describe, expect, it } from 'vitest'
import { draw, gaussian, indices, normal, randomFrom } from '../cases/index.ts'
import {
  add, all, and, argmax, broadcast, cast, concat, constant, div, equal, f32, grad, hostTensor, i32, iota,
  less, matmul, max, mean, maximum, minimum, mul, not, or, pad, reshape, scatterAdd, select, slice, sqrt,
  stack, sub, sum, take, topK, trace, transpose, transposeLast, updateRows, zeros, type HostTensor,
  type Tensor, type Tree,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const t = (shape: number[], ...values: number[]): HostTensor => hostTensor(values, shape)
const ints = (...values: number[]): HostTensor => hostTensor(values, [values.length], 'i32')
/** Evaluates f on host tensors and gives plain numbers. */
function values(f: (...x: Tensor[]) => Tensor, ...inputs: HostTensor[]): number[] {
  const program = trace((x: readonly Tensor[]) => f(...x), inputs as never)
  return Array.from((evaluate(program, inputs as Tree<HostTensor>) as HostTensor).data)
}
const slope = (f: (x: Tensor) => Tensor, x: HostTensor): number[] => {
  const gradient = grad(
    trace(({ x }) => sum(f(x)), { x }),
    { wrt: 'x' },
  )
  return Array.from((evaluate(gradient, { x }) as { grads: { x: HostTensor } }).grads.x.data)
}

describe('pointwise', () => {
  it('repeats size-1 and missing axes from the right', () => {
    expect(values(add, t([2, 1], 1, 2), t([3], 10, 20, 30))).toEqual([11, 21, 31, 12, 22, 32])
    expect(values((a) => sub(1, a), t([2], 1, 3))).toEqual([0, -2])
    expect(values((a) => div(a, 4), t([], 2))).toEqual([0.5])
  })
  it('takes numbers as the dtype of the tensor beside them', () => {
    expect(values((i) => less(i, 2), ints(1, 2, 3))).toEqual([1, 0, 0])
    expect(values((i) => select(equal(i, 2), 7, i), ints(1, 2, 3))).toEqual([1, 7, 3])
  })
  it('min and max keep NaN, and prefer nothing at a tie but the left derivative', () => {
    expect(values(maximum, t([3], 1, NaN, 5), t([3], 2, 0, NaN))).toEqual([2, NaN, NaN])
    expect(values((a) => minimum(a, 2), t([3], 1, 2, 3))).toEqual([1, 2, 2])
    expect(slope((x) => maximum(x, 0), t([3], -1, 0, 2))).toEqual([0, 1, 1])
    expect(slope((x) => maximum(0, x), t([3], -1, 0, 2))).toEqual([0, 0, 1])
    expect(slope((x) => minimum(x, 0), t([3], -1, 0, 2))).toEqual([1, 1, -0])
  })
  it('refuses a fraction beside integers, which it would have to round', () => {
    expect(() => values((i) => less(i, 2.5), ints(1))).toThrow(
      'less(i32[1]): the number 2.5 beside i32 is no whole number',
    )
  })
  it('combines masks', () => {
    const [a, b] = [hostTensor([0, 0, 1, 1], [4], 'bool'), hostTensor([0, 1, 0, 1], [4], 'bool')]
    expect(values(and, a, b)).toEqual([0, 0, 0, 1])
    expect(values(or, a, b)).toEqual([0, 1, 1, 1])
    expect(values(not, a)).toEqual([1, 1, 0, 0])
    expect([values(all, a), values((m) => all(or(m, not(m))), a)]).toEqual([[0], [1]])
  })
  it('has an infinite slope for √ at 0', () => {
    expect(slope(sqrt, t([1], 0))).toEqual([Infinity])
  })
})

describe('casts', () => {
  it('truncate towards 0, and ask masks whether anything is there', () => {
    expect(values((x) => cast(x, 'i32'), t([4], -1.9, -0.1, 0.9, 2.5))).toEqual([-1, 0, 0, 2])
    expect(values((x) => cast(x, 'bool'), t([3], 0, -0, 0.1))).toEqual([0, 0, 1])
  })
})

describe('reductions', () => {
  const x = t([2, 3], 1, 5, 5, -7, -2, -9)
  it('count negative axes from the end', () => {
    expect(values((v) => sum(v, -1), x)).toEqual([11, -18])
    expect(values((v) => sum(v, -2), x)).toEqual([-6, 3, -4])
    expect(values((v) => mean(v), x)).toEqual([-7 * (1 / 6)])
    expect(values((v) => max(v, [0, 1]), x)).toEqual([5])
  })
  it('do nothing over no axes', () => {
    expect(values((v) => sum(v, []), x)).toEqual([1, 5, 5, -7, -2, -9])
    expect(values((v) => sum(v), t([], 3))).toEqual([3])
  })
  it('a sum over nothing is 0', () => {
    expect(values((v) => sum(v, 0), t([0, 2]))).toEqual([0, 0])
  })
  it('a maximum that is tied shares the derivative, argmax takes the first', () => {
    expect(slope((v) => max(v, 1), x)).toEqual([0, 0.5, 0.5, 0, 1, 0])
    expect(values((v) => argmax(v), x)).toEqual([1, 1])
    expect(values((v) => argmax(v, 0), x)).toEqual([0, 0, 0])
  })
  it('max passes NaN on', () => {
    expect(values((v) => max(v, 1), t([2, 2], NaN, 1, 1, NaN))).toEqual([NaN, NaN])
  })
  it('topK falls, and of equals takes the lower index first, to which the derivative goes', () => {
    expect(values((v) => topK(v, 2).values, x)).toEqual([5, 5, -2, -7])
    expect(values((v) => topK(v, 2).indices, x)).toEqual([1, 2, 1, 0])
    expect(slope((v) => topK(v, 1).values, x)).toEqual([0, 1, 0, 0, 1, 0])
  })
})

describe('matmul', () => {
  /** Element [i, j] of op(a) of the batch, by the shapes alone. */
  const at = (x: HostTensor, z: number, i: number, j: number, turned: boolean): number => {
    const [rows, cols] = x.shape.slice(-2)
    const [r, c] = turned ? [j, i] : [i, j]
    return x.data[(x.shape.length === 2 ? 0 : z * rows * cols) + r * cols + c]
  }
  it.each([
    [false, false, [2, 3], [3, 4]],
    [true, false, [3, 2], [3, 4]],
    [false, true, [2, 3], [4, 3]],
    [true, true, [3, 2], [4, 3]],
    [false, false, [5, 2, 3], [5, 3, 4]],
    [true, true, [5, 3, 2], [5, 4, 3]],
    [false, true, [5, 2, 3], [4, 3]],
    [false, false, [5, 2, 3], [3, 4]],
  ])('is three loops: ta=%s tb=%s %j·%j', (ta, tb, as, bs) => {
    const { a, b } = draw({ a: normal(...as), b: normal(...bs) }) as Record<string, HostTensor>
    const expected: number[] = []
    for (let z = 0; z < (as.length === 3 ? 5 : 1); z++) {
      for (let i = 0; i < 2; i++)
        for (let j = 0; j < 4; j++) {
          expected.push([0, 1, 2].reduce((s, l) => s + at(a, z, i, l, ta) * at(b, z, l, j, tb), 0))
        }
    }
    const actual = values((x, y) => matmul(x, y, ta, tb), a, b)
    expect(actual).toHaveLength(expected.length)
    actual.forEach((v, i) => expect(v).toBeCloseTo(expected[i], 12))
  })
  it('adds up nothing to 0', () => {
    expect(values((a, b) => matmul(a, b), t([2, 0]), t([0, 1]))).toEqual([0, 0])
  })
})

describe('movement', () => {
  const x = t([2, 3], 1, 2, 3, 4, 5, 6)
  it('keeps row-major order', () => {
    expect(values((v) => reshape(v, [-1, 2]), x)).toEqual([1, 2, 3, 4, 5, 6])
    expect(values((v) => transpose(v, [1, 0]), x)).toEqual([1, 4, 2, 5, 3, 6])
    expect(values(transposeLast, x)).toEqual([1, 4, 2, 5, 3, 6])
    expect(values((v) => transpose(reshape(v, [1, 2, 3]), [2, 0, 1]), x)).toEqual([1, 4, 2, 5, 3, 6])
    expect(values((v) => broadcast(reshape(v, [2, 1, 3]), [2, 2, 3]), x)).toEqual([
      1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6,
    ])
    expect(values((v) => slice(v, [0, 1], [2, 3]), x)).toEqual([2, 3, 5, 6])
    expect(values((v) => pad(v, [0, 1], [1, 0]), x)).toEqual([0, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0])
    expect(values((v) => concat([v, v], -1), x)).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6])
    expect(values((v) => stack([v, mul(v, 10)]), t([2], 1, 2))).toEqual([1, 2, 10, 20])
    expect(values(() => zeros([2, 1]))).toEqual([0, 0])
    expect(values(() => iota([2, 3], 0))).toEqual([0, 0, 0, 1, 1, 1])
  })
})

describe('rows by index', () => {
  it('takes, adds and replaces', () => {
    expect(values(take, t([3, 2], 1, 2, 3, 4, 5, 6), ints(2, 0, 2))).toEqual([5, 6, 1, 2, 5, 6])
    expect(values((i, u) => scatterAdd(i, u, 3), ints(2, 0, 2), t([3, 2], 1, 2, 3, 4, 5, 6))).toEqual([
      3, 4, 0, 0, 6, 8,
    ])
    expect(values(updateRows, t([3, 1], 1, 2, 3), ints(2, 0), t([2, 1], 8, 9))).toEqual([9, 2, 8])
  })
  it("scatterAdd is what take's gradient does, repeats included", () => {
    const { table, i } = draw({ table: normal(4, 3), i: indices(4, 50) }) as Record<string, HostTensor>
    const random = randomFrom(9)
    const w = Float64Array.from({ length: 150 }, () => gaussian(random))
    const gradient = grad(
      trace(({ table, i }) => sum(mul(take(table, i), constant(w, [50, 3]))), {
        table: f32(4, 3),
        i: i32(50),
      }),
      { wrt: 'table' },
    )
    const expected = new Float64Array(12)
    i.data.forEach((row, n) => [0, 1, 2].forEach((c) => (expected[row * 3 + c] += w[n * 3 + c])))
    const actual = (evaluate(gradient, { table, i }) as { grads: { table: HostTensor } }).grads.table.data
    actual.forEach((v, n) => expect(v).toBeCloseTo(expected[n], 12))
  })
  it('refuses an index outside, by name', () => {
    expect(() => values(take, t([3], 1, 2, 3), ints(3))).toThrow('take: index 3 is outside 0…2')
    expect(() => values((i, u) => scatterAdd(i, u, 2), ints(-1), t([1], 1))).toThrow(
      'scatterAdd: index -1 is outside 0…1',
    )
    expect(() => values(updateRows, t([1], 1), ints(1), t([1], 1))).toThrow(
      'updateRows: index 1 is outside 0…0',
    )
  })
})
