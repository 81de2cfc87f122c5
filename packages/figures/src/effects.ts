/**
 * How sure an effect is, in one fixed vocabulary. The rule is printed with every text that uses it, and nothing else
 * decides a word: |Δ| beyond two standard errors "clearly", beyond one "slightly", else "not beyond noise". A single
 * value (one probe, or a mean that a log holds without its probes) has no error: what it did is said, and no degree.
 */
import { letter } from './lines.ts'
import { list, plural, withError } from './numbers.ts'
import { change, estimate, type Estimate, type RunData, type Sample } from './series.ts'

export type Surety = 'clear' | 'slight' | 'noise' | 'unknown'

export const RULE =
  'Δ is the mean over probes of each probe’s own change (paired), ± its standard error over probes. “Clearly” ' +
  'means |Δ| > 2 standard errors, “slightly” between 1 and 2, and below 1 a change is called not beyond noise. ' +
  'A rise that turns (“rose, then fell”) must exceed 1 standard error on both sides of its peak; the peak is looked for in the ' +
  'data, which makes it a little easier to find one. A change without ± has one value behind it, and so no error: it is said ' +
  'which way it went and not how surely, and a turn is told where both sides are a fifth of the curve’s range or more. ' +
  'The errors speak of these probes only: not of another seed or order of the data.'

type Followed = Pick<RunData, 'manifest' | 'probes'>

const isMeans = ({ manifest, probes }: Followed): boolean =>
  probes !== undefined && manifest.imported?.meansOnly === true

/**
 * What is said once, beside all words about some runs, of how sure their changes are: that a log holds means alone,
 * that there is one probe, that there are few. '' where nothing has to be said.
 */
export const caution = (runs: readonly Followed[]): string => {
  const means = runs.flatMap((run, r) => (isMeans(run) ? [letter(r)] : []))
  const counts = runs.flatMap((run) => (run.probes && !isMeans(run) ? [run.probes.rows.length] : []))
  const fewest = counts.length > 0 ? Math.min(...counts) : FEW
  const whose =
    runs.length === 1 ? 'The log holds' : `The ${means.length === 1 ? 'log' : 'logs'} of ${list(means)} ${means.length === 1 ? 'holds' : 'hold'}`
  return [
    means.length > 0
      ? `${whose} means over probes alone, not how many there were or how they differ: what moved, and which way, can be said, and not how sure that is.`
      : '',
    fewest === 1
      ? 'There is only 1 probe: what it did can be said, and not how sure that is.'
      : fewest < FEW
        ? `There are only ${plural(fewest, 'probe')}: standard errors from so few are rough, so “clearly” says less than it would with ${FEW} or more.`
        : '',
  ]
    .filter(Boolean)
    .join(' ')
}
const FEW = 10

export const suretyOf = ({ mean, se, n }: Estimate): Surety => {
  if (n < 2) return 'unknown'
  if (mean === 0) return 'noise'
  // Without any spread every change is beyond noise.
  const ratio = se === 0 ? Infinity : Math.abs(mean) / se
  return ratio > 2 ? 'clear' : ratio > 1 ? 'slight' : 'noise'
}

/** Which way a change went: 0 where that is within noise. Of a single value, the way that it went. */
export const wayOf = (delta: Estimate): -1 | 0 | 1 =>
  suretyOf(delta) === 'noise' ? 0 : (Math.sign(delta.mean) as -1 | 0 | 1)

/** "59.6 ± 2.1": how far, where a word says which way. */
export const size = ({ mean, se }: Estimate): string => withError(Math.abs(mean), se).replace(/^\+/, '')

/** "clearly fell by 59.6 ± 2.1 nats"; of a single value "fell by 59.6 nats". */
export const moved = (
  delta: Estimate,
  unit = 'nats',
  words: readonly [string, string] = ['rose', 'fell'],
): string => {
  const surety = suretyOf(delta)
  if (surety === 'noise') return `did not move beyond noise (${withError(delta.mean, delta.se)} ${unit})`
  if (delta.mean === 0) return 'is what it was'
  const degree = { clear: 'clearly ', slight: 'slightly ', unknown: '' }[surety]
  return `${degree}${words[delta.mean > 0 ? 0 : 1]} by ${size(delta)} ${unit}`
}

/** Where a curve turns between two evaluations, and its changes before and after. */
export interface Turn {
  readonly at: number
  readonly kind: 'peak' | 'trough'
  readonly before: Estimate
  readonly after: Estimate
}

/** What a path does between its first and its last evaluation: whether it turns in between. */
export interface Path {
  readonly whole: Estimate
  /** Its stronger turn; undefined where there is none beyond noise. */
  readonly turn?: Turn
  /** Whether it has a peak beyond noise, be it the stronger turn or not. */
  readonly peaked: boolean
}

/** Of a curve without errors a turn counts where both sides are this share of its range. */
const PLAIN_TURN = 0.2

/** Follows a sample over the given evaluations (indices, in order; two at least). */
export const pathOf = (sample: Sample, evaluations: readonly number[]): Path => {
  const [first, last] = [evaluations[0], evaluations.at(-1)!]
  const means = evaluations.map((e) => estimate(sample.at[e]).mean)
  const [low, high] = [Math.min(...means), Math.max(...means)]
  const counts = (side: Estimate): boolean =>
    suretyOf(side) === 'unknown' ? Math.abs(side.mean) >= PLAIN_TURN * (high - low) : suretyOf(side) !== 'noise'
  const turnAt = (at: number, kind: Turn['kind']): readonly Turn[] => {
    const e = evaluations[at]
    if (e === first || e === last || high === low) return []
    const [before, after] = [change(sample, first, e), change(sample, e, last)]
    return counts(before) && counts(after) ? [{ at: e, kind, before, after }] : []
  }
  const [peak, trough] = [turnAt(means.indexOf(high), 'peak'), turnAt(means.indexOf(low), 'trough')]
  const weaker = ({ before, after }: Turn): number => Math.min(Math.abs(before.mean), Math.abs(after.mean))
  const [turn] = [...peak, ...trough].sort((a, b) => weaker(b) - weaker(a))
  return { whole: change(sample, first, last), ...(turn && { turn }), peaked: peak.length > 0 }
}

/** The estimate of a list of paired differences. */
export const paired = (a: readonly number[], b: readonly number[]): Estimate =>
  estimate(a.map((x, i) => x - b[i]))
