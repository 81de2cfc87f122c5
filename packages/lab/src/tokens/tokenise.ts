/**
 * From text to the token ids that the model sees (contracts.md §3).
 *
 *   separate  prompt ids ++ response ids, tokenised apart (the default)
 *   joint     prompt and response tokenised as one text, split where it leaves the prompt's own ids, as TRL does
 *   paper     separate, with the released code's truncation (paper.md §4.1)
 *
 * BOS goes before the prompt where the tokenizer's post-processor adds one, EOS after a response unless it ends in
 * one; text from a chat template brings its own specials. What is longer than `maxLength` with its prompt is an
 * error unless the caller says otherwise: log-probs of responses that were cut are not those of the responses.
 */
import type { Tokenizer } from '@ldyn/models'
import { DataError, type Row } from '../rows/row.ts'

export type TokenMode = 'separate' | 'joint' | 'paper'

export interface TokenOptions {
  readonly mode: TokenMode
  /** Longest prompt and response together; at most the model's context. */
  readonly maxLength: number
  /**
   * What becomes of a longer one: `error`; `truncate` keeps its first maxLength tokens, as TRL's `max_length` does, and
   * drops rows whose prompt leaves no room; `drop` drops the row. `paper` mode truncates by its own rule.
   */
  readonly overflow: 'error' | 'truncate' | 'drop'
  /** `paper` mode: the prompt is cut to this where prompt and longest response exceed maxLength. */
  readonly maxPromptLength: number
  /** `paper` mode: which end of a cut prompt stays. */
  readonly truncation: 'keep_start' | 'keep_end'
}

/** One response as the model sees it. */
export interface Sequence {
  readonly type: string
  readonly prompt: Int32Array
  /** With EOS; never empty. */
  readonly response: Int32Array
  /** Tokens cut off. */
  readonly truncated: number
}

export interface EncodedRow {
  readonly row: Row
  readonly sequences: readonly Sequence[]
}

export const tokenDefaults = (context: number): TokenOptions => ({
  mode: 'separate',
  maxLength: context,
  overflow: 'error',
  maxPromptLength: 256,
  truncation: 'keep_end',
})

/** A tokenizer without EOS adds none. */
const append = (ids: Int32Array, id: number | undefined): Int32Array =>
  id === undefined || ids.at(-1) === id ? ids : Int32Array.of(...ids, id)

/** Rows as the model sees them, and what did not fit. */
export interface Encoded {
  readonly rows: readonly EncodedRow[]
  /** Rows left out, and responses cut, because they are longer than maxLength. */
  readonly dropped: number
  readonly truncated: number
}

/** Encodes rows; those that `overflow` drops are missing from the result. Throws DataError. */
export function encodeRows(
  rows: readonly Row[],
  types: readonly string[],
  tokenizer: Tokenizer,
  options: TokenOptions,
): Encoded {
  const encoded = rows.map((row) => encodeRow(row, types, tokenizer, options)).filter((row) => row !== undefined)
  const sequences = encoded.flatMap((row) => row.sequences)
  return {
    rows: encoded,
    dropped: rows.length - encoded.length,
    truncated: sequences.filter((s) => s.truncated > 0).length,
  }
}

/** One response type of every row, each by itself; `byRow` is empty where a row lacks it or it was dropped. */
export function encodeEach(
  rows: readonly Row[],
  type: string,
  tokenizer: Tokenizer,
  options: TokenOptions,
): Encoded & { readonly byRow: readonly (readonly Sequence[])[] } {
  const each = rows.map((row) => encodeRows([row], [type], tokenizer, options))
  return {
    rows: each.flatMap((e) => e.rows),
    byRow: each.map((e) => e.rows.flatMap((row) => row.sequences)),
    dropped: each.reduce((n, e) => n + e.dropped, 0),
    truncated: each.reduce((n, e) => n + e.truncated, 0),
  }
}

/**
 * Encodes a row's responses of the given types, in that order; types that the row lacks or has empty are left out.
 * In `joint` mode all of them share one prompt, which ends where the prompt alone and any of the joined texts part.
 * Undefined where `overflow` drops the row. Throws DataError for an empty prompt, and for what is too long.
 */
