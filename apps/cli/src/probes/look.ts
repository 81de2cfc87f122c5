/** Looking at a probe set: its findings, and rows as the model sees them. */
import {
  checkProbes,
  encodeRow,
  readRows,
  tokenDefaults,
  type Finding,
  type Row,
  type TokenMode,
  type TokenOptions,
} from '@ldyn/lab'
import type { Tokenizer } from '@ldyn/models'
import { openModel } from '@ldyn/models/node'
import { CliError } from '../contract/errors.ts'
import type { Output } from '../contract/output.ts'
import { typesIn } from '../observe/observe.ts'

export interface LookRequest {
  readonly model?: string
  readonly maxLength?: number
  readonly limit?: number
  readonly tokens?: boolean
  readonly row?: number
  readonly tokenMode: TokenMode
}

interface Lens {
  readonly tokenizer?: Tokenizer
  readonly options?: TokenOptions
}

/** The model's tokenizer; lengths are told, never an error, when a set is looked at. */
async function lens({ model, maxLength, tokenMode }: LookRequest): Promise<Lens> {
  if (model === undefined) return {}
  await using checkpoint = await openModel(model)
  const context = checkpoint.model.context
  const options = {
    ...tokenDefaults(context),
    mode: tokenMode,
    overflow: 'truncate' as const,
    maxLength: Math.min(maxLength ?? context, context),
  }
  return { tokenizer: await checkpoint.tokenizer(), options }
}

export async function checkFile(
  file: string,
  request: LookRequest,
): Promise<{ rows: number; findings: Finding[] }> {
  const { tokenizer, options } = await lens(request)
  const rows = await readRows(file, { tokenizer })
  return { rows: rows.length, findings: checkProbes(rows, tokenizer, options) }
}

export interface ShownTokens {
  readonly ids: readonly number[]
  readonly pieces: readonly string[]
}

export interface ShownResponse {
  readonly type: string
  readonly text: string
  /** With --tokens: what the model is given before the response, and the response itself, EOS included. */
  readonly prompt?: ShownTokens
  readonly response?: ShownTokens
  readonly truncated?: number
}

export interface ShownRow {
  readonly row: number
  readonly where: string
  readonly prompt: string
  readonly templated: boolean
  readonly responses: readonly ShownResponse[]
}

/** Throws CliError where --tokens lacks a model or the row is not there. */
export async function showRows(file: string, request: LookRequest): Promise<ShownRow[]> {
  if (request.tokens && request.model === undefined) {
    throw new CliError({
      code: 'LD2003',
      what: '--tokens needs a tokenizer',
      where: '--model',
      fix: 'give --model <path>',
    })
  }
  const { tokenizer, options } = await lens(request)
  const limit = request.row === undefined ? request.limit : request.row + 1
  const rows = await readRows(file, { tokenizer, limit })
  if (request.row !== undefined && rows.length <= request.row) {
    throw new CliError({
      code: 'LD2003',
      what: `there is no row ${request.row}`,
      where: '--row',
      why: `${file} has ${rows.length} rows, counted from 0`,
    })
  }
  const wanted = request.row === undefined ? rows : [rows[request.row]]
  return wanted.map((row) => shown(row, request.tokens ? tokenizer : undefined, options))
}

function shown(row: Row, tokenizer?: Tokenizer, options?: TokenOptions): ShownRow {
  const tokens = (ids: Int32Array): ShownTokens => ({
    ids: [...ids],
    pieces: Array.from(ids, (id) => tokenizer!.piece(id) ?? ''),
  })
  const responses = typesIn([row]).map((type): ShownResponse => {
    const text = row.responses[type]
    if (!tokenizer || !options) return { type, text }
    const [sequence] = encodeRow(row, [type], tokenizer, options)?.sequences ?? []
    return sequence
      ? {
          type,
          text,
          prompt: tokens(sequence.prompt),
          response: tokens(sequence.response),
          truncated: sequence.truncated,
        }
      : { type, text }
  })
  return { row: row.row, where: row.where, prompt: row.prompt, templated: row.templated, responses }
}

export function renderRows(rows: readonly ShownRow[], output: Output): string {
  const line = (name: string, text: string): string => `${output.style('dim', name.padEnd(20))} ${text}`
  const ids = ({ ids: list, pieces }: ShownTokens): string =>
    list.map((id, i) => `${id}:${JSON.stringify(pieces[i])}`).join(' ')
  return rows
    .flatMap((row) => [
      output.style('bold', `row ${row.row}   ${row.where}${row.templated ? '   (chat template)' : ''}`),
      line('prompt', JSON.stringify(row.prompt)),
      ...row.responses.flatMap((r) => [
        line(r.type, JSON.stringify(r.text)),
        ...(r.prompt ? [line(`  prompt (${r.prompt.ids.length})`, ids(r.prompt))] : []),
        ...(r.response
          ? [
              line(
                `  response (${r.response.ids.length})`,
                `${ids(r.response)}${r.truncated ? `   (${r.truncated} tokens cut off)` : ''}`,
              ),
            ]
          : []),
      ]),
      '',
    ])
    .join('\n')
}
