/**
 * One record of a data file → one Row. Takes what TRL takes: standard and conversational, preference and SFT, prompts
 * explicit or implied by what chosen and rejected share; and the released probe format (paper.md §3).
 */
import type { Tokenizer } from '@ldyn/models'
import { DataError, PAPER_TYPES, type Row } from './row.ts'

export type DataRecord = Readonly<Record<string, unknown>>

interface Message {
  readonly role: string
  readonly content: string
}

const OWN_TYPES = ['chosen_rephrase', 'rejected_rephrase'] as const
/** The types that are followed without being asked for: the paper's twelve and rephrasings by anybody. */
export const WATCHED_TYPES: readonly string[] = [...Object.keys(PAPER_TYPES), ...OWN_TYPES]
/** All that are read: the released files also carry the model's own rephrasing, which its authors never evaluated. */
export const KNOWN_TYPES: readonly string[] = [...WATCHED_TYPES, 'chosen_selfr']

const isMessages = (value: unknown): value is readonly Message[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((m) => typeof m?.role === 'string' && typeof m?.content === 'string')

const fail = (what: string, where: string, why: string, fix = 'see `ldyn help data` for the formats'): never => {
  throw new DataError(what, { where, why, fix })
}

/** Throws DataError where a record is none of the known formats. `tokenizer` renders conversations. */
export function normalise(record: DataRecord, row: number, where: string, tokenizer?: Tokenizer): Row {
  const { prompt, chosen, rejected, completion, messages, text } = record
  const completed = completionType(record.label)
  if (isMessages(messages)) {
    return conversation(messages.slice(0, -1), { chosen: messages.slice(-1) }, row, where, tokenizer)
  }
  if (isMessages(chosen) || isMessages(completion) || isMessages(prompt)) {
    const responses = Object.fromEntries(
      Object.entries({ chosen, rejected, ...(completion === undefined ? {} : { [completed]: completion }) }).filter(
        ([, value]) => value !== undefined,
      ),
    )
    for (const [type, value] of Object.entries(responses)) {
      if (!isMessages(value))
        fail(`'${type}' is no list of messages`, where, 'the other fields of this row are conversations')
    }
    const turns = responses as Record<string, readonly Message[]>
    const shared = isMessages(prompt) ? prompt : sharedTurns(turns, where)
    const rest = isMessages(prompt)
      ? turns
      : Object.fromEntries(Object.entries(turns).map(([type, list]) => [type, list.slice(shared.length)]))
    return conversation(shared, rest, row, where, tokenizer)
  }
  const responses: Record<string, string> = {}
  for (const [key, value] of Object.entries(record)) {
    if (key === 'prompt' || !(KNOWN_TYPES.includes(key) || key === 'completion')) continue
    if (value === null || value === undefined) continue
    if (typeof value !== 'string')
      fail(
        `'${key}' is ${Array.isArray(value) ? 'a list' : `a ${typeof value}`} where a text is expected`,
        where,
        `it reads ${JSON.stringify(value).slice(0, 60)}`,
      )
    responses[key === 'completion' ? completed : key] = value as string
  }
  if (typeof prompt === 'string') {
    if (Object.keys(responses).length === 0)
      fail(
        'the row has a prompt and no response',
        where,
        `its fields are ${Object.keys(record).join(', ')}`,
        'name the response chosen, rejected, completion or one of the probe types',
      )
    return { row, where, prompt, responses, templated: false }
  }
  if (prompt !== undefined)
    fail(
      "'prompt' is neither a text nor a list of messages",
      where,
      `it reads ${JSON.stringify(prompt).slice(0, 60)}`,
    )
  if (typeof chosen === 'string' && typeof rejected === 'string') {
    const length = sharedPrefix(chosen, rejected)
    if (length === 0)
      fail(
        'chosen and rejected share no prompt',
        where,
        "the row has no 'prompt', so it is what both texts begin with",
        "add a 'prompt' field",
      )
    return {
      row,
      where,
      prompt: chosen.slice(0, length),
      responses: { chosen: chosen.slice(length), rejected: rejected.slice(length) },
      templated: false,
    }
  }
  if (typeof text === 'string') return { row, where, prompt: '', responses: { chosen: text }, templated: false }
  return fail(
    'the row is in no format that is known',
    where,
    `its fields are ${Object.keys(record).join(', ') || 'none'}`,
  )
}

/** `label: false`, as in KTO data, makes a completion an undesirable one; labels of another kind say nothing. */
const completionType = (label: unknown): 'chosen' | 'rejected' =>
  label === false || (typeof label === 'string' && label.toLowerCase() === 'false') ? 'rejected' : 'chosen'

/** TRL's implicit prompt: the longest common prefix, given back the space that would begin both responses. */
function sharedPrefix(a: string, b: string): number {
  let n = 0
  while (n < a.length && n < b.length && a[n] === b[n]) n++
  return n > 0 && a[n - 1] === ' ' ? n - 1 : n
}

function sharedTurns(turns: Record<string, readonly Message[]>, where: string): readonly Message[] {
  const lists = Object.values(turns)
  const same = (i: number): boolean =>
    lists.every((l) => l[i]?.role === lists[0][i].role && l[i]?.content === lists[0][i].content)
  let n = 0
  while (n < Math.min(...lists.map((l) => l.length)) - 1 && same(n)) n++
  if (n === 0)
    fail(
      'the conversations share no first turn',
      where,
      "the row has no 'prompt', so it is the turns that chosen and rejected begin with",
      "add a 'prompt' field",
    )
  return lists[0].slice(0, n)
}

function conversation(
  prompt: readonly Message[],
  responses: Readonly<Record<string, readonly Message[]>>,
  row: number,
  where: string,
  tokenizer?: Tokenizer,
): Row {
  const template = tokenizer?.chatTemplate
  if (!template)
    return fail(
      'the row is a conversation and the model has no chat template',
      where,
      'nothing says how its turns become text',
      'use a model with a chat_template, or give prompt and responses as texts',
    )
  const opening = template.apply(prompt, { addGenerationPrompt: true })
  const texts = Object.entries(responses).map(([type, turns]) => {
    const whole = template.apply([...prompt, ...turns], { addGenerationPrompt: false })
    if (!whole.startsWith(opening))
      fail(
        `the chat template renders the prompt differently once '${type}' follows`,
        where,
        'the response cannot be cut from the rendered text',
        'give prompt and responses as texts',
      )
    return [type, whole.slice(opening.length)] as const
  })
  return { row, where, prompt: opening, responses: Object.fromEntries(texts), templated: true }
}
