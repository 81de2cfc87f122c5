/**
 * One V×V block K_ml of the logits' kernel at a real vocabulary, in a form of rank d (peers.md table 3, row 1b).
 *
 * Logits are z = W·h. Where head W and body θ' are different parameters,
 *
 *     K_ml = ∇_θ z_m (∇_θ z_l)ᵀ = ⟨h_m, h_l⟩·I_V + W·B·Wᵀ,      B = J_m J_lᵀ ∈ R^{d×d},  J = ∂h/∂θ'
 *
 * Where the head is tied to the embedding, the embedding's way into h is part of θ' and so of B, and W's two ways
 * meet in cross terms, which are zero but for tokens that are in the inputs (Σ over i of h_i ∂h'/∂W_{v,i}):
 *
 *     + S_l Wᵀ + W S_mᵀ,    S_l[v] = ∂h_l/∂W_v · h_m,   S_m[v] = ∂h_m/∂W_v · h_l
 *
 * With U = [W | e_v for the input tokens v] all of it is α·I + U·N·Uᵀ, N = [[B, S_mᵀ], [S_l, 0]]: norms, traces,
 * spectra and quadratic forms need only UᵀU, and nothing of size V×V is ever made. m is the observed token (rows),
 * l the update's (columns).
 */
import { symmetricEigen } from './eigen.ts'
import { inner, matrix, place, product, times, traceOf, transposed, type Matrix } from './matrix.ts'

export interface FactoredParts {
  /** V. */
  readonly vocab: number
  /** ⟨h_m, h_l⟩; 0 where the head is not among the parameters that count. */
  readonly alpha: number
  /** B [d,d]: rows for the observed state, columns for the update's. */
  readonly body: Matrix
  /** WᵀW [d,d], and Wᵀ1 [d]. */
  readonly headGram: Matrix
  readonly headSum: ArrayLike<number>
  /** For a tied head whose W counts. */
  readonly tied?: {
    /** Tokens of both inputs, each once. */
    readonly tokens: ArrayLike<number>
    /** W at these tokens [R,d]. */
    readonly rows: Matrix
    /** S_l [R,d] and S_m [R,d]; zero rows for tokens of the other input. */
    readonly update: Matrix
    readonly observed: Matrix
  }
}

/** A vector of V entries as the block sees it. */
export interface Direction {
  /** Wᵀa [d]. */
  readonly projected: ArrayLike<number>
  /** a at the tied tokens [R]; [] for an untied head. */
  readonly atTokens: ArrayLike<number>
}

export interface Quadratic {
  /** aᵀKg and the three terms that it is the sum of. */
  readonly total: number
  readonly head: number
  readonly body: number
  readonly cross: number
}

export interface Spectrum {
  /**
   * Singular values of K on the span where it is not α·I, in falling order; eigenvalues with their sign where the
   * block is symmetric (both sides the same token).
   */
  readonly values: Float64Array
  /** On the other `multiplicity` dimensions K is α·I (for the centred block: of the V − 1 that are left). */
  readonly alpha: number
  readonly multiplicity: number
  readonly symmetric: boolean
}

/** Norm, trace and spectrum of K, or of K with its logits centred. */
export interface BlockFigures {
  readonly trace: number
  readonly frobenius: number
  /** `symmetric`: the two sides are one token, so that K is symmetric. */
  spectrum(symmetric: boolean): Spectrum
}

export interface FactoredBlock extends BlockFigures {
  readonly parts: FactoredParts
  /**
   * P·K·P with P = I − 11ᵀ/V: what is left once a push or a move of all logits alike, which no probability feels,
   * is taken out. A real model's K is mostly that.
   */
  readonly centred: BlockFigures
  /** aᵀ K g from their projections and a·g. K[v,w] itself is that of one-hot vectors: W_v and W_w, and [v = w]. */
  quadratic(a: Direction, g: Direction, dot: number): Quadratic
}

/** Below this share of UᵀU's largest eigenvalue a direction is none: tied rows that W spans already. */
const RANK = 1e-12

