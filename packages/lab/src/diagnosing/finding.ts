/** A verdict with its evidence, and the words for a change of a curve. */
import type { Evidence } from './evidence.ts'
import type { Track } from './trend.ts'

export const VERDICTS = {
  diverged: 'the optimisation diverged',
  'reference-mismatch': 'the reference is not the model that training began with',
  squeezing: 'probability mass is squeezed onto the likeliest tokens',
  'learning-rate-too-high': 'the learning rate is too high',
  displacement: 'chosen loses probability, and the log does not say where it goes',
  undertrained: 'next to nothing has been learned yet',
  benign: 'benign',
  inconclusive: 'the log does not hold enough to tell',
} as const
export type Verdict = keyof typeof VERDICTS

export type Confidence = 'strong' | 'moderate' | 'weak'

/** What would make a verdict surer, and the command that gives it. */
export interface Wanted {
  readonly what: string
  readonly command: string
}

export interface Finding {
  readonly verdict: Verdict
  readonly confidence: Confidence
  /** A sentence or two, with their numbers. */
  readonly says: string
  readonly evidence: readonly Evidence[]
  /** The step at which it began, and how that was told. */
  readonly since: { readonly step: number; readonly how: string } | undefined
  /** What weakens it. */
  readonly caveats: readonly string[]
  readonly wanted: readonly Wanted[]
}

export const OBSERVE: Wanted = {
  what: 'where the mass goes (argmax, entropy, ‖A‖) on a fixed probe set, checkpoint by checkpoint',
  command: 'ldyn observe --model <checkpoint…> --probe <probes.jsonl>',
}
export const EXPLAIN: Wanted = {
  what: 'which examples, tokens and layers moved chosen between two checkpoints',
  command: 'ldyn explain --from <checkpoint A> --to <checkpoint B> --probe <probes.jsonl>',
}

export const lessSure = (confidence: Confidence): Confidence =>
  confidence === 'strong' ? 'moderate' : 'weak'

export const kept = (list: readonly (Evidence | undefined)[]): readonly Evidence[] =>
  list.filter((one) => one !== undefined)

/** Each curve once, as it was first said. */
export const once = (list: readonly Evidence[]): readonly Evidence[] =>
  list.filter(({ curve }, i) => list.findIndex((other) => other.curve === curve) === i)

/** Three or four figures, with a true minus. */
export const figure = (x: number): string => {
  const size = Math.abs(x)
  const text = size >= 100 ? x.toFixed(1) : size >= 1 ? x.toFixed(2) : x.toPrecision(3)
  return text.replace('-', '−')
}

/** "log π(y⁺) −140.2 → −146.3 (−6.10 ± 0.600)". */
export const moved = (noun: string, { move }: Evidence): string => {
  const sign = move.change > 0 ? '+' : ''
  const se = move.se === undefined ? ', error unknown' : ` ± ${figure(move.se)}`
  return `${noun} ${figure(move.from)} → ${figure(move.to)} (${sign}${figure(move.change)}${se})`
}

/** What chosen is called: a reward of TRL's log is not a log-probability. */
export const nounOf = (track: Track): string =>
  /rewards\//.test(track.name)
    ? 'the chosen reward β·(log π − log π_ref)'
    : /logps\//.test(track.name)
      ? 'the batches’ log π(y⁺)'
      : 'log π(y⁺)'

export const rejectedNounOf = (track: Track): string =>
  nounOf(track).replace('y⁺', 'y⁻').replace('chosen', 'rejected')
