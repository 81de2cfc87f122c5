/**
 * From text to the token ids that the model sees (contracts.md §3).
 *
 *   separate  prompt ids ++ response ids, tokenised apart (the default)
 *   joint     prompt and response tokenised as one text, split where it leaves the prompt's own ids, as TRL does
 *   paper     separate, with the released code's truncation (paper.md §4.1)
 *
 * BOS goes before the prompt where the tokenizer's post-processor adds one, EOS after a response unless it ends in
 * one; text from a chat template brings its own specials. Truncation keeps the first `maxLength` tokens of prompt
 * and response together (TRL's `max_length`).
 */
import type { Tokenizer } from '@ldyn/models'
import { DataError, type Row } from '../rows/row.ts'

export type TokenMode = 'separate' | 'joint' | 'paper'

export interface TokenOptions {
  readonly mode: TokenMode
  /** Longest prompt and response together. */
  readonly maxLength: number
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
  maxLength: Math.min(context, 1024),
  maxPromptLength: 256,
  truncation: 'keep_end',
})

/** A tokenizer without EOS adds none. */
const append = (ids: Int32Array, id: number | undefined): Int32Array =>
  id === undefined || ids.at(-1) === id ? ids : Int32Array.of(...ids, id)

/**
 * Encodes a row's responses of the given types, in that order; types that the row lacks or has empty are left out.
 * In `joint` mode all of them share one prompt, which ends where the prompt alone and any of the joined texts part.
 */
export function encodeRow(
  row: Row,
  types: readonly string[],
  tokenizer: Tokenizer,
  options: TokenOptions,
): EncodedRow {
  const present = types.filter((type) => (row.responses[type] ?? '') !== '')
  const withBos = (text: string): Int32Array => {
    const ids = tokenizer.encode(text)
    return tokenizer.addsBos && !row.templated && tokenizer.bos !== undefined
      ? Int32Array.of(tokenizer.bos, ...ids)
      : ids
  }
  const alone = withBos(row.prompt)
  const texts = present.map((type) => row.responses[type])
  const raw =
    options.mode === 'joint'
      ? splitJoint(
          alone,
          texts.map((text) => withBos(row.prompt + text)),
          tokenizer.eos,
        )
      : texts.map((text) => ({ prompt: alone, response: append(tokenizer.encode(text), tokenizer.eos) }))
  if (raw.some((s) => s.prompt.length === 0) || alone.length === 0) {
    throw new DataError('the prompt has no token, so nothing predicts the first token of the response', {
      where: row.where,
      fix: 'give the row a prompt, or use a tokenizer that begins a text with BOS',
    })
  }
  const named = raw.map((s, i) => ({ type: present[i], ...s }))
  return {
    row,
    sequences:
      options.mode === 'paper'
        ? truncatePaper(named, options)
        : named.map((s) => truncate(s, row, options.maxLength)),
  }
}

/** TRL's rule (1.16): the responses begin where the prompt's own ids and those of any joined text first differ. */
function splitJoint(
  alone: Int32Array,
  joined: readonly Int32Array[],
  eos: number | undefined,
): Omit<Untruncated, 'type'>[] {
  const common = Math.min(
    alone.length,
    ...joined
      .map((ids) => ids.findIndex((id, i) => id !== alone[i]))
      .map((i, k) => (i < 0 ? joined[k].length : i)),
  )
  const prompt = alone.subarray(0, common)
  return joined.map((ids) => ({ prompt, response: append(ids.subarray(common), eos) }))
}

type Untruncated = Omit<Sequence, 'truncated'>

function truncate(s: Untruncated, row: Row, maxLength: number): Sequence {
  const room = maxLength - s.prompt.length
  if (room < 1 || s.response.length === 0) {
    throw new DataError(
      `the prompt alone (${s.prompt.length} tokens) fills the longest sequence of ${maxLength}`,
      {
        where: row.where,
        why: `no token of the response '${s.type}' would be left to learn or to follow`,
        fix: "raise tokens.maxLength (up to the model's context), shorten the prompt, or drop the row",
      },
    )
  }
  return s.response.length <= room
    ? { ...s, truncated: 0 }
    : { ...s, response: s.response.subarray(0, room), truncated: s.response.length - room }
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
