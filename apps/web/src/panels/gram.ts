// Gram matrices over probe responses, K_ij = ⟨∇log π(y_i), ∇log π(y_j)⟩: normed, ordered, compared. What the paper
// assumes of the kernel is that its ranking of who influences whom stays as training goes on (paper.md §2.2): drift
// and rank stability say how far that holds. Everything here is apart from reading and drawing.
import { spearman, symmetricEigen } from '@ldyn/core'
import type { Norm, Order } from '../state/address.ts'

export interface GramProbe {
  readonly row: number
  readonly type: string
  readonly tokens: number
}

/** Where one recorded Gram is: a file of its own, or one of those that `ldyn kernel drift` left in one file. */
export interface GramPlace {
  readonly path: string
  /** Undefined where neither the file's name nor its header says one. */
  readonly step: number | undefined
  readonly tensor: string
  /** Its place in a tensor [n, N, N]; undefined for a matrix. */
  readonly index?: number
  readonly name: string
}

/** Grams of their own among the files of a run, by step; those without a step last. */
export const gramFiles = (paths: readonly string[]): readonly GramPlace[] =>
  paths
    .flatMap((path): GramPlace[] => {
      const found = /^kernel\/gram(?:-(\d+))?\.safetensors$/.exec(path)
      if (!found) return []
      const step = found[1] === undefined ? undefined : Number(found[1])
      return [{ path, step, tensor: 'gram', name: step === undefined ? 'no step' : `step ${step}` }]
    })
    .sort((a, b) => (a.step ?? Infinity) - (b.step ?? Infinity))

/** The recorded kernel at or before a step; the last one for undefined; the first where all are later. */
export const gramAt = <T extends { readonly step: number | undefined }>(
  places: readonly T[],
  step: number | undefined,
): T | undefined =>
  step === undefined
    ? places.at(-1)
    : (places.findLast(one => one.step !== undefined && one.step <= step) ?? places[0])

/** Probes of a Gram matrix from its header; undefined where it names none, or another number than the matrix has. */
export const gramProbes = (about: unknown, n: number): readonly GramProbe[] | undefined => {
  const sound =
    Array.isArray(about) &&
    about.length === n &&
    about.every(
      (probe: Partial<GramProbe> | null) =>
        Number.isSafeInteger(probe?.row) && typeof probe?.type === 'string',
    )
  return sound ? (about as readonly GramProbe[]) : undefined
}

/** Rows and columns in another order. */
export const reorder = (values: ArrayLike<number>, order: readonly number[]): Float64Array => {
  const n = order.length
  const out = new Float64Array(n * n)
  for (let r = 0; r < n; r++) {
    const from = order[r] * n
    for (let c = 0; c < n; c++) out[r * n + c] = values[from + order[c]]
  }
  return out
}

/** K_ij / √(K_ii K_jj): cosines of gradients, from −1 to 1; NaN where a gradient is 0. */
export const cosines = (values: ArrayLike<number>, n: number): Float64Array => {
  const out = new Float64Array(n * n)
  const sizes = Float64Array.from({ length: n }, (_, i) => Math.sqrt(values[i * (n + 1)]))
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const size = sizes[i] * sizes[j]
      out[i * n + j] = size > 0 ? values[i * n + j] / size : NaN
    }
  }
  return out
}

/** Raw, cosines, or divided by the mean of the diagonal, so that kernels of different steps have one trace. */
export const normed = (values: ArrayLike<number>, n: number, norm: Norm): Float64Array => {
  if (norm === 'cosine') return cosines(values, n)
  const out = Float64Array.from(values)
  if (norm === 'raw') return out
  let trace = 0
  for (let i = 0; i < n; i++) trace += out[i * (n + 1)]
  for (let i = 0; i < out.length; i++) out[i] = trace > 0 ? (out[i] * n) / trace : NaN
  return out
}

/** Entries off the diagonal: what a scale is taken from, since K_ii, a squared length, would hide all others. */
export const offDiagonal = (n: number, ...matrices: readonly ArrayLike<number>[]): Float64Array => {
  const out = new Float64Array(n * Math.max(0, n - 1) * matrices.length)
  let k = 0
  for (const values of matrices) {
    for (let i = 0; i < n * n; i++) if (i % (n + 1) !== 0) out[k++] = values[i]
  }
  return out
}

export const NORM_TEXT: Readonly<
  Record<Norm, { readonly name: string; readonly unit: string; readonly says: string }>
> = {
  cosine: {
    name: 'cosine',
    unit: '',
    says: 'divided by both lengths, so that long responses do not hide short ones',
  },
  raw: { name: 'raw', unit: 'nats²', says: 'as it is: long responses have long gradients' },
  trace: {
    name: 'trace',
    unit: '',
    says: 'divided by the mean of the diagonal: sizes within one step, whatever its scale',
  },
}

/**
 * An order in which like rows are neighbours: average linkage by nearest-neighbour chains (Murtagh 1983), leaves from
 * left to right. O(n²). Likeness is the cosine; what is no number is like nothing.
 */
export const clusterOrder = (likeness: ArrayLike<number>, n: number): readonly number[] => {
  const distance = new Float64Array(n * n)
  for (let i = 0; i < n * n; i++) distance[i] = Number.isFinite(likeness[i]) ? 1 - likeness[i] : 2
  const members: (number[] | undefined)[] = Array.from({ length: n }, (_, i) => [i])
  let [chain, left]: [number[], number] = [[], n]
  while (left > 1) {
    if (chain.length === 0) chain = [members.findIndex(Boolean)]
    const at = chain.at(-1)!
    const before = chain.at(-2)
    // Of equal ones the one that the chain came from, else it would run in circles.
    let [best, nearest] = [before ?? -1, before === undefined ? Infinity : distance[at * n + before]]
    for (let j = 0; j < n; j++) {
      if (j !== at && members[j] && distance[at * n + j] < nearest)
        [best, nearest] = [j, distance[at * n + j]]
    }
    if (best < 0) best = members.findIndex((one, j) => one !== undefined && j !== at)
    if (best !== before) {
      chain.push(best)
      continue
    }
    const [a, b] = [members[best]!, members[at]!]
    for (let j = 0; j < n; j++) {
      if (!members[j]) continue
      const joined =
        (a.length * distance[best * n + j] + b.length * distance[at * n + j]) / (a.length + b.length)
      distance[best * n + j] = joined
      distance[j * n + best] = joined
    }
    members[best] = [...a, ...b]
    members[at] = undefined
    chain = chain.slice(0, -2)
    left--
  }
  return members.find(Boolean) ?? []
}

/** Probes by response type, by likeness of their rows, or by prompt. */
export const orderOf = (
  probes: readonly GramProbe[],
  values: ArrayLike<number>,
  order: Order,
): readonly number[] => {
  if (order === 'cluster') return clusterOrder(cosines(values, probes.length), probes.length)
  const types = [...new Set(probes.map(({ type }) => type))]
  const byType = (a: number, b: number): number =>
    types.indexOf(probes[a].type) - types.indexOf(probes[b].type)
  const byRow = (a: number, b: number): number => probes[a].row - probes[b].row
  return [...probes.keys()].sort((a, b) =>
    order === 'type' ? byType(a, b) || byRow(a, b) : byRow(a, b) || byType(a, b),
  )
}

/** From here on only the largest eigenvalues are computed, by Lanczos. */
const EXACT = 160

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
