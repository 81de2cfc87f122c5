/** Activations against known values (mpmath) and where naive formulas lose their digits. */
import { describe, expect, it } from 'vitest'
import {
  expm1, f32, gelu, grad, hostTensor, logSigmoid, sigmoid, silu, softplus, sum, trace, type HostTensor,
  type Tensor,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const at = (f: (x: Tensor) => Tensor, x: number): number =>
  (
    evaluate(
      trace(({ x }) => f(x), { x: f32() }),
      { x: exact(x) },
    ) as HostTensor
  ).data[0]
const slopeAt = (f: (x: Tensor) => Tensor, x: number): number =>
  (
    evaluate(
      grad(
        trace(({ x }) => sum(f(x)), { x: f32() }),
        { wrt: 'x' },
      ),
      { x: exact(x) },
    ) as { grads: { x: HostTensor } }
  ).grads.x.data[0]
const exact = (x: number): HostTensor => ({ ...hostTensor([0], []), data: Float64Array.of(x) })
const near = (actual: number, expected: number, relative = 1e-14): void =>
  expect(Math.abs(actual - expected), `${actual} and ${expected}`).toBeLessThanOrEqual(
    relative * Math.abs(expected),
  )

describe('gelu', () => {
  it.each([
    [-8, -4.9767684594174273e-15, -3.10778293750111122e-21],
    [-3, -0.00404969409489028358, -0.00363739208177301884],
    [-1, -0.158655253931457051, -0.158808009391723295],
    [-0.1, -0.0460172162722971042, -0.046017248954564838],
    [1e-9, 5.00000000398942312e-10, 5.00000000398942312e-10],
    [0.5, 0.345731230637006552, 0.345714009825143922],
    [1, 0.841344746068542949, 0.841191990608276705],
    [2.5, 2.48447583668555966, 2.48491573391000142],
    [6, 5.99999999408047413, 5.99999999991560353],
  ] as const)('at %d', (x, exactForm, tanhForm) => {
    // 1 + erf cancels on the far left: what is left is right to rounding of x.
    expect(Math.abs(at((v) => gelu(v, 'erf'), x) - exactForm)).toBeLessThanOrEqual(2.3e-16 * Math.abs(x))
    expect(Math.abs(at((v) => gelu(v, 'tanh'), x) - tanhForm)).toBeLessThanOrEqual(2.3e-16 * Math.abs(x))
  })
})

describe('expm1', () => {
  it.each([-40, -1.5, -1, -0.999, -1e-3, -1e-9, -1e-300, 1e-300, 1e-12, 1e-5, 0.3, 0.999, 1, 1.5, 30])(
    'is exact at %d',
    (x) => {
      near(at(expm1, x), Math.expm1(x), 1e-15 * 8)
      near(slopeAt(expm1, x), Math.exp(x))
    },
  )
  it('is 0 at 0', () => {
    expect(at(expm1, 0)).toBe(0)
  })
})

describe('the logistic family', () => {
  it.each([-700, -40, -20, -3, -1.3862943611198906, -1, -0.1, 0, 0.1, 1, 3, 20, 40, 700])('at %d', (x) => {
    near(at(softplus, x), Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))))
    near(at(logSigmoid, x), -Math.max(-x, 0) - Math.log1p(Math.exp(-Math.abs(x))))
    const s = 1 / (1 + Math.exp(-x))
    expect(at(sigmoid, x)).toBeCloseTo(s, 15)
    expect(at(silu, x)).toBeCloseTo(x * s, 12)
    expect(slopeAt(softplus, x)).toBeCloseTo(s, 15)
    expect(slopeAt(logSigmoid, x)).toBeCloseTo(1 - s, 15)
  })
  it('overflows nowhere', () => {
    for (const x of [-1e30, 1e30])
      for (const f of [sigmoid, silu, softplus, logSigmoid]) {
        expect(Number.isFinite(at(f, x))).toBe(true)
        expect(Number.isFinite(slopeAt(f, x))).toBe(true)
      }
  })
})
