/**
 * What a Gram matrix of N probes says: K_ij = ⟨∇s_i, ∇s_j⟩, s the response's Σ log π in nats (or its mean over
 * tokens). A gradient step of rate η that raises s_j by its own gradient changes s_i by η·K_ij: the sign is that
 * of help or harm.
 *
 * Between checkpoints: how far the kernel moved, and whether it still ranks probes alike, which is all that the
 * paper assumes of it (§2.2, Appendix C.1).
 */
import { symmetricEigen } from './eigen.ts'
import { spearman } from './spearman.ts'

/** Symmetric N×N, row-major. */
export interface Gram {
  readonly n: number
  readonly data: Float64Array
}

/** K_ij / √(K_ii K_jj): cosines of gradients; 0 beside a gradient that is zero. */
export function cosines({ n, data }: Gram): Gram {
  const size = Float64Array.from({ length: n }, (_, i) => Math.sqrt(Math.max(0, data[i * n + i])))
  return {
    n,
    data: Float64Array.from(data, (x, k) => {
      const s = size[Math.floor(k / n)] * size[k % n]
      return s === 0 ? 0 : x / s
    }),
  }
}

export interface GramSummary {
  /** Eigenvalues in falling order. */
  readonly eigenvalues: Float64Array
  readonly trace: number
  readonly frobenius: number
  /** (Σλ)²/Σλ²: 1 where all gradients are parallel, N where they are orthogonal and alike in size. */
  readonly effectiveRank: number
  /** Smallest eigenvalue over the largest: below 0 only by rounding, or by a sketch's error. */
  readonly leastShare: number
}

export function summariseGram({ n, data }: Gram): GramSummary {
  const { values } = symmetricEigen({ n, data })
  const trace = values.reduce((a, b) => a + b, 0)
  const squares = values.reduce((a, b) => a + b * b, 0)
  return {
    eigenvalues: values,
    trace,
    frobenius: Math.sqrt(squares),
    effectiveRank: squares === 0 ? 0 : trace ** 2 / squares,
    leastShare: values[0] === 0 ? 0 : values[n - 1] / values[0],
  }
}

export interface Drift {
  /** ‖K' − K‖_F / ‖K‖_F. */
  readonly relative: number
  /** ⟨K, K'⟩_F / (‖K‖_F‖K'‖_F): 1 where K only changed its size. */
  readonly alignment: number
  /**
   * Spearman's ρ of |K_uo| over the observed probes o ≠ u, before against after, for every update probe u: whether
   * the ranking of who is influenced stayed. Undefined for fewer than 4 probes or a row that does not vary.
   */
  readonly stability: readonly (number | undefined)[]
  /** Mean of those that are defined. */
  readonly meanStability: number | undefined
}

/**
 * From one matrix to the next. Throws RangeError for two sizes.
 */
export function driftOf(before: Gram, after: Gram): Drift {
  const { n } = before
  if (after.n !== n) throw new RangeError(`driftOf: ${n} probes before and ${after.n} after`)
  let [bb, aa, ab, moved] = [0, 0, 0, 0]
  before.data.forEach((b, k) => {
    const a = after.data[k]
    bb += b * b
    aa += a * a
    ab += a * b
    moved += (a - b) ** 2
  })
  const others = (m: Gram, u: number): number[] =>
    Array.from({ length: n }, (_, o) => Math.abs(m.data[u * n + o])).filter((_, o) => o !== u)
  const stability = Array.from({ length: n }, (_, u) => spearman(others(before, u), others(after, u)).rho)
  const defined = stability.filter((x) => x !== undefined)
  return {
    relative: Math.sqrt(moved / bb),
    alignment: ab / Math.sqrt(aa * bb),
    stability,
    meanStability: defined.length === 0 ? undefined : defined.reduce((a, b) => a + b, 0) / defined.length,
  }
}
