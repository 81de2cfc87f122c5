// What one update did to probes: predicted to first order, actual, and by direction. A line of decompose.jsonl:
//
//   {"s":120,"t":…,"stage":"dpo","rows":[3,17],"lr":5e-7,"grad_norm":12.1,"clip_factor":0.83,"residual":0.02,
//    "probes":[{"row":0,"type":"chosen","actual":-0.41,"predicted":-0.40,"directions":{"17 rejected":-0.9,…}},…]}
//
// Changes are after minus before, Σ over response tokens, in nats; directions add up to `predicted`. A direction's name
// is a term of the loss, with a data row in front where examples were told apart ("17 rejected"; "17 chosen target" for
// a response that SFT learns), or 'carry-over' or 'decay'. `s` is the step that the update led to.
//
// With `observe.decompose.tokens` a probe also has "tokens": what was predicted and what happened of every response
// token, in nats, and its text; they add up to the response's figures up to rounding (seven digits are written).
import { RunError } from './error.ts'
import { asRecord, badLine, isStep } from './records.ts'

export interface DecomposedTokens {
  readonly text: readonly string[]
  /** log π before the update. */
  readonly logp: readonly number[]
  readonly actual: readonly number[]
  readonly predicted: readonly number[]
  readonly directions: Readonly<Record<string, readonly number[]>>
}

export interface DecomposedResponse {
  /** Probe row. */
  readonly row: number
  readonly type: string
  readonly actual: number
  readonly predicted: number
  readonly directions: Readonly<Record<string, number>>
  /** By response token, where that was asked for. */
  readonly tokens?: DecomposedTokens
}

export interface Decomposition {
  /** Data rows that the update learned. */
  readonly rows: readonly number[]
  readonly lr: number
  /** Before clipping, and the factor by which it was clipped. */
  readonly grad_norm: number
  readonly clip_factor: number
  /** ‖actual − predicted‖₂ over all tokens of all responses. */
  readonly residual: number
  readonly probes: readonly DecomposedResponse[]
}

export interface DecompositionLine extends Decomposition {
  readonly s: number
  readonly t: number
  readonly stage: string
}

/** A line without step, time and stage. */
export const bodyOf = ({ rows, lr, grad_norm, clip_factor, residual, probes }: DecompositionLine): Decomposition =>
  ({ rows, lr, grad_norm, clip_factor, residual, probes })

const numbers = ['lr', 'grad_norm', 'clip_factor', 'residual'] as const

/** The line in `value`. Throws RunError `bad-line` or `non-finite`, naming the field. */
export const checkDecomposition = (value: unknown, where: string): DecompositionLine => {
  const line = asRecord(value, where)
  if (!isStep(line.s) || !Number.isFinite(line.t) || typeof line.stage !== 'string') {
    throw badLine(where, 'it lacks s, t or stage')
  }
  if (!Array.isArray(line.rows) || !line.rows.every(isStep)) throw badLine(where, 'its field "rows" lists no data rows')
  for (const name of numbers) {
    if (!Number.isFinite(line[name])) throw badLine(where, `its field "${name}" is not a finite number`, 'non-finite')
  }
  if (!Array.isArray(line.probes)) throw badLine(where, 'its field "probes" is no list')
  line.probes.forEach((item, i) => {
    const probe = asRecord(item, where)
    if (!isStep(probe.row) || typeof probe.type !== 'string') throw badLine(where, `probe ${i} lacks row or type`)
    const directions = asRecord(probe.directions, where)
    checkTokens(probe.tokens, where, i)
    for (const [name, x] of [...Object.entries(directions), ['actual', probe.actual], ['predicted', probe.predicted]]) {
      if (!Number.isFinite(x)) throw badLine(where, `"${String(name)}" of probe ${i} is not a finite number`, 'non-finite')
    }
  })
  return value as DecompositionLine
}

const checkTokens = (value: unknown, where: string, i: number): void => {
  if (value === undefined) return
  const { text, directions, ...lists } = asRecord(value, where)
  if (!Array.isArray(text) || !text.every(one => typeof one === 'string')) {
    throw badLine(where, `the tokens of probe ${i} have no text`)
  }
  const { logp, actual, predicted } = lists
  const all = Object.entries({ ...asRecord(directions, where), logp, actual, predicted })
  for (const [name, list] of all) {
    if (!Array.isArray(list) || list.length !== text.length || !list.every(Number.isFinite)) {
      throw badLine(where, `"${name}" of the tokens of probe ${i} is not ${text.length} finite numbers`, 'non-finite')
    }
  }
}

/** Throws `non-finite`, naming the response. */
export const checkFinite = (found: Decomposition, where: string): void => {
  const all = [
    ...numbers.map((name): [string, number] => [name, found[name]]),
    ...found.probes.flatMap(({ row, type, actual, predicted, directions }) =>
      Object.entries({ actual, predicted, ...directions }).map(([name, x]): [string, number] => [`${name} of ${type}, row ${row}`, x])),
  ]
  const bad = all.find(([, x]) => !Number.isFinite(x))
  if (!bad) return
  throw new RunError({
    code: 'non-finite', what: 'Cannot write a number of the run', where: `${where}, ${bad[0]}`, why: `it is ${bad[1]}`,
    fix: 'Lower the learning rate or find the step that made it; a run holds finite numbers only',
  })
}
