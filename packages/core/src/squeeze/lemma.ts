/**
 * One gradient step on a softmax, exactly (paper.md §2.6, App. E): what a step on one class does to all others.
 *
 * Logits move by −η'(p − e_y), with η' = η‖x‖² for logistic regression (η' > 0 descends −log p_y and pulls y up; η' < 0
 * ascends it and pushes y down). Lemma 1 then says of every class i
 *
 *   α_i = p_i'/p_i,   ln α_i = −η'(p_i − δ_iy) − ln Z,   Z = Σ_j p_j exp(−η'(p_j − δ_jy)).
 *
 * For a push (ε = −η' > 0) ln α_i + ln Z = ε·p_i among i ≠ y: the ratio rises strictly with p_i, so that "the rich get
 * richer" is a guarantee, and a class rises exactly if p_i > p_thr = ln Z/ε. Everything is in log-probs: a class in the
 * valley has p of 1e-14 and a ratio all the same.
 */

export interface Step {
  /** Class that the step is on. */
  readonly y: number
  /** η': above 0 pulls y up, below 0 pushes it down. */
  readonly eta: number
}

export interface Stepped {
  /** log p after the step, [V]. */
  readonly logp: Float64Array
  /** ln α_i = log p_i' − log p_i, [V]. */
  readonly logAlpha: Float64Array
  /** ln Z. */
  readonly logZ: number
}

/** log Σ e^x; −∞ of nothing. */
export function logSumExp(x: ArrayLike<number>): number {
  let top = -Infinity
  for (let i = 0; i < x.length; i++) top = Math.max(top, x[i])
  if (!Number.isFinite(top)) return top
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i] - top)
  return top + Math.log(sum)
}

/** Logits → log-probs. */
export function logSoftmaxOf(logits: ArrayLike<number>): Float64Array {
  const total = logSumExp(logits)
  return Float64Array.from(logits, (z) => z - total)
}

/** log-probs of probabilities, made to add up to 1. */
export const logsOf = (p: ArrayLike<number>): Float64Array => logSoftmaxOf(Float64Array.from(p, Math.log))

const check = (logp: ArrayLike<number>, { y, eta }: Step): void => {
  if (!Number.isInteger(y) || y < 0 || y >= logp.length)
    throw new RangeError(`squeeze: class ${y} is none of 0…${logp.length - 1}`)
  if (!Number.isFinite(eta)) throw new RangeError(`squeeze: eta is ${eta}; it must be finite`)
}

/** ln Σ p e^tilt; around small tilts from what they add to 1. */
function logOfTilted(logp: ArrayLike<number>, tilt: Float64Array): number {
  if (tilt.some((t) => Math.abs(t) > 1)) return logSumExp(tilt.map((t, i) => t + logp[i]))
  return Math.log1p(tilt.reduce((n, t, i) => n + Math.exp(logp[i]) * Math.expm1(t), 0))
}

/**
 * Lemma 1: log p after steps of the given classes, all taken at once from the same p, as a pull and a push of one
 * update are. Throws RangeError for a class that is not there.
 */
export function step(logp: ArrayLike<number>, ...steps: readonly Step[]): Stepped {
  for (const s of steps) check(logp, s)
  const total = steps.reduce((n, { eta }) => n + eta, 0)
  const tilt = Float64Array.from(logp, (l) => -total * Math.exp(l))
  // −η'(p_y − 1) from log p_y, so that it keeps its digits where p_y is near 1.
  for (const { y, eta } of steps) tilt[y] += eta * Math.exp(logp[y]) - eta * Math.expm1(logp[y])
  const logZ = logOfTilted(logp, tilt)
  const logAlpha = tilt.map((t) => t - logZ)
  return { logp: logAlpha.map((a, i) => a + logp[i]), logAlpha, logZ }
}

/** p_thr = ln Z/ε of a push: another class rises exactly if its p is above it. RangeError for a pull. */
export function threshold(logp: ArrayLike<number>, push: Step): number {
  if (!(push.eta < 0)) throw new RangeError(`threshold: eta is ${push.eta}; only a push (eta < 0) has one`)
  return step(logp, push).logZ / -push.eta
}

/** p_thr to first order in ε: ‖p‖² − p_y, which is 0 for a uniform p and about p_max² for a peaky one. */
export const firstOrderThreshold = (logp: ArrayLike<number>, y: number): number =>
  Array.from(logp).reduce((n, l) => n + Math.exp(2 * l), 0) - Math.exp(logp[y])

/** d log p_i/dη' at η' = 0: −[(p_i − δ_iy) − (‖p‖² − p_y)], [V]. */
export function firstOrder(logp: ArrayLike<number>, y: number): Float64Array {
  const level = firstOrderThreshold(logp, y)
  return Float64Array.from(logp, (l, i) => level - (Math.exp(l) - Number(i === y)))
}
