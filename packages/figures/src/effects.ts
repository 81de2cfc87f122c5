/**
 * How sure an effect is, in one fixed vocabulary. The rule is printed with every text that uses it, and nothing else
 * decides a word: |Δ| beyond two standard errors "clearly", beyond one "slightly", else "not beyond noise".
 */
import { withError } from './numbers.ts'
import { change, estimate, type Estimate, type Sample } from './series.ts'

export type Surety = 'clear' | 'slight' | 'noise'

export const RULE =
  'Δ is the mean over probes of each probe’s own change (paired), ± its standard error over probes. “Clearly” ' +
  'means |Δ| > 2 standard errors, “slightly” between 1 and 2, and below 1 a change is called not beyond noise. ' +
  'A rise that turns (“rose, then fell”) must exceed 1 standard error on both sides of its peak; the peak is looked for in the ' +
  'data, which makes it a little easier to find one. The errors speak of these probes only: not of another seed or order of the data.'

/** A caution for runs with few probes, '' for others: a standard error from few values is itself uncertain. */
export const caution = (probes: number): string =>
  probes > 0 && probes < FEW
    ? `There ${probes === 1 ? 'is only 1 probe' : `are only ${probes} probes`}: standard errors from so few are rough, so “clearly” says less than it would with ${FEW} or more.`
    : ''
const FEW = 10

export const suretyOf = ({ mean, se, n }: Estimate): Surety => {
  // One probe has no spread, so nothing can be said of its noise; without any spread every change is beyond it.
  if (mean === 0 || n < 2) return 'noise'
  const ratio = se === 0 ? Infinity : Math.abs(mean) / se
  return ratio > 2 ? 'clear' : ratio > 1 ? 'slight' : 'noise'
}

/** "59.6 ± 2.1": how far, where a word says which way. */
export const size = ({ mean, se }: Estimate): string => withError(Math.abs(mean), se).replace(/^\+/, '')

/** "clearly fell by 59.6 ± 2.1 nats". */
export const moved = (
  delta: Estimate,
  unit = 'nats',
  words: readonly [string, string] = ['rose', 'fell'],
): string => {
  const exact = `${withError(delta.mean, delta.se)} ${unit}`
  if (delta.n < 2) return `changed by ${exact} (one probe, so its noise is unknown)`
  const surety = suretyOf(delta)
  if (surety === 'noise') return `did not move beyond noise (${exact})`
  return `${surety === 'clear' ? 'clearly' : 'slightly'} ${words[delta.mean > 0 ? 0 : 1]} by ${size(delta)} ${unit}`
}

/** What a path does between its first and its last evaluation: whether it turns in between. */
export interface Path {
  readonly whole: Estimate
  /** The evaluation at which it turns, and the changes before and after; undefined where it does not, beyond noise. */
  readonly turn?: {
    readonly at: number
    readonly kind: 'peak' | 'trough'
    readonly before: Estimate
    readonly after: Estimate
  }
}

/** Follows a sample over the given evaluations (indices, in order; two at least). */
export const pathOf = (sample: Sample, evaluations: readonly number[]): Path => {
  const [first, last] = [evaluations[0], evaluations.at(-1)!]
  const means = evaluations.map((e) => estimate(sample.at[e]).mean)
  const turnAt = (at: number, kind: 'peak' | 'trough') => {
    const e = evaluations[at]
    if (e === first || e === last) return []
    const [before, after] = [change(sample, first, e), change(sample, e, last)]
    const real = suretyOf(before) !== 'noise' && suretyOf(after) !== 'noise'
    return real ? [{ at: e, kind, before, after }] : []
  }
  const turns = [
    ...turnAt(means.indexOf(Math.max(...means)), 'peak'),
    ...turnAt(means.indexOf(Math.min(...means)), 'trough'),
  ].sort(
    (a, b) =>
      Math.min(Math.abs(b.before.mean), Math.abs(b.after.mean)) -
      Math.min(Math.abs(a.before.mean), Math.abs(a.after.mean)),
  )
  return { whole: change(sample, first, last), ...(turns.length > 0 && { turn: turns[0] }) }
}

/** The estimate of a list of paired differences. */
export const paired = (a: readonly number[], b: readonly number[]): Estimate =>
  estimate(a.map((x, i) => x - b[i]))
