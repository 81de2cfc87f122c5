/**
 * Sums over a response's tokens, as the paper has them, or their means a token: responses of different length can only
 * be compared by the latter (paper.md §3). A figure has one or the other, and says which; the two never share an axis.
 */
import { isSum } from '@ldyn/runs'
import { sampleOf, type Sample } from '../series.ts'
import type { PaperRun } from './model.ts'

/** The metric of a type as the run's figures have it. */
export const valuesOf = (run: PaperRun, metric: string, type: string): Sample | undefined =>
  sampleOf(run, metric, type, run.per === 'token' && isSum(metric) ? 'token' : 'response')

/** An imported log may not say how long its responses are. */
export const knowsLengths = ({ probes }: PaperRun): boolean =>
  probes !== undefined && probes.columns.some(({ tokens }) => tokens > 0)

export const logpLabel = ({ per }: PaperRun): string =>
  per === 'token' ? 'log π per token (nats)' : 'log π(y|x) (nats)'

/** To follow "log π(y|x) of each response type". */
export const perText = ({ per }: PaperRun): string =>
  per === 'token' ? 'divided by the response’s number of tokens' : 'summed over the response’s tokens'