export function encodeRow(
  row: Row,
  types: readonly string[],
  tokenizer: Tokenizer,
  options: TokenOptions,
): EncodedRow | undefined {
  const present = types.filter((type) => (row.responses[type] ?? '') !== '')
  const withBos = (text: string): Int32Array => {
    const ids = tokenizer.encode(text)
    const bos = tokenizer.addsBos && !row.templated ? tokenizer.bos : undefined
    return bos === undefined ? ids : Int32Array.of(bos, ...ids)
  }
  const alone = withBos(row.prompt)
  const texts = present.map((type) => row.responses[type])
  const eos = row.templated ? undefined : tokenizer.eos
  const raw =
    options.mode === 'joint'
      ? splitJoint(
          alone,
          texts.map((text) => withBos(row.prompt + text)),
          eos,
        )
      : texts.map((text) => ({ prompt: alone, response: append(tokenizer.encode(text), eos) }))
  if (raw.some((s) => s.prompt.length === 0) || alone.length === 0) {
    throw new DataError('the prompt has no token, so nothing predicts the first token of the response', {
      where: row.where,
      fix: 'give the row a prompt, or use a tokenizer that begins a text with BOS',
    })
  }
  const named = raw.map((s, i) => ({ type: present[i], ...s }))
  if (options.mode === 'paper') return { row, sequences: truncatePaper(named, options) }
  const fitted = named.map((s) => fit(s, row, options))
  return fitted.some((s) => s === undefined) ? undefined : { row, sequences: fitted.filter((s) => s !== undefined) }
}

/** TRL's rule (1.16): the responses begin where the prompt's own ids and those of any joined text first differ. */
function splitJoint(
  alone: Int32Array,
  joined: readonly Int32Array[],
  eos: number | undefined,
): Omit<Untruncated, 'type'>[] {
  const common = Math.min(
    alone.length,
    ...joined.map((ids) => ids.findIndex((id, i) => id !== alone[i])).map((i, k) => (i < 0 ? joined[k].length : i)),
  )
  const prompt = alone.subarray(0, common)
  return joined.map((ids) => ({ prompt, response: append(ids.subarray(common), eos) }))
}

type Untruncated = Omit<Sequence, 'truncated'>

/** The sequence if it fits, cut where `overflow` says so; undefined for one that goes with its row. */
function fit(s: Untruncated, row: Row, { maxLength, overflow }: TokenOptions): Sequence | undefined {
  const room = maxLength - s.prompt.length
  if (s.response.length <= room) return { ...s, truncated: 0 }
  if (overflow === 'error') {
    const total = s.prompt.length + s.response.length
    throw new DataError(
      `the response '${s.type}' is longer than the longest sequence (${total} > ${maxLength} tokens)`,
      {
        where: row.where,
        why: `its prompt has ${s.prompt.length} tokens; log-probs of a response that was cut are not those of the response`,
        fix: "set tokens.overflow to drop or truncate, raise tokens.maxLength (up to the model's context), or shorten it",
      },
    )
  }
  if (overflow === 'drop' || room < 1) return undefined
  return { ...s, response: s.response.subarray(0, room), truncated: s.response.length - room }
}

/** The released code's rule: the longest response of the row decides for all of them. */
function truncatePaper(
  sequences: readonly Untruncated[],
  { maxLength, maxPromptLength, truncation }: TokenOptions,
): Sequence[] {
  const longest = Math.max(0, ...sequences.map((s) => s.response.length))
  return sequences.map((s) => {
    const cut = s.prompt.length + longest > maxLength && s.prompt.length > maxPromptLength
    const prompt = !cut
      ? s.prompt
      : truncation === 'keep_end'
        ? s.prompt.subarray(-maxPromptLength)
        : s.prompt.subarray(0, maxPromptLength)
    const room = Math.max(1, maxLength - prompt.length)
    const response = prompt.length + longest > maxLength ? s.response.subarray(0, room) : s.response
    return {
      ...s,
      prompt,
      response,
      truncated: s.prompt.length - prompt.length + s.response.length - response.length,
    }
  })
}
