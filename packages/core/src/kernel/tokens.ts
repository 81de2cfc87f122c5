/**
 * Token × token (paper.md eq. 5; contracts.md §2): C[m,l] is what update token l adds to log π of observed token m,
 *
 *     C[m,l] = −η · [A_m K_ml G_l]_{y_m} = −η · (∂L/∂log π_l) · k[m,l],   k[m,l] = ⟨∇log π_m, ∇log π_l⟩
 *
 * with G_l = −(∂L/∂log π_l)·(e_y − π) at the token's logits: y⁺ and y⁻ come signed by the loss's own cotangent.
 * Positive C raises the observed token. Σ_l C[m,l] is the gradient's part of Δlog π_m to first order in η (plain
 * gradient step: no momentum, no decay); Σ_m of that is the response's.
 */
import { f32, grad, type Program, type Tensor } from '@ldyn/tensor'
import { lossValue, type Loss } from '../losses/loss.ts'
import { traceAs } from '../programs/forward.ts'

type Tensors = Readonly<Record<string, Tensor>>

/**
 * {logp [S,L], batch: {mask, ref?, …the loss's fields}} → {cotangent: ∂L/∂log π, [S,L], loss}. L is the mean over
 * the batch's units, so the cotangent already holds 1/count. By autodiff: no closed form is trusted.
 */
export function lossCotangentProgram(loss: Loss, sequences: number, tokens: number): Program {
  const value = traceAs<{ logp: Tensor; batch: Tensors }>(
    ({ logp, batch }) => ({
      loss: lossValue(loss, { logp, mask: batch.mask, ref: batch.ref, fields: batch }),
    }),
    {
      logp: f32(sequences, tokens),
      batch: {
        mask: f32(sequences, tokens),
        ...(loss.needs.reference ? { ref: f32(sequences, tokens) } : {}),
        ...loss.fields?.(sequences, tokens),
      },
    },
  )
  return grad(value, { wrt: 'logp', of: 'loss' })
}

/** What a token's figures are computed from, one number a token. */
export interface TokenFigures {
  /** log π of the token, nats. */
  readonly logp: ArrayLike<number>
  /** ‖π‖². */
  readonly piSquared: ArrayLike<number>
  /** ‖π − e_y‖. */
  readonly pError: ArrayLike<number>
}

export interface TokenKernelParts {
  /** k[m][l] = ⟨∇log π_m, ∇log π_l⟩: observed tokens by update tokens. */
  readonly kernel: readonly ArrayLike<number>[]
  /** ∂L/∂log π_l of every update token. */
  readonly cotangents: ArrayLike<number>
  readonly observed: TokenFigures
  readonly update: TokenFigures
  /** Learning rate of the gradient step. */
  readonly eta: number
  readonly vocab: number
}

export interface TokenContributions {
  /** C[m][l], nats. */
  readonly C: readonly Float64Array[]
  /** Σ_l C[m][l]: predicted Δlog π of every observed token. */
  readonly byObserved: Float64Array
  /** Σ_m C[m][l]: what each update token does to the whole observed response. */
  readonly byUpdate: Float64Array
  /** Σ over both. */
  readonly total: number
  readonly margins: {
    /**
     * ‖A_m‖_F = √(V − 2 + V‖π‖²), and the norm of its row y_m, ‖e_y − π‖: how far the token can be moved at all.
     */
    readonly A: Float64Array
    readonly rowA: Float64Array
    /** ‖G_l‖ = |∂L/∂log π_l|·‖π − e_y‖, with the sign of the pull: positive pulls the update token up. */
    readonly G: Float64Array
    /** K between the two directions that matter, each of length 1: k[m][l] / (‖e_y − π‖_m ‖e_y − π‖_l). */
    readonly K: readonly Float64Array[]
  }
}

/** Puts the parts together. Throws RangeError where their sizes differ or a number is not finite. */
export function tokenContributions(parts: TokenKernelParts): TokenContributions {
  const { kernel, cotangents, observed, update, eta, vocab } = parts
  const [M, L] = [kernel.length, cotangents.length]
  if (observed.pError.length !== M || update.pError.length !== L)
    throw new RangeError(
      `tokenContributions: the kernel is ${M} × ${L}, the figures are of ${observed.pError.length} observed and ${update.pError.length} update tokens`,
    )
  const C = kernel.map((row, m) =>
    Float64Array.from({ length: L }, (_, l) => {
      const c = -eta * cotangents[l] * row[l]
      if (!Number.isFinite(c))
        throw new RangeError(`tokenContributions: C[${m},${l}] is ${c}; k = ${row[l]}, ∂L/∂log π = ${cotangents[l]}`)
      return c
    }),
  )
  const byObserved = Float64Array.from(C, (row) => row.reduce((a, b) => a + b, 0))
  return {
    C,
    byObserved,
    byUpdate: Float64Array.from({ length: L }, (_, l) => C.reduce((n, row) => n + row[l], 0)),
    total: byObserved.reduce((a, b) => a + b, 0),
    margins: {
      A: Float64Array.from(observed.piSquared, (p) => Math.sqrt(vocab - 2 + vocab * p)),
      rowA: Float64Array.from(observed.pError),
      G: Float64Array.from({ length: L }, (_, l) => -cotangents[l] * update.pError[l]),
      K: kernel.map((row, m) =>
        Float64Array.from({ length: L }, (_, l) => {
          const size = observed.pError[m] * update.pError[l]
          // A token that is certain (π = e_y) moves nothing and is moved by nothing: K along it is not asked for.
          return size === 0 ? 0 : row[l] / size
        }),
      ),
    },
  }
}
