import { describe, expect, it } from 'vitest'
import {
  addAlong, f32, hostTensor, i32, logSoftmax, logSumExp, softmax, takeAlong, trace, type HostTensor,
  type Tensor,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const of = (f: (x: Tensor) => Tensor, ...x: number[]): number[] =>
  Array.from(
    (
      evaluate(
        trace(({ x }) => f(x), { x: f32(x.length) }),
        { x: hostTensor(x, [x.length]) },
      ) as HostTensor
    ).data,
  )

describe('the softmax family', () => {
  it('is a softmax', () => {
    const [a, b, c] = [Math.exp(1), Math.exp(2), Math.exp(-1)]
    of(softmax, 1, 2, -1).forEach((p, i) => expect(p).toBeCloseTo([a, b, c][i] / (a + b + c), 15))
    of(logSoftmax, 1, 2, -1).forEach((p, i) => expect(p).toBeCloseTo([1, 2, -1][i] - Math.log(a + b + c), 15))
    expect(of(logSumExp, 1, 2, -1)[0]).toBeCloseTo(Math.log(a + b + c), 15)
  })
  it('neither overflows nor loses a far tail', () => {
    expect(of(softmax, 1000, 0)).toEqual([1, 0])
    expect(of(logSoftmax, 1000, 0)).toEqual([0, -1000])
    expect(of(logSumExp, -1000, -1000)[0]).toBeCloseTo(-1000 + Math.LN2, 12)
  })
})

describe('one index of the last axis', () => {
  const x = hostTensor([1, 2, 3, 4, 5, 6], [2, 3])
  const idx = hostTensor([2, 0], [2], 'i32')
  it('is read and added to', () => {
    const program = trace(({ x, idx, u }) => ({ read: takeAlong(x, idx), sum: addAlong(x, idx, u) }), {
      x: f32(2, 3),
      idx: i32(2),
      u: f32(2),
    })
    const { read, sum } = evaluate(program, { x, idx, u: hostTensor([10, 20], [2]) }) as Record<
      string,
      HostTensor
    >
    expect(Array.from(read.data)).toEqual([3, 4])
    expect(Array.from(sum.data)).toEqual([1, 2, 13, 24, 5, 6])
  })
})
