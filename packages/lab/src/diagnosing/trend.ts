/**
 * How far a curve moved over a window, and how far it would move by chance. Of two kinds of chance the larger counts:
 *
 *   probes      the standard error over probes of each one's own change, s/√n: other prompts might have moved otherwise
 *   trajectory  that of a least-squares slope times the window's length; the residuals' lag-1 autocorrelation ρ leaves
 *               n(1 − ρ)/(1 + ρ) of n evaluations to count, since one that is high makes the next one high too
 *
 * Means without probes and with fewer than five evaluations have neither, and then nothing is called sure. A third kind
 * is said beside and lowers confidence: a curve that wanders without direction gets σ√n far, and has its maximum behind
 * it most of the time. No single run can exclude that; another seed or order of the data can.
 */
import { endPoints, thresholds } from './thresholds.ts'

/** One curve: a metric of a response type over the evaluations of a stage, or a column of a training log. */
export interface Track {
  /** `logp chosen`, `rewards/margins`. */
  readonly name: string
  readonly metric: string
  readonly type?: string
  readonly steps: readonly number[]
  readonly mean: readonly number[]
  /** By evaluation, one value a probe; without it the log holds means alone. */
  readonly values?: readonly (readonly number[])[]
  /** Probe rows of the values. */
  readonly rows?: readonly number[]
  /**
   * `probes`: always the same ones. `means`: of such, and single ones are not known. `batches`: other
   * examples each time.
   */
  readonly of: 'probes' | 'means' | 'batches'
}

export type Surety = 'clear' | 'slight' | 'noise' | 'unknown'

