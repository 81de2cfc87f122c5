/** Reads a data file: JSONL, JSON (a list, or the probes.json of a run), CSV or parquet, told apart by its ending. */
import { readFile, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readJsonl } from '@ldyn/formats'
import { openFile } from '@ldyn/formats/node'
import type { Tokenizer } from '@ldyn/models'
import { PROBES_SCHEMA, type ProbeRow } from '@ldyn/runs'
import { normalise, type DataRecord } from './normalise.ts'
import { DataError, type Row } from './row.ts'

interface Located {
  readonly record: DataRecord
  readonly where: string
}

const READERS: Readonly<Record<string, (path: string) => AsyncIterable<Located>>> = {
  '.jsonl': jsonlRecords,
  '.ndjson': jsonlRecords,
  '.json': jsonRecords,
  '.csv': csvRecords,
  '.parquet': parquetRecords,
}

export interface ReadOptions {
  /** Renders conversations. */
  readonly tokenizer?: Tokenizer
  /** Stop after so many rows. */
  readonly limit?: number
}

/**
 * All rows of a data file, numbered from 0. Throws DataError or FormatError, which name file and line, for a file that
 * is missing, empty, half-written, not UTF-8, or has a row in no known format.
 */
export async function readRows(path: string, { tokenizer, limit = Infinity }: ReadOptions = {}): Promise<Row[]> {
  await mustBeFile(path)
  const reader = READERS[extname(path).toLowerCase()]
  if (!reader) {
    throw new DataError(`data file of unknown kind '${extname(path)}'`, {
      where: path,
      why: 'the ending tells how to read it',
      fix: `use one of ${Object.keys(READERS).join(', ')}`,
    })
  }
  const rows: Row[] = []
  if (limit <= 0) return rows
  for await (const { record, where } of reader(path)) {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw new DataError('a row is no object with named fields', {
        where,
        why: `it reads ${JSON.stringify(record).slice(0, 60)}`,
        fix: 'write one {"prompt": …, "chosen": …} a line',
      })
    }
    rows.push(normalise(record, rows.length, where, tokenizer))
    if (rows.length >= limit) break
  }
  if (rows.length === 0)
    throw new DataError('the data file has no rows', { where: path, fix: 'give a file with at least one row' })
  return rows
}

/** sha256 of a file's bytes, by which a run remembers what it was trained on. */
export async function fileHash(path: string): Promise<string> {
  await mustBeFile(path)
  const sha = createHash('sha256')
  for await (const chunk of createReadStream(path)) sha.update(chunk as Uint8Array)
  return sha.digest('hex')
}

async function mustBeFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (!found)
    throw new DataError('data file not found', {
      where: path,
      fix: 'check the path (it is taken relative to the current directory)',
    })
  if (!found.isFile())
    throw new DataError('the data path is no file', {
      where: path,
      why: 'it is a directory',
      fix: 'name the .jsonl, .json, .csv or .parquet file in it',
    })
}

async function* jsonlRecords(path: string): AsyncGenerator<Located> {
  await using source = await openFile(path)
  for await (const { number, value } of readJsonl(source))
    yield { record: value as DataRecord, where: `${basename(path)}:${number}` }
}

async function* jsonRecords(path: string): AsyncGenerator<Located> {
  const text = await utf8(path)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new DataError('the file is not JSON', {
      where: path,
      why: (error as Error).message,
      fix: 'a file of one object a line is named .jsonl',
    })
  }
  const list = Array.isArray(parsed) ? (parsed as unknown[]) : rowsOfRun(parsed)
  if (!list)
    throw new DataError('the file holds no list of rows', {
      where: path,
      why: `it is ${parsed === null ? 'null' : `a ${typeof parsed}`}`,
      fix: 'write [{"prompt": …, "chosen": …}, …]',
    })
  for (const [i, record] of list.entries()) yield { record: record as DataRecord, where: `${basename(path)}[${i}]` }
}

/** The rows that a run follows, as it lists them (probes.json); undefined for anything else. */
function rowsOfRun(value: unknown): readonly unknown[] | undefined {
  const { schema, rows } = (value ?? {}) as { readonly schema?: unknown; readonly rows?: unknown }
  if (schema !== PROBES_SCHEMA || !Array.isArray(rows)) return undefined
  return (rows as (Partial<ProbeRow> | null)[]).map((row) => ({ prompt: row?.prompt, ...row?.responses }))
}

async function* csvRecords(path: string): AsyncGenerator<Located> {
  const { parse, CsvError } = await import('csv-parse/sync')
  try {
    const records = parse(await utf8(path), {
      columns: true,
      skip_empty_lines: true,
      bom: true,
      info: true,
    }) as { record: DataRecord; info: { lines: number } }[]
    for (const { record, info } of records) yield { record, where: `${basename(path)}:${info.lines}` }
  } catch (error) {
    if (error instanceof CsvError)
      throw new DataError('the file is not CSV', {
        where: path,
        why: error.message,
        fix: 'quote texts that hold commas, quotes or line ends',
      })
    throw error
  }
}

async function* parquetRecords(path: string): AsyncGenerator<Located> {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet')
  const { compressors } = await import('hyparquet-compressors')
  let records: DataRecord[]
  try {
    records = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
  } catch (error) {
    throw new DataError('the file is not readable as parquet', {
      where: path,
      why: (error as Error).message,
      fix: 'write it again, or export it as .jsonl',
    })
  }
  for (const [i, record] of records.entries()) yield { record, where: `${basename(path)}[${i}]` }
}

async function utf8(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    if (error instanceof TypeError)
      throw new DataError('the file is not UTF-8 text', { where: path, fix: 'save it as UTF-8' })
    throw error
  }
}
