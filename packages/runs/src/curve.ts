// Curves by response type: at each evaluation the mean over probes, and its standard error s/√n with s² =
// Σ(x−x̄)²/(n−1). Absent responses are no part of either. Sums and per-token values are different curves and
// never mixed.
import { RunError } from './error.ts'
import { isSum } from './layout.ts'
import { unknownColumns } from './probes.ts'
import type { Probes } from './probes.ts'

/**
 * 'response': the metric as it is on file. 'token': a sum divided by its number of response tokens, per
 * probe.
 */
export type Per = 'response' | 'token'

export interface Curve {
  readonly steps: Float64Array
  readonly stages: readonly string[]
  readonly mean: Float64Array
  /** Standard error of the mean over probes; 0 where n < 2, since one probe says nothing of the spread. */
  readonly se: Float64Array
  /** Probes that have a response of this type, and of which the metric is known. */
  readonly n: number
}

/**
 * Columns of one type that have a response and this metric. Throws RunError `unknown-column` where the type is
 * not watched.
 */
export const columnsOf = (probes: Probes, metric: string, type: string, where: string): readonly number[] => {
  const unknown = unknownColumns(probes, metric)
  const ofType = probes.columns.flatMap((column, i) => column.type === type ? [i] : [])
  if (ofType.length === 0) {
    throw new RunError({
      code: 'unknown-column', what: `Cannot find the response type "${type}"`, where, why: 'no probe column has it',
      fix: `There are ${[...new Set(probes.columns.map(column => column.type))].join(', ')}`,
    })
  }
  return ofType.filter(i => !unknown.has(i))
}

export const divisors = (
  probes: Probes, metric: string, columns: readonly number[], per: Per, where: string,
): readonly number[] => {
  if (per === 'response') return columns.map(() => 1)
  if (!isSum(metric)) {
    throw new RunError({
      code: 'not-a-sum', what: `Cannot divide "${metric}" by the number of tokens`, where,
      why: 'it already is a mean over response tokens', fix: 'Ask for it per response',
    })
  }
  if (columns.some(i => probes.columns[i].tokens === 0)) {
    throw new RunError({
      code: 'not-a-sum', what: `Cannot divide "${metric}" by the number of tokens`, where,
      why: 'the log that the run was imported from does not say how long the responses are', fix: 'Ask for it per response',
    })
  }
  return columns.map(i => probes.columns[i].tokens)
}

/** Mean and standard error of one row's values at `columns`, each divided by its divisor. */
export const meanAndError = (
  row: Float32Array, columns: readonly number[], by: readonly number[],
): { mean: number, se: number } => {
  const n = columns.length
  if (n === 0) return { mean: 0, se: 0 }
  let sum = 0
  for (let k = 0; k < n; k++) sum += row[columns[k]] / by[k]
  const mean = sum / n
  let squares = 0
  for (let k = 0; k < n; k++) squares += (row[columns[k]] / by[k] - mean) ** 2
  return { mean, se: n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n) }
}
