/**
 * A row: one prompt with its responses, each under the name of its type. A preference pair is a row with `chosen`
 * and `rejected`, an SFT example one with `chosen` alone, a probe row has up to 14 types (paper.md §3).
 */

export interface Row {
  /** Counts from 0 in its file. */
  readonly row: number
  /** `prefs.jsonl:17`, for messages. */
  readonly where: string
  readonly prompt: string
  readonly responses: Readonly<Record<string, string>>
  /** Rendered by a chat template: the text holds its special tokens already, so none are added. */
  readonly templated: boolean
}

/** Something is wrong with the user's data, config or request. Said as what, where, why and what to do. */
export class DataError extends Error {
  override name = 'DataError'
  readonly where: string
  readonly why: string
  readonly fix: string
  constructor(
    what: string,
    { where = '', why = '', fix = '' }: { where?: string; why?: string; fix?: string } = {},
  ) {
    super(what)
    this.where = where
    this.why = why
    this.fix = fix
  }
}

/** The twelve types that the released code evaluates, in its order (paper.md §3), each with what it is. */
export const PAPER_TYPES = {
  chosen: 'the preferred response y⁺',
  chosen_initial: 'sampled by the model before finetuning',
  chosen_gptsemantic: 'y⁺ in other words',
  chosen_gptformat: 'the form of y⁺ with another meaning',
  rejected: 'the dispreferred response y⁻',
  reject_gptsemantic: 'y⁻ in other words',
  reject_gptformat: 'the form of y⁻ with another meaning',
  irr_train: "another training question's y⁺",
  irr_test: "a held-out question's y⁺",
  irr_hum: 'a random sentence of the same length',
  random_permute: 'the words of y⁺ shuffled',
  random_nonhum: 'the words of a held-out y⁺ shuffled',
} as const
