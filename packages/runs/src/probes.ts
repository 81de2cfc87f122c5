// probes.json: what is watched. A column is one response of one probe row; binary rows hold one float32 a
// column, in this order, and token rows one a response token, from each column's `offset`. A response that a
// row does not have is listed in `absent` and stored as 0, so that NaN never is on file. So is a number that an
// imported log does not hold: `missing` lists the columns by metric.
import { RunError } from './error.ts'
import { PROBES_SCHEMA } from './layout.ts'

/** A response as the model sees it: one id and one text a token, EOS included. Bytes that are no text are U+FFFD. */
export interface ProbeTokens {
  readonly ids: readonly number[]
  readonly text: readonly string[]
}

export interface ProbeRow {
  readonly prompt: string
  /** Rows of one group belong together, for instance rephrasings of one question. */
  readonly group: string
  /** Text of the response by type. */
  readonly responses: Readonly<Record<string, string>>
  /** Tokens of the response by type, where log-probs of single tokens are kept. */
  readonly tokens?: Readonly<Record<string, ProbeTokens>>
}

export interface ProbeColumn {
  /** Index into `rows`. */
  readonly row: number
  readonly type: string
  /** Response tokens, EOS included; 0 for an absent response, and where an imported log does not say. */
  readonly tokens: number
  /** Where this column's tokens start in a token row. */
  readonly offset: number
}

export interface Probes {
  readonly schema: typeof PROBES_SCHEMA
  readonly rows: readonly ProbeRow[]
  readonly columns: readonly ProbeColumn[]
  /** Indices of columns without a response. */
  readonly absent: readonly number[]
  /** By metric, columns of which that metric is not known: imported logs alone. Stored as 0, never to be shown. */
  readonly missing?: Readonly<Record<string, readonly number[]>>
}

/**
 * Lays out columns row by row, types in the given order. `tokens` gives a response's length, 0 where it is
 * absent.
 */
export const layOutProbes = (
  rows: readonly ProbeRow[], types: readonly string[], tokens: (row: number, type: string) => number,
): Probes => {
  const columns: ProbeColumn[] = []
  const absent: number[] = []
  let offset = 0
  for (let row = 0; row < rows.length; row++) {
    for (const type of types) {
      const count = tokens(row, type)
      if (count === 0) absent.push(columns.length)
      columns.push({ row, type, tokens: count, offset })
      offset += count
    }
  }
  return { schema: PROBES_SCHEMA, rows, columns, absent }
}

/** Values in one row of a token file. */
export const tokenCount = (probes: Probes): number => {
  const last = probes.columns.at(-1)
  return last ? last.offset + last.tokens : 0
}

/** Response types in the order in which they first appear. */
export const typesOf = (probes: Probes): readonly string[] => [...new Set(probes.columns.map(column => column.type))]

const isTokens = (value: unknown): boolean => {
  const { ids, text } = (value ?? {}) as Partial<Record<keyof ProbeTokens, unknown>>
  return Array.isArray(ids) && Array.isArray(text) && ids.length === text.length
    && ids.every(id => Number.isSafeInteger(id) && id >= 0) && text.every(one => typeof one === 'string')
}

const isIndex = (value: unknown, end: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < end

/** The probes in `value`. Throws RunError `bad-probes`. */
export const checkProbes = (value: unknown, where: string): Probes => {
  const fail = (why: string) =>
    new RunError({ code: 'bad-probes', what: 'Cannot read the probes', where, why, fix: 'Restore probes.json' })
  const probes = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<keyof Probes, unknown>>
  const { schema, rows, columns, absent } = probes
  if (schema !== PROBES_SCHEMA) throw fail(`its "schema" is not ${PROBES_SCHEMA}`)
  if (!Array.isArray(rows) || !Array.isArray(columns) || !Array.isArray(absent)) {
    throw fail('it has no rows, columns or absent list')
  }
  rows.forEach((row: Partial<ProbeRow> | null, i) => {
    const texts = Object.values(row?.responses ?? {}).every(text => typeof text === 'string')
    if (typeof row?.prompt !== 'string' || typeof row.group !== 'string' || !row.responses || !texts) {
      throw fail(`row ${i} has no prompt, group or responses`)
    }
    if (row.tokens !== undefined && !Object.values(row.tokens ?? { none: undefined }).every(isTokens)) {
      throw fail(`the tokens of row ${i} are not one id and one text each`)
    }
  })
  let offset = 0
  columns.forEach((column: Partial<ProbeColumn> | null, i) => {
    if (!isIndex(column?.row, rows.length) || typeof column?.type !== 'string'
      || !isIndex(column.tokens, Number.MAX_SAFE_INTEGER) || column.offset !== offset) {
      throw fail(`column ${i} has a wrong row, type, token count or offset`)
    }
    offset += column.tokens!
  })
  if (!absent.every(index => isIndex(index, columns.length))) throw fail('"absent" names columns that are not there')
  const { missing } = probes
  if (missing !== undefined) {
    const lists = typeof missing === 'object' && missing !== null ? Object.values(missing as object) : [undefined]
    const sound = lists.every((list: unknown) =>
      Array.isArray(list) && list.every(index => isIndex(index, columns.length)))
    if (!sound) throw fail('"missing" names columns that are not there')
  }
  return value as Probes
}

/** Columns of which `metric` is not known: absent responses, and what an imported log lacks. */
export const unknownColumns = (probes: Probes, metric: string): ReadonlySet<number> =>
  new Set([...probes.absent, ...(Object.hasOwn(probes.missing ?? {}, metric) ? probes.missing![metric] : [])])