export function factoredBlock(parts: FactoredParts): FactoredBlock {
  const { alpha, vocab, body, headGram, tied } = parts
  const d = body.rows
  const R = tied?.tokens.length ?? 0
  const size = d + R
  const N = matrix(size, size, new Float64Array(size * size))
  place(N, body, 0, 0)
  const G = matrix(size, size, new Float64Array(size * size))
  place(G, headGram, 0, 0)
  if (tied) {
    place(N, tied.update, d, 0)
    place(N, transposed(tied.observed), 0, d)
    place(G, tied.rows, d, 0)
    place(G, transposed(tied.rows), 0, d)
    for (let r = 0; r < R; r++) G.data[(d + r) * size + d + r] = 1
  }
  // Uᵀ1: what all of U's columns have in common with a move of all logits alike.
  const sums = Float64Array.from({ length: size }, (_, i) => (i < d ? parts.headSum[i] : 1))
  const centredG = matrix(
    size,
    size,
    G.data.map((x, k) => x - (sums[Math.floor(k / size)] * sums[k % size]) / vocab),
  )
  const join = ({ projected, atTokens }: Direction): Float64Array => {
    if (projected.length !== d || atTokens.length !== R)
      throw new RangeError(
        `factoredBlock: a direction has ${projected.length} + ${atTokens.length} numbers, not ${d} + ${R}`,
      )
    return Float64Array.from({ length: size }, (_, i) => (i < d ? projected[i] : atTokens[i - d]))
  }
  return {
    parts,
    ...figures(alpha, vocab, N, G),
    centred: figures(alpha, vocab - 1, N, centredG),
    quadratic: (a, g, dot) => {
      const [ua, ug] = [join(a), join(g)]
      const low = inner(ua, times(N, ug))
      const inBody = inner(ua.subarray(0, d), times(body, ug.subarray(0, d)))
      const head = alpha * dot
      return { total: head + low, head, body: inBody, cross: low - inBody }
    },
  }
}

/** Of α·I + U·N·Uᵀ on `dimensions` dimensions, from G = UᵀU. */
function figures(alpha: number, dimensions: number, N: Matrix, G: Matrix): BlockFigures {
  const size = N.rows
  const NG = product(N, G)
  // tr(UNUᵀ) = tr(NG); ‖UNUᵀ‖² = tr(N G Nᵀ G).
  const lowTrace = traceOf(NG)
  const lowSquares = inner(product(NG, transposed(N)).data, transposed(G).data)
  return {
    trace: alpha * dimensions + lowTrace,
    frobenius: Math.sqrt(Math.max(0, alpha * alpha * dimensions + 2 * alpha * lowTrace + lowSquares)),
    spectrum: (symmetric) => {
      // Z = U X Λ^(−½) is an orthonormal basis of U's span, and ZᵀKZ = αI + Λ^½ Xᵀ N X Λ^½.
      const { values, vectors } = symmetricEigen({ n: size, data: G.data })
      const rank = values.findLastIndex((x) => x > RANK * values[0]) + 1
      const root = matrix(
        rank,
        size,
        Float64Array.from({ length: rank * size }, (_, k) => {
          const [r, i] = [Math.floor(k / size), k % size]
          return Math.sqrt(values[r]) * vectors[i * size + r]
        }),
      )
      const inside = product(product(root, N), transposed(root))
      for (let r = 0; r < rank; r++) inside.data[r * rank + r] += alpha
      const found = symmetric
        ? symmetricEigen({ n: rank, data: inside.data }).values
        : singularValues(inside)
      return { values: found, alpha, multiplicity: dimensions - rank, symmetric }
    },
  }
}

/** In falling order: eigenvalues of [[0, M], [Mᵀ, 0]] are ±σ, so no digits are lost to a squared matrix. */
export function singularValues(m: Matrix): Float64Array {
  const { rows, cols } = m
  const n = rows + cols
  const doubled = matrix(n, n, new Float64Array(n * n))
  place(doubled, m, 0, rows)
  place(doubled, transposed(m), rows, 0)
  return symmetricEigen({ n, data: doubled.data })
    .values.slice(0, Math.min(rows, cols))
    .map((x) => Math.max(0, x))
}
