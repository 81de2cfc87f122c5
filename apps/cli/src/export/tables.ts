/** The tables that a run can be written as; CSV and Parquet hold the same. */
import type { LongTable, RunData } from '@ldyn/figures'

export type TableKind = 'curves' | 'rows' | 'scalars' | 'decomposed'

/** Throws CliError and RunError. */
export async function tableOf(
  kind: TableKind,
  runs: readonly RunData[],
  words: readonly string[],
  runsDir: string,
): Promise<LongTable> {
  if (kind === 'decomposed') {
    const { decomposedTable } = await import('../explain/csv.ts')
    return decomposedTable(words, runsDir)
  }
  const { curvesTable, rowsTable, scalarsTable } = await import('@ldyn/figures')
  return kind === 'rows' ? rowsTable(runs) : kind === 'scalars' ? scalarsTable(runs) : curvesTable(runs)
}

export async function csvOf(
  kind: TableKind,
  runs: readonly RunData[],
  words: readonly string[],
  runsDir: string,
): Promise<string> {
  // Its texts are kept from being formulas in a spreadsheet.
  if (kind === 'decomposed') return (await import('../explain/csv.ts')).decomposedCsv(words, runsDir)
  const { csvText } = await import('@ldyn/figures')
  return csvText(await tableOf(kind, runs, words, runsDir))
}
