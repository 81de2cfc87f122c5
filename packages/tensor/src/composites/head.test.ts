/**
 * The head's statistics, in one piece and in chunks, and where π is extremely peaked. There the expected
 * values come
 * from another route: logits that are whole multiples of ln 2, so that every probability is a ratio of
 * integers,
 * which are added up exactly (BigInt) and rounded once at the end.
 */
import { describe, expect, it } from 'vitest'
import { draw, indices, normal } from '../cases/index.ts'
import {
  grad, sum, tokenLogProb, tokenStats, trace, type HostTensor, type Tensor, type Tree,
} from '../index.ts'
import { evaluate } from '../reference/index.ts'

const f64 = (values: number[], shape: number[]): HostTensor => ({
  shape,
  dtype: 'f32',
  data: Float64Array.from(values),
})
const run = (
  f: (h: Tensor, w: Tensor, y: Tensor) => Tree<Tensor>,
  x: Record<string, HostTensor>,
): Record<string, number[]> => {
  const outputs = evaluate(
    trace((v: Record<string, Tensor>) => f(v.h, v.w, v.y), x),
    x,
  ) as Record<string, HostTensor>
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data)]))
}

/** a/b to f64, however small: 70 bits of the quotient, scaled. */
function ratio(a: bigint, b: bigint): number {
  if (a === 0n) return 0
  const shift = b.toString(2).length - a.toString(2).length + 70
  const quotient = shift >= 0 ? (a << BigInt(shift)) / b : a / (b << BigInt(-shift))
  return Number(quotient) * 2 ** -shift
}
/** ln(a/b) for a < b, with all digits where a is nearly b and where it is far below. */
function log(a: bigint, b: bigint): number {
  if (2n * a > b) return Math.log1p(-ratio(b - a, b))
  const bits = b.toString(2).length - a.toString(2).length
  return Math.log(ratio(a << BigInt(bits), b)) - bits * Math.LN2
}

/** √(a/b) where a/b itself may be below f64. */
function root(a: bigint, b: bigint): number {
  const half = Math.floor((b.toString(2).length - a.toString(2).length) / 2)
  return Math.sqrt(ratio(a << BigInt(2 * half), b)) * 2 ** -half
}

/** Statistics of π ∝ 2^powers at target y. */
function exact(powers: readonly number[], y: number): Record<string, number> {
  const least = Math.min(...powers)
  const weights = powers.map((p) => 1n << BigInt(p - least))
  const total = weights.reduce((a, b) => a + b)
  const best = powers.indexOf(Math.max(...powers))
  const squares = weights.map((w) => w * w)
  const allSquares = squares.reduce((a, b) => a + b)
  return {
    logp: log(weights[y], total),
    argmaxLogp: log(weights[best], total),
    restLogp: log(total - weights[best], total),
    entropy: weights.reduce((s, w) => s - ratio(w, total) * log(w, total), 0),
    piSquared: ratio(allSquares, total * total),
    pError: root((total - weights[y]) ** 2n + allSquares - squares[y], total * total),
    argmax: best,
  }
}

describe('tokenStats where π is peaked', () => {
  it.each([
    ['evenly spread', [0, 0, 0, 0], 2],
    ['one ahead', [3, 0, 1, 0], 0],
    ['one ahead, another the target', [3, 0, 1, 0], 2],
    ['1 − π below rounding', [60, 0, 1, 3], 0],
    ['1 − π below rounding, another the target', [60, 0, 1, 3], 3],
    ['1 − π whose square is no number', [0, 700, 1, 2], 1],
    ['1 − π at the end of f64', [1000, 0, 2, 1], 0],
    ['two certain alternatives', [500, 0, 499, 3], 2],
    ['two tokens', [0, 80], 1],
  ])('%s', (_, powers, y) => {
    const logits = powers.map((p) => p * Math.LN2)
    const actual = run((h, w, t) => ({ ...tokenStats(h, w, t) }), {
      h: f64([1], [1, 1]),
      w: f64(logits, [powers.length, 1]),
      y: { shape: [1], dtype: 'i32', data: Int32Array.of(y) },
    })
    for (const [name, value] of Object.entries(exact(powers, y))) {
      expect(Number.isFinite(actual[name][0]), name).toBe(true)
      // Logits of hundreds carry their own rounding (2⁻⁵³ of themselves) into everything that decays with
      // them.
      expect(
        Math.abs(actual[name][0] - value),
        `${name}: ${actual[name][0]} and ${value}`,
      ).toBeLessThanOrEqual(1e-12 * Math.abs(value))
    }
  })
  it('is finite for a vocabulary of one', () => {
    const one = run((h, w, t) => ({ ...tokenStats(h, w, t) }), {
      h: f64([2], [1, 1]),
      w: f64([3], [1, 1]),
      y: { shape: [1], dtype: 'i32', data: Int32Array.of(0) },
    })
    expect(one).toMatchObject({ logp: [-0], argmaxLogp: [-0], piSquared: [1], pError: [0], argmax: [0] })
    expect(one.restLogp[0]).toBeLessThanOrEqual(-1e29)
    expect(Math.abs(one.entropy[0])).toBe(0)
  })
})

describe('chunks', () => {
  const x = draw({ h: normal(7, 3), w: normal(11, 3), y: indices(11, 7) }) as Record<string, HostTensor>
  it.each([1, 2, 3, 6, 7, 100])('of %d rows change nothing', (rows) => {
    const whole = run((h, w, y) => ({ p: tokenLogProb(h, w, y), ...tokenStats(h, w, y) }), x)
    const parts = run((h, w, y) => ({ p: tokenLogProb(h, w, y, rows), ...tokenStats(h, w, y, rows) }), x)
    expect(parts).toEqual(whole)
    whole.p.forEach((p, i) => expect(p).toBeCloseTo(whole.logp[i], 14))
  })
  it.each([1, 3, 7])('of %d rows give the same gradient', (rows) => {
    const gradient = (chunk?: number) => {
      const program = trace((v: Record<string, Tensor>) => sum(tokenLogProb(v.h, v.w, v.y, chunk)), x)
      return (evaluate(grad(program, { wrt: ['h', 'w'] }), x) as { grads: Record<string, HostTensor> }).grads
    }
    const [whole, parts] = [gradient(), gradient(rows)]
    for (const name of ['h', 'w'])
      parts[name].data.forEach((g, i) => expect(g).toBeCloseTo(whole[name].data[i], 13))
  })
  it('bound what is held: no value is larger than a chunk of logits', () => {
    const program = trace((v: Record<string, Tensor>) => tokenLogProb(v.h, v.w, v.y, 2), x)
    let largest = 0
    evaluate(program, x, {
      onValue: (node, value) => {
        if (node.op !== 'input') largest = Math.max(largest, value.length)
      },
    })
    expect(largest).toBe(2 * 11)
  })
})
