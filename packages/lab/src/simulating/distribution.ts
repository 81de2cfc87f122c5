/** What the figures of a response are for a single class under one distribution (contracts.md §4; T = 1 token). */
import { argmaxOf } from '@ldyn/core'
import type { Metric } from '@ldyn/runs'

/** Σ p² without y, and log Σ_{i≠top} p: both need a pass that leaves one entry out. */
function without(logp: ArrayLike<number>, left: number): { readonly squares: number; readonly log: number } {
  let [squares, sum, top] = [0, 0, -Infinity]
  for (let i = 0; i < logp.length; i++) if (i !== left) top = Math.max(top, logp[i])
  for (let i = 0; i < logp.length; i++) {
    if (i === left) continue
    squares += Math.exp(2 * logp[i])
    sum += Math.exp(logp[i] - top)
  }
  return { squares, log: top + Math.log(sum) }
}

/** Every metric of a run for class y, from log-probs [V]. Sums are of one token, and so are means. */
export function metricsOfClass(logp: ArrayLike<number>, y: number): Record<Metric, number> {
  const top = argmaxOf(logp)
  const others = without(logp, y).squares
  const squares = others + Math.exp(2 * logp[y])
  return {
    logp: logp[y],
    argmax_logp: logp[top],
    rest_logp: without(logp, top).log,
    energy: -Math.expm1(logp[y]),
    p_e: Math.sqrt(Math.expm1(logp[y]) ** 2 + others),
    a_norm: Math.sqrt(logp.length - 2 + logp.length * squares),
    entropy: Array.from(logp).reduce((n, l) => n - Math.exp(l) * l, 0),
  }
}