export interface Move {
  readonly from: number
  readonly to: number
  /** to − from. */
  readonly change: number
  /** Undefined where the log gives no way to know. */
  readonly se: number | undefined
  readonly surety: Surety
  /** How far a walk of this curve's own step would get over the window: said beside, not part of `se`. */
  readonly wandering: number | undefined
  /** Steps of the window's first and last evaluation, and how many lie in it. */
  readonly window: readonly [number, number]
  readonly points: number
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length
const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Medians of three: one spike moves nothing. */
export const smoothed = (values: readonly number[]): readonly number[] =>
  values.map((_, i) => (i === 0 || i === values.length - 1 ? values[i] : median(values.slice(i - 1, i + 2))))

/** σ of the jumps from one evaluation to the next: second differences of white noise have variance 6σ². */
const jumpSigma = (values: readonly number[]): number | undefined =>
  values.length < thresholds.points
    ? undefined
    : (1.4826 * median(values.slice(2).map((x, i) => Math.abs(x - 2 * values[i + 1] + values[i])))) /
      Math.sqrt(6)

/** Standard error of slope × length over the window; undefined below five points. */
export const trendError = (values: readonly number[]): number | undefined => {
  const n = values.length
  if (n < thresholds.points) return undefined
  const [x0, y0] = [(n - 1) / 2, mean(values)]
  const xx = (n * (n * n - 1)) / 12
  const slope = values.reduce((sum, y, x) => sum + (x - x0) * (y - y0), 0) / xx
  const rest = values.map((y, x) => y - y0 - slope * (x - x0))
  const square = rest.reduce((sum, r) => sum + r * r, 0)
  if (square === 0) return 0
  const lag = rest.slice(1).reduce((sum, r, i) => sum + r * rest[i], 0) / square
  const rho = Math.min(0.95, Math.max(0, lag))
  const counting = Math.max(2, (n * (1 - rho)) / (1 + rho))
  // Var(slope) = s²/Σ(x − x̄)², Σ(x − x̄)² = n(n² − 1)/12, with the counting evaluations in place of n.
  return (Math.sqrt(square / (n - 2)) * Math.sqrt(12 / counting) * (n - 1)) / Math.sqrt(n * n - 1)
}

/**
 * How far a walk without direction of this curve's own step would get, σ√n; 0 where its noise does not add up. σ² is
 * what the variance of k-step changes grows by a step. Medians in place of variances, so that a single fall is no walk.
 */
const wanderingError = (values: readonly number[]): number | undefined => {
  const n = values.length
  if (n < 2 * thresholds.points) return undefined
  const spread = (k: number): number => {
    const steps = values.slice(k).map((x, i) => x - values[i])
    const middle = median(steps)
    return (1.4826 * median(steps.map((x) => Math.abs(x - middle)))) ** 2
  }
  const k = Math.max(2, Math.round(n / 8))
  return Math.sqrt((Math.max(0, spread(k) - spread(1)) / (k - 1)) * (n - 1))
}

/** Standard error over probes of the change between two rows of values; undefined below two probes. */
const pairedError = (changes: readonly number[]): number | undefined => {
  const n = changes.length
  if (n < 2) return undefined
  const m = mean(changes)
  return Math.sqrt(changes.reduce((sum, x) => sum + (x - m) ** 2, 0) / (n - 1) / n)
}

const suretyOf = (change: number, se: number | undefined): Surety => {
  if (se === undefined) return 'unknown'
  if (change === 0) return 'noise'
  const ratio = se === 0 ? Infinity : Math.abs(change) / se
  return ratio > thresholds.clear ? 'clear' : ratio > thresholds.slight ? 'slight' : 'noise'
}

/**
 * Where a window begins and ends: the untrained model as it is, any other beginning as the mean of three
 * evaluations (a maximum is partly chance), an end as that of the last tenth.
 */
const weightsOf = (
  from: number,
  to: number,
): readonly (readonly [evaluation: number, weight: number])[][] => {
  const k = endPoints(to - from + 1)
  const around = [from - 1, from, from + 1]
  return [
    from === 0 || from + 1 >= to ? [[from, 1]] : around.map((e) => [e, 1 / 3] as const),
    Array.from({ length: k }, (_, i) => [to - i, 1 / k] as const),
  ]
}

/** Each probe's own change over the window, in the order of `track.rows`; undefined for means. */
export const probeChanges = (
  track: Track,
  from: number,
  to: number = track.mean.length - 1,
): readonly number[] | undefined => {
  const { values } = track
  if (!values) return undefined
  const [start, end] = weightsOf(from, to)
  const at = (i: number, points: typeof start) => points.reduce((sum, [e, w]) => sum + w * values[e][i], 0)
  return values[0].map((_, i) => at(i, end) - at(i, start))
}

/** The change of a track from evaluation `from` to evaluation `to` of it, inclusive. */
export const moveOf = (track: Track, from = 0, to = track.mean.length - 1): Move => {
  const [start, end] = weightsOf(from, to)
  const level = (points: typeof start) => points.reduce((sum, [e, w]) => sum + w * track.mean[e], 0)
  const [a, b] = [level(start), level(end)]
  const changes = probeChanges(track, from, to)
  const window = track.mean.slice(from, to + 1)
  // From the window alone, where it is long enough: a hump, seen whole, looks like a walk and is none.
  const whole = wanderingError(track.mean)
  const wandering = wanderingError(window) ?? (whole && whole * Math.sqrt(window.length / track.mean.length))
  const errors = [changes && pairedError(changes), trendError(window)].filter((e) => e !== undefined)
  const se = errors.length > 0 ? Math.max(...errors) : undefined
  return {
    from: a,
    to: b,
    change: b - a,
    se,
    surety: suretyOf(b - a, se),
    wandering,
    window: [track.steps[from], track.steps[to]],
    points: to - from + 1,
  }
}

/**
 * Where a curve begins to fall: the last evaluation whose smoothed value is within a standard error of the
 * maximum. 0 for one that falls from the start; undefined for one whose maximum is at its end.
 */
export const peakOf = (track: Track): number | undefined => {
  const values = smoothed(track.mean)
  const last = values.length - 1
  const top = Math.max(...values)
  const at = values.indexOf(top)
  if (at >= last) return undefined
  const sigma = jumpSigma(track.mean) ?? 0
  for (let i = last - 1; i > at; i--) if (values[i] >= top - sigma) return i
  return at
}

/** σ of the jumps from one evaluation to the next, as a share of the level: how restless a curve is. */
export const restlessness = ({ mean: values }: Track): number | undefined => {
  const sigma = jumpSigma(values)
  return sigma && sigma / Math.abs(mean(values))
}
