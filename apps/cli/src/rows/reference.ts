/**
 * Rows named on the command line: `prefs.jsonl#7`, or several, `prefs.jsonl#0,2,5-7`. Rows count from 0, as
 * everywhere (contracts.md §4).
 */
import { readRows, type Row } from '@ldyn/lab'
import type { Tokenizer } from '@ldyn/models'
import { CliError } from '../contract/errors.ts'

export interface RowReference {
  readonly file: string
  /** In the order given, each once. */
  readonly rows: readonly number[]
}

/** `flag` is named where it cannot be read. Throws CliError LD2003. */
export function rowReference(text: string, flag: string): RowReference {
  const at = text.lastIndexOf('#')
  const refuse = (why: string): CliError =>
    new CliError({
      code: 'LD2003',
      what: `${flag} takes rows of a file, as in prefs.jsonl#0`,
      where: flag,
      why,
      fix: `rows count from 0; several are ${at > 0 ? text.slice(0, at) : 'prefs.jsonl'}#0,2,5-7`,
    })
  if (at < 1) throw refuse(`'${text}' names no row`)
  const rows = text
    .slice(at + 1)
    .split(',')
    .flatMap((part) => {
      const [, from, to = from] = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part) ?? []
      if (from === undefined || Number(to) < Number(from)) throw refuse(`'${part}' is no row and no range of rows`)
      return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i)
    })
  return { file: text.slice(0, at), rows: [...new Set(rows)] }
}

/** The rows that a reference names. Throws CliError, and what `readRows` throws. */
export async function referredRows(text: string, flag: string, tokenizer?: Tokenizer): Promise<Row[]> {
  const { file, rows } = rowReference(text, flag)
  const last = Math.max(...rows)
  const read = await readRows(file, { tokenizer, limit: last + 1 })
  if (read.length <= last) {
    throw new CliError({
      code: 'LD2003',
      what: `the file has no row ${last}`,
      where: `${flag} ${text}`,
      why: `it has ${read.length} ${read.length === 1 ? 'row' : 'rows'}, counting from 0`,
      fix: `give a row from 0 to ${read.length - 1}`,
    })
  }
  return rows.map((row) => read[row])
}

/** The one row that a reference names. Throws CliError where it names several, and what `referredRows` throws. */
export async function referredRow(text: string, flag: string, tokenizer?: Tokenizer): Promise<Row> {
  const { file, rows } = rowReference(text, flag)
  if (rows.length > 1)
    throw new CliError({
      code: 'LD2003',
      what: `${flag} takes one row here`,
      where: `${flag} ${text}`,
      why: `it names ${rows.length}`,
      fix: `give one of them: ${file}#${rows[0]}`,
    })
  return (await referredRows(text, flag, tokenizer))[0]
}
