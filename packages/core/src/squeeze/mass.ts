/**
 * Where did the mass go? A distribution before and after, and what was taken from whom and given to whom; and how much
 * lies in each band of ranks (1, 2–5, 6–20, 21–100, the rest), ranked anew each time.
 */
import { logSumExp } from './lemma.ts'

/** Ranks from 1, the last band open. */
export const RANK_BANDS = [
  { name: '1', from: 1, to: 1 },
  { name: '2-5', from: 2, to: 5 },
  { name: '6-20', from: 6, to: 20 },
  { name: '21-100', from: 21, to: 100 },
  { name: 'rest', from: 101, to: Infinity },
] as const
export type RankBand = (typeof RANK_BANDS)[number]['name']

/** Probability in each band, largest first; a band that the vocabulary does not reach has 0. */
export function massByRank(logp: ArrayLike<number>): Record<RankBand, number> {
  const sorted = Float64Array.from(logp).sort().reverse()
  return Object.fromEntries(
    RANK_BANDS.map(({ name, from, to }) => [name, Math.exp(logSumExp(sorted.slice(from - 1, to)))]),
  ) as Record<RankBand, number>
}

/** Index of the largest entry, of equals the first; `except` is left out. −1 of nothing. */
export function argmaxOf(x: ArrayLike<number>, except = -1): number {
  let best = -1
  for (let i = 0; i < x.length; i++) if (i !== except && (best < 0 || x[i] > x[best])) best = i
  return best
}

/** −Σ p log p, in nats. */
export const entropyOf = (logp: ArrayLike<number>): number =>
  Array.from(logp).reduce((n, l) => n - (l === -Infinity ? 0 : Math.exp(l) * l), 0)

export interface Moved {
  readonly class: number
  readonly before: number
  readonly after: number
}

export interface MassReport {
  /** i* = argmax over all classes but y before the step, with its probability before and after. */
  readonly star: Moved
  /** The class that the step was on. */
  readonly y: Moved
  /** The largest probability before and after, whoever holds it. */
  readonly peak: { readonly before: number; readonly after: number }
  /** Classes whose probability rose, and fell; those that did not move are in neither. */
  readonly up: number
  readonly down: number
  /** Mass taken from y, and from all others that fell. */
  readonly takenFromY: number
  readonly takenFromOthers: number
  /** Of all mass that was gained, the share that i* got: the squeeze index, in [0, 1]; 0 where nothing moved. */
  readonly starShare: number
  readonly entropy: { readonly before: number; readonly after: number }
  readonly bands: Readonly<Record<RankBand, { readonly before: number; readonly after: number }>>
}

/** What changed between two distributions of the same classes, seen from a step on y. */
export function massReport(before: ArrayLike<number>, after: ArrayLike<number>, y: number): MassReport {
  const moved = (i: number): Moved => ({ class: i, before: Math.exp(before[i]), after: Math.exp(after[i]) })
  const star = argmaxOf(before, y)
  // p' − p without the cancellation of two nearly equal probabilities.
  const change = Float64Array.from(before, (b, i) => Math.exp(b) * Math.expm1(after[i] - b))
  const gained = change.reduce((n, c) => n + Math.max(0, c), 0)
  const [from, to] = [massByRank(before), massByRank(after)]
  return {
    star: moved(star),
    y: moved(y),
    peak: { before: Math.exp(before[argmaxOf(before)]), after: Math.exp(after[argmaxOf(after)]) },
    up: change.filter((c) => c > 0).length,
    down: change.filter((c) => c < 0).length,
    takenFromY: Math.max(0, -change[y]),
    takenFromOthers: change.reduce((n, c, i) => (i === y ? n : n + Math.max(0, -c)), 0),
    starShare: gained > 0 ? Math.max(0, change[star]) / gained : 0,
    entropy: { before: entropyOf(before), after: entropyOf(after) },
    bands: Object.fromEntries(
      RANK_BANDS.map(({ name }) => [name, { before: from[name], after: to[name] }]),
    ) as MassReport['bands'],
  }
}
