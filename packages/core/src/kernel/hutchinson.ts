/**
 * Norms and traces of a kernel that is never made (Hutchinson 1989; peers.md table 3, row 6): for v with
 * independent entries ±1, E‖K·v‖² = ‖K‖_F² and E vᵀKv = tr K. The error of s draws is told with the estimate: the
 * standard deviation over draws divided by √s.
 */

/** n·size entries ±1, reproducible by seed (xorshift32, one bit of each draw). */
export function signs(length: number, seed: number): Float32Array {
  let x = Math.imul(seed + 1, 0x9e3779b1) | 1
  return Float32Array.from({ length }, () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x & 0x10000) === 0 ? -1 : 1
  })
}

export interface Estimate {
  readonly value: number
  /** Standard error; NaN for a single draw, which says nothing of it. */
  readonly se: number
  readonly draws: number
}

/** The mean of draws. Throws RangeError where there are none. */
export function meanOf(draws: readonly number[]): Estimate {
  const n = draws.length
  if (n === 0) throw new RangeError('meanOf: there are no draws')
  const value = draws.reduce((a, b) => a + b, 0) / n
  const spread = draws.reduce((a, b) => a + (b - value) ** 2, 0) / (n - 1)
  return { value, se: Math.sqrt(spread / n), draws: n }
}

/** ‖K‖_F from draws of ‖Kv‖²; its error by the root's slope, se/(2‖K‖). */
export function normOf(squares: readonly number[]): Estimate {
  const { value, se, draws } = meanOf(squares)
  const norm = Math.sqrt(value)
  return { value: norm, se: norm === 0 ? 0 : se / (2 * norm), draws }
}
