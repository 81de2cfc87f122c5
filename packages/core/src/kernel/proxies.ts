/**
 * The paper's stand-ins for a kernel that it did not compute (paper.md §6.3, eq. 26), as defined and as published.
 *
 * Defined, for one update (x_u, y_u) and one observed response o of M tokens:
 *     LBK      = ‖Δlog π‖_F² / (‖A_o‖_F² ‖G_u‖_F²)  ≤  η²‖K_uo‖_F²       over V × M, V × M and V × L
 *     SignDelta = E_{v,m}[log π^{t+1} − log π^t]                            mean over vocabulary and tokens, nats
 *
 * Published, over N probes of one type between two evaluations, δ the vector of *summed* log-prob changes:
 *     LBK'      = ‖δ‖₂ / (√a · p),     SignDelta' = mean(δ) / (√a · p)
 * a the mean of what the released code calls A_o (already a norm, so the powers do not match eq. 26), p the mean
 * of p_e; in the released runs p was that of the last response type, random_nonhum, not of the observed one
 * (paper.md §1.2).
 */
import { logSoftmax, matmul, square, sub, sum, type Program, type Tensor, type Tree } from '@ldyn/tensor'
import type { CausalLM } from '../model.ts'
import { readSpecs, type ReadShape } from '../programs/evaluate.ts'
import { readHidden, traceAs, type Batch } from '../programs/forward.ts'

/**
 * {before, after (parameters), batch (readSpecs)} → {squares: Σ_v (Δlog π)², sums: Σ_v Δlog π}, each [N]: the
 * change of the whole distribution at every read, nothing V-sized leaving the device. Both models are on the
 * device at once.
 */
export const changeProgram = (model: CausalLM, shape: ReadShape): Program =>
  traceAs<{ before: Tree<Tensor>; after: Tree<Tensor>; batch: Batch }>(
    ({ before, after, batch }) => {
      const logPi = (params: Tree<Tensor>): Tensor =>
        logSoftmax(matmul(readHidden(model, params, batch), model.head(params), false, true))
      const change = sub(logPi(after), logPi(before))
      return { squares: sum(square(change), -1), sums: sum(change, -1) }
    },
    { before: model.params, after: model.params, batch: readSpecs(shape) },
  )

export interface DefinedProxyParts {
  /** Σ_v (Δlog π)² and Σ_v Δlog π of every observed token. */
  readonly squares: ArrayLike<number>
  readonly sums: ArrayLike<number>
  /** ‖π‖² of every observed token, before. */
  readonly piSquared: ArrayLike<number>
  /** ‖G_l‖ of every update token, before. */
  readonly gNorms: ArrayLike<number>
  readonly vocab: number
}

export interface Proxies {
  readonly lbk: number
  readonly signDelta: number
}

const total = (x: ArrayLike<number>, f: (v: number) => number = (v) => v): number => {
  let n = 0
  for (let i = 0; i < x.length; i++) n += f(x[i])
  return n
}

/** Eq. 26. `lbk` is at most η²‖K‖_F² up to second order; divide by η² to compare with a kernel's norm. */
export function definedProxies(parts: DefinedProxyParts): Proxies {
  const { squares, sums, piSquared, gNorms, vocab } = parts
  const a = total(piSquared, (p) => vocab - 2 + vocab * p)
  const g = total(gNorms, (x) => x * x)
  return { lbk: total(squares) / (a * g), signDelta: total(sums) / (vocab * sums.length) }
}

/** Of N probes of one type between two evaluations: their change, and ‖A‖ and p_e at the first of them. */
export interface PublishedProxyParts {
  /** Σ log π after minus before, one a probe. */
  readonly delta: readonly number[]
  readonly aNorm: readonly number[]
  /** Of the observed type, or of random_nonhum for what the released code has. */
  readonly pError: readonly number[]
}

export function publishedProxies({ delta, aNorm, pError }: PublishedProxyParts): Proxies {
  const mean = (x: readonly number[]): number => total(x) / x.length
  const scale = Math.sqrt(mean(aNorm)) * mean(pError)
  return { lbk: Math.sqrt(total(delta, (x) => x * x)) / scale, signDelta: mean(delta) / scale }
}

/** Exponential smoothing as the notebook draws it: s ← w·s + (1 − w)·x from the first value on. */
export function smoothed(values: readonly number[], weight = 0.9): number[] {
  let s = values[0]
  return values.map((x, i) => (s = i === 0 ? x : weight * s + (1 - weight) * x))
}
