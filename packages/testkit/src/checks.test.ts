/** The suite is worth what it catches: backends with one thing wrong each. */
import { f32, hostTensor, type OpName } from '@ldyn/tensor'
import { opCases } from '@ldyn/tensor/cases'
import { referenceBackend } from '@ldyn/tensor/reference'
import { describe, expect, it } from 'vitest'
import { checkValues, mustAgree, worst } from './index.ts'

/** The reference with every value of one op changed. */
const wrongAt = (op: OpName, change: (v: number) => number) =>
  referenceBackend({
    onValue: (node, value) => {
      if (node.op === op) for (let i = 0; i < value.length; i++) value[i] = change(value[i])
    },
  })
const caseOf = (op: OpName, title: string) => opCases[op].find((c) => c.title === title)!

describe('a backend with one thing wrong', () => {
  it.each<[string, OpName, string, (v: number) => number, RegExp]>([
    [
      'a coarse tanh',
      'tanh',
      '[2,3]',
      (v) => v * (1 + 1e-4),
      /tanh: '' is .* the error is 1\.0e-4 where 1\.0e-5 is allowed/,
    ],
    [
      'an exp that overflows',
      'exp',
      'extremes',
      (v) => (v > 1e30 ? Infinity : v),
      /exp: '' is Infinity at element 5/,
    ],
    ['a matmul in half precision', 'matmul', 'rank 2', (v) => v * (1 + 2 ** -11), /matmul/],
    [
      'a topK that takes the last of equals',
      'topK',
      'of equals the lower index first',
      (v) => (v === 2 ? 4 : v),
      /'indices' is 4/,
    ],
    ['a sum that loses a long tail', 'sum', 'long', (v) => v - 1, /sum/],
  ])('%s is caught', async (_, op, title, change, message) => {
    await expect(checkValues(wrongAt(op, change), op, caseOf(op, title))).rejects.toThrow(message)
  })
  it('passes with nothing wrong', async () => {
    await checkValues(referenceBackend(), 'tanh', caseOf('tanh', '[2,3]'))
  })
})

describe('the error of an element', () => {
  const t = (...values: number[]) => ({ ...f32(values.length), data: Float64Array.from(values) })
  it('counts against 1 or the largest value near 0, and against the value where it is large', () => {
    expect(worst(t(1e-6, 5), t(0, 5))?.error).toBeCloseTo(1e-6)
    expect(worst(t(2e-8, 0), t(1e-8, 1e-3))?.error).toBeCloseTo(1)
    expect(worst(t(1e30), t(1.001e30))?.error).toBeCloseTo(1e-3, 5)
  })
  it('counts against each value where a case is relative, down to what f32 flushes to zero', () => {
    expect(worst(t(1.1e-20, 1), t(1e-20, 1), 'relative')?.error).toBeCloseTo(0.1)
    expect(worst(t(0), t(1e-40), 'relative')?.error).toBeLessThan(0.01)
  })
  it('counts against the largest derivative', () => {
    expect(worst(t(0.1, 100), t(0, 100), 'derivative')?.error).toBeCloseTo(1e-3)
  })
  it('is infinite for NaN and infinities that are not matched, and none where they are', () => {
    expect(worst(t(NaN, Infinity), t(NaN, Infinity))).toBeUndefined()
    expect(worst(t(NaN), t(1))?.error).toBe(Infinity)
    expect(worst(t(3e38), t(Infinity))?.error).toBe(Infinity)
  })
  it('is exact for indices', () => {
    expect(worst(hostTensor([3], [1], 'i32'), hostTensor([4], [1], 'i32'))?.error).toBe(Infinity)
  })
  it('refuses outputs of another form', () => {
    expect(() => mustAgree('op', { a: t(1) }, { b: t(1) }, 0)).toThrow(
      'outputs are (a f32[1]) where the reference has (b f32[1])',
    )
  })
})
