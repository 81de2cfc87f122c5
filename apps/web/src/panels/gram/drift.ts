// How a kernel moves. What the paper assumes of it is that its ranking of who influences whom stays as training goes on
// (paper.md §2.2): drift and rank stability say how far that holds, the largest eigenvalues what shape it has.
import { spearman, symmetricEigen } from '@ldyn/core'

/** From here on only the largest eigenvalues are computed, by Lanczos. */
const EXACT = 160

/** Values of a matrix between two pauses. */
export const PIECE = 1 << 20

/** Called now and then in long work, so that the page stays alive in between. */
export type Pause = () => Promise<void>
const noPause: Pause = () => Promise.resolve()

/** The k largest eigenvalues of a symmetric matrix, falling. */
export const topEigenvalues = async (
  values: ArrayLike<number>,
  n: number,
  k: number,
  pause: Pause = noPause,
): Promise<readonly number[]> => {
  if (n <= EXACT) return [...symmetricEigen({ n, data: values }).values.subarray(0, k)]
  const turns = Math.min(n, 4 * k + 40)
  const basis: Float64Array[] = []
  const [alpha, beta]: [number[], number[]] = [[], []]
  // A beginning that is orthogonal to nothing in particular, and the same each time.
  let v = Float64Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898) + 0.5)
  let size = Math.hypot(...v)
  v = v.map(x => x / size)
  for (let t = 0; t < turns; t++) {
    await pause()
    basis.push(v)
    const w = new Float64Array(n)
    for (let i = 0; i < n; i++) {
      let dot = 0
      for (let j = 0; j < n; j++) dot += values[i * n + j] * v[j]
      w[i] = dot
    }
    alpha.push(w.reduce((sum, x, i) => sum + x * v[i], 0))
    // Against all before, twice: without it rounding gives eigenvalues more than once.
    for (let pass = 0; pass < 2; pass++) {
      for (const u of basis) {
        const along = w.reduce((sum, x, i) => sum + x * u[i], 0)
        for (let i = 0; i < n; i++) w[i] -= along * u[i]
      }
    }
    size = Math.sqrt(w.reduce((sum, x) => sum + x * x, 0))
    if (size < 1e-12 * Math.abs(alpha[0]) || t === turns - 1) break
    beta.push(size)
    v = w.map(x => x / size)
  }
  await pause()
  const m = alpha.length
  const small = new Float64Array(m * m)
  alpha.forEach((a, i) => (small[i * (m + 1)] = a))
  beta.slice(0, m - 1).forEach((b, i) => (small[i * m + i + 1] = small[(i + 1) * m + i] = b))
  return [...symmetricEigen({ n: m, data: small }).values.subarray(0, k)]
}

/** Rows of which the ranking is compared, at most: those of larger kernels are taken evenly. */
export const RANKED_ROWS = 256

/**
 * From one kernel to another, as core's driftOf, but with the ranking of at most `RANKED_ROWS` rows, and with pauses.
 * Both are N×N, row by row.
 */
export const driftBetween = async (
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  n: number,
  pause: Pause = noPause,
): Promise<{
  readonly relative: number
  readonly alignment: number
  readonly stability: number | undefined
}> => {
  let [bb, aa, ab, moved] = [0, 0, 0, 0]
  for (let k = 0; k < n * n; k++) {
    if (k % PIECE === PIECE - 1) await pause()
    bb += before[k] * before[k]
    aa += after[k] * after[k]
    ab += before[k] * after[k]
    moved += (after[k] - before[k]) ** 2
  }
  const others = (values: ArrayLike<number>, u: number): number[] => {
    const row: number[] = []
    for (let o = 0; o < n; o++) if (o !== u) row.push(Math.abs(values[u * n + o]))
    return row
  }
  const every = Math.max(1, Math.ceil(n / RANKED_ROWS))
  let [sum, count] = [0, 0]
  for (let u = 0; u < n; u += every) {
    if (u % (8 * every) === 0) await pause()
    const { rho } = spearman(others(before, u), others(after, u))
    if (rho !== undefined) [sum, count] = [sum + rho, count + 1]
  }
  return {
    relative: Math.sqrt(moved / bb),
    alignment: ab / Math.sqrt(aa * bb),
    stability: count > 0 ? sum / count : undefined,
  }
}

export interface DriftPoint {
  readonly step: number
  /** ‖K_s − K_0‖ / ‖K_0‖, and against the kernel recorded before. */
  readonly fromFirst: number
  readonly fromLast: number | undefined
  /** ⟨K_0, K_s⟩ / (‖K_0‖‖K_s‖): 1 where K only changed its size. */
  readonly alignment: number
  /** Mean Spearman’s ρ of who influences whom, first against this one; undefined for fewer than 4 probes. */
  readonly stability: number | undefined
  /** Largest first, up to ten. */
  readonly eigenvalues: readonly number[]
}

/** Below this rank correlation with the first kernel the ranking counts as another one. A choice, not a theorem. */
export const STABLE = 0.9

/** The last step up to which every recorded kernel ranked probes like the first; undefined where none did. */
export const stableUntil = (points: readonly DriftPoint[]): number | undefined => {
  const broken = points.findIndex(({ stability }) => stability !== undefined && stability < STABLE)
  return (broken < 0 ? points.at(-1) : points[broken - 1])?.step
}
