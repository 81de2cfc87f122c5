/**
 * Makes a probe set from preference pairs: for every row, responses of many types whose log-probabilities are then
 * followed (paper.md §3). Types that need no model are made here; `chosen_initial` is sampled by the model before
 * finetuning; rephrasings come from a hook, since they need a model that follows instructions.
 */
import type { Row } from '../rows/row.ts'
import { mixSeed, random, shuffled } from '../training/order.ts'

export interface ProbeRecord {
  readonly prompt: string
  readonly [type: string]: string
}

/** Gives responses of a type for all rows at once; an empty text leaves the type out of a row. */
export type Responder = (rows: readonly Row[]) => Promise<readonly string[]>

export interface MakeOptions {
  /** Rows whose chosen responses serve as answers to questions that are never trained on. */
  readonly heldOut: readonly Row[]
  readonly seed: number
  /** Further types by name: `chosen_initial` from the model, rephrasings from a hook. */
  readonly responders?: Readonly<Record<string, Responder>>
}

const leadingSpace = (text: string): string => /^\s*/.exec(text)![0]
/** The whitespace-separated words of a text in another order, behind the same leading space. */
function permuted(text: string, next: () => number): string {
  return leadingSpace(text) + shuffled(text.split(/\s+/).filter(Boolean), next).join(' ')
}

/**
 * One record a row: prompt, chosen, rejected, every other type that the row brings along, and
 *   irr_train       the chosen response of another of the rows
 *   irr_test        the chosen response of a held-out row (left out where there is none)
 *   random_permute  the words of chosen shuffled
 *   random_nonhum   the words of irr_test shuffled
 * and what `responders` give. Equal seeds give equal sets. Throws RangeError where there is but one row.
 */
export async function makeProbes(
  rows: readonly Row[],
  { heldOut, seed, responders = {} }: MakeOptions,
): Promise<ProbeRecord[]> {
  if (rows.length < 2)
    throw new RangeError("makeProbes: another training question's answer needs at least two rows")
  const given = await Promise.all(
    Object.entries(responders).map(async ([type, respond]) => [type, await respond(rows)] as const),
  )
  return rows.map((row, i) => {
    const next = random(mixSeed(seed, i))
    const other = (i + 1 + Math.floor(next() * (rows.length - 1))) % rows.length
    const outside = heldOut.length > 0 ? heldOut[Math.floor(next() * heldOut.length)].responses.chosen : ''
    const made = {
      irr_train: rows[other].responses.chosen,
      irr_test: outside,
      random_permute: permuted(row.responses.chosen, next),
      random_nonhum: outside && permuted(outside, next),
    }
    const answered = Object.fromEntries(given.map(([type, texts]) => [type, texts[i]]))
    const all = { ...row.responses, ...made, ...answered }
    return { prompt: row.prompt, ...Object.fromEntries(Object.entries(all).filter(([, text]) => text !== '')) }
  })
}
