// The metrics of a run in words: what each is, with its unit and its sign (contracts.md §4, paper.md §5), per what it
// is, and what the band around its lines shows. Sums over a response and values per token are never mixed.
import { isSum, metrics as knownMetrics } from '@ldyn/runs'
import { bootText } from '../data/bootstrap.ts'
import type { LiveData } from '../data/live-run.ts'
import type { Spread, View } from '../state/address.ts'

export interface MetricText {
  readonly title: string
  readonly unit: string
  readonly says: string
}

const texts: Readonly<Record<string, MetricText>> = {
  logp: {
    title: 'log π(y)',
    unit: 'nats',
    says: 'log π(response | prompt). 0 is certain, more negative is less probable; up means the model gives the response more.',
  },
  argmax_logp: {
    title: 'log max π',
    unit: 'nats',
    says: 'log-probability of whichever token is likeliest at each position of the response. Up means the model is surer, of whatever it is.',
  },
  rest_logp: {
    title: 'log(1 − max π)',
    unit: 'nats',
    says: 'log of the mass outside the likeliest token, at each position of the response. Down means less is left for all others.',
  },
  energy: {
    title: 'surprise 1 − π',
    unit: 'probability',
    says: '1 − π(token) at each token of the response. 0: every token was certain.',
  },
  p_e: {
    title: '‖π − e_y‖',
    unit: 'L2 norm',
    says: 'Length of the residual π − e_y at each token: how hard SFT on this response would push.',
  },
  a_norm: {
    title: '‖A‖',
    unit: 'Frobenius norm',
    says: '‖I − 1πᵀ‖ = √(V − 2 + V‖π‖²) at each token. Higher: more peaked.',
  },
  entropy: {
    title: 'entropy',
    unit: 'nats',
    says: '−Σ π log π at each token. It falls as the distribution becomes peaked.',
  },
}

export const textOf = (metric: string): MetricText =>
  texts[metric] ?? { title: metric, unit: '', says: `${metric}, as the run recorded it.` }

/** Metrics of some runs in the order in which they are explained; others behind. */
export const metricsOf = (runs: readonly LiveData[]): readonly string[] => {
  const found = new Set(runs.flatMap(run => run.manifest.columns.metrics))
  return [
    ...knownMetrics.filter(metric => found.has(metric)),
    ...[...found].filter(metric => !(knownMetrics as readonly string[]).includes(metric)),
  ]
}

/** "per response", "per token", or that it is a mean already: sums and means are never mistaken for one another. */
export const perText = (metric: string, per: View['per']): string =>
  !isSum(metric)
    ? 'mean over response tokens'
    : per === 'token'
      ? 'per response token'
      : 'summed over the response'

/**
 * Of an axis: the quantity, what it is a sum or mean of, and its unit. A panel says these here and nowhere else; what
 * the quantity is, its caption says. `single` values are of one probe; `less` is what they are the difference to.
 */
export const unitText = (
  metric: string,
  per: View['per'],
  { change = false, single = false, less }: { change?: boolean; single?: boolean; less?: string } = {},
): string => {
  const { title, unit } = textOf(metric)
  const over = single ? '' : isSum(metric) ? ', mean over probes' : ', then over probes'
  return `${change ? 'Δ ' : ''}${title}${less === undefined ? '' : ` less ${less}`}, ${perText(metric, per)}${over}${unit && ` (${unit})`}`
}

const bandText: Readonly<Record<Spread, string | undefined>> = {
  none: undefined,
  se: '± one standard error of the mean',
  boot: bootText,
  iqr: 'middle half of the probes (quartiles)',
  range: 'lowest to highest probe',
}

/** What the band around a line is; of changes the error is that of each probe against its own start. */
export const bandFor = (spread: Spread, change = false): string | undefined =>
  change && spread === 'se' ? '± one standard error of the probes’ own changes' : bandText[spread]

/** The beginning of a sentence. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
