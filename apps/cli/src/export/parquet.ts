/**
 * A table of numbers as Parquet, for pandas, DuckDB and the Hub: a row group a million rows, SNAPPY. Counts and steps
 * are INT32, names are strings, everything else is DOUBLE, which holds every number that a run has.
 */
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { LongTable } from '@ldyn/figures'

const WHOLE = new Set(['step', 'row', 'tokens', 'n', 'probe'])

export function parquetOf({ head, rows }: LongTable, about: Readonly<Record<string, string>>): Uint8Array {
  const columns = head.map((): (string | number)[] => [])
  for (const row of rows()) row.forEach((value, c) => columns[c].push(value))
  const buffer = parquetWriteBuffer({
    columnData: head.map((name, c) => {
      const data = columns[c]
      if (WHOLE.has(name)) return { name, data: Int32Array.from(data as number[]), type: 'INT32' as const }
      return data.every((value) => typeof value === 'number')
        ? { name, data: Float64Array.from(data), type: 'DOUBLE' as const }
        : { name, data: data.map(String), type: 'STRING' as const }
    }),
    rowGroupSize: 1_000_000,
    kvMetadata: Object.entries(about).map(([key, value]) => ({ key, value })),
    createdBy: `ldyn ${about.version ?? ''}`.trim(),
  })
  return new Uint8Array(buffer)
}
