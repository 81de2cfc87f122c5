/**
 * Numbers in long form, for CSV and Parquet alike: one row a value, with all digits, so that reading them back gives
 * the very numbers. With several runs a column `run` comes first. CSV is RFC 4180 with \n ends.
 */
import { unknownColumns } from '@ldyn/runs'
import { csvLine } from './csv-line.ts'
import { inOrder } from './response-types.ts'
import { estimate, sampleOf, type RunData } from './series.ts'

type Row = readonly (string | number)[]

export interface LongTable {
  readonly head: readonly string[]
  /** Made as they are asked for: every value of a long run is many. */
  rows(): Iterable<Row>
}

export const csvText = ({ head, rows }: LongTable): string => {
  const lines = [csvLine(head)]
  for (const row of rows()) lines.push(csvLine(row))
  return `${lines.join('\n')}\n`
}

const tableOf = (
  runs: readonly RunData[],
  head: readonly string[],
  rowsOf: (run: RunData) => Iterable<Row>,
): LongTable => {
  const many = runs.length > 1
  return {
    head: many ? ['run', ...head] : head,
    *rows() {
      for (const run of runs) for (const row of rowsOf(run)) yield many ? [run.id, ...row] : row
    },
  }
}

/**
 * step,stage,type,metric,mean,se,n: one line an evaluation, type and metric; units as in `ldyn help metrics`.
 */
export const curvesTable = (runs: readonly RunData[]): LongTable =>
  tableOf(runs, ['step', 'stage', 'type', 'metric', 'mean', 'se', 'n'], function* (run) {
    for (const metric of run.rows.keys()) {
      for (const { key } of inOrder(run.types)) {
        const sample = sampleOf(run, metric, key)
        if (!sample) continue
        for (const [e, { step, stage }] of run.evaluations.entries()) {
          const { mean, se, n } = estimate(sample.at[e])
          yield [step, stage, key, metric, mean, se, n]
        }
      }
    }
  })

/** step,stage,row,type,tokens,metric,value: every probe's value. */
export const rowsTable = (runs: readonly RunData[]): LongTable =>
  tableOf(runs, ['step', 'stage', 'row', 'type', 'tokens', 'metric', 'value'], function* (run) {
    for (const [metric, rows] of run.rows) {
      const unknown = unknownColumns(run.probes!, metric)
      for (const [e, { step, stage }] of run.evaluations.entries()) {
        for (const [i, { row, type, tokens }] of run.probes!.columns.entries()) {
          if (!unknown.has(i)) yield [step, stage, row, type, tokens, metric, rows[e][i]]
        }
      }
    }
  })

/** step,stage,name,value: the training log. */
export const scalarsTable = (runs: readonly RunData[]): LongTable =>
  tableOf(runs, ['step', 'stage', 'name', 'value'], function* (run) {
    for (const [name, { steps, stages, values }] of run.scalars) {
      for (let i = 0; i < steps.length; i++) yield [steps[i], stages[i], name, values[i]]
    }
  })

export const curvesCsv = (runs: readonly RunData[]): string => csvText(curvesTable(runs))
export const rowsCsv = (runs: readonly RunData[]): string => csvText(rowsTable(runs))
export const scalarsCsv = (runs: readonly RunData[]): string => csvText(scalarsTable(runs))
