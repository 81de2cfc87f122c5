/**
 * How near to the f64 reference is near enough, op by op (f32 has 6e-8; figures are about ten of its
 * roundings, more
 * where engines approximate). A case with n rounded terms gets √n of it: rounding errors add up like a random
 * walk.
 *
 * The error of an element is |a − b| over a scale: max(|b|, min(1, largest |b|)), so that values near 0 count
 * against the others; the value itself where a case is `relative`; and max(1, largest |b|) for derivatives,
 * whose
 * elements are sums of others. NaN and infinities must be matched exactly, and so must i32 and bool.
 */
import { leaves, type HostTensor, type OpName, type Tree } from '@ldyn/tensor'

const [moves, rounds, approximates, combines] = [1e-7, 1e-6, 1e-5, 2e-5]

export const tolerances: { readonly [K in OpName]: number } = {
  input: moves, constant: moves, iota: 0, stopGradient: rounds, cast: rounds, reshape: moves,
  transpose: moves, broadcast: moves, slice: moves, pad: moves, concat: moves, take: moves,
  updateRows: moves, scatterAdd: rounds, neg: moves, maximum: moves, less: 0, equal: 0, select: moves,
  isFinite: 0, add: rounds, sub: rounds, mul: rounds, div: rounds, sqrt: rounds, exp: approximates,
  log: approximates, tanh: approximates, erf: approximates, sum: rounds, max: moves, argmax: 0, topK: moves,
  matmul: rounds, sigmoid: approximates, silu: approximates, gelu: approximates, softplus: approximates,
  logSigmoid: approximates, expm1: approximates, softmax: approximates, logSoftmax: approximates,
  logSumExp: approximates, takeAlong: rounds, addAlong: rounds, linear: rounds, layerNorm: approximates,
  rmsNorm: approximates, rope: rounds, attention: approximates, attentionBackward: approximates,
  tokenLogProb: approximates, tokenLogProbBackward: approximates, tokenStats: combines, conv2d: rounds, avgPool: rounds,
}

export type Measure = 'element' | 'relative' | 'derivative'

export interface Difference {
  readonly path: string
  readonly element: number
  readonly actual: number
  readonly expected: number
  /** In units of the scale; Infinity where one is not finite and the other is something else. */
  readonly error: number
}

/** Below this f32 may flush to zero. */
const TINY = 2 ** -126

function scaleOf(measure: Measure, largest: number, value: number): number {
  if (measure === 'relative') return Math.max(TINY, Math.abs(value))
  if (measure === 'derivative') return Math.max(1, largest)
  return Math.max(Math.abs(value), Math.min(1, largest)) || 1
}

/**
 * The worst element of all leaves, or undefined where nothing differs. Throws where trees, shapes or dtypes
 * do.
 */
export function worst(
  actual: Tree<HostTensor>,
  expected: Tree<HostTensor>,
  measure: Measure = 'element',
): Difference | undefined {
  const [left, right] = [leaves(actual), leaves(expected)]
  const form = (list: typeof left): string =>
    list.map(({ path, value }) => `${path} ${value.dtype}[${value.shape.join(',')}]`).join('; ')
  if (form(left) !== form(right))
    throw new Error(`outputs are (${form(left)}) where the reference has (${form(right)})`)
  let result: Difference | undefined
  right.forEach(({ path, value }, i) => {
    const a = left[i].value.data
    if (a.length !== value.data.length)
      throw new Error(`'${path}' has ${a.length} values where its shape has ${value.data.length}`)
    let largest = 0
    for (const v of value.data) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v))
    for (let k = 0; k < a.length; k++) {
      const expectedValue = value.data[k]
      if (Object.is(a[k], expectedValue) || a[k] === expectedValue) continue
      const exact = value.dtype !== 'f32' || !Number.isFinite(a[k]) || !Number.isFinite(expectedValue)
      const error = exact
        ? Infinity
        : Math.abs(a[k] - expectedValue) / scaleOf(measure, largest, expectedValue)
      if (!result || error > result.error)
        result = { path, element: k, actual: a[k], expected: expectedValue, error }
    }
  })
  return result
}

/** Throws a sentence that names the worst element where it is off by more than `tolerance`. */
export function mustAgree(
  what: string,
  actual: Tree<HostTensor>,
  expected: Tree<HostTensor>,
  tolerance: number,
  measure?: Measure,
): void {
  const d = worst(actual, expected, measure)
  if (d && d.error > tolerance) {
    throw new Error(
      `${what}: '${d.path}' is ${d.actual} at element ${d.element} where the f64 reference has ${d.expected}; ` +
        `the error is ${d.error.toExponential(1)} where ${tolerance.toExponential(1)} is allowed`,
    )
  }
}
