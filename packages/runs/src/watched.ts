// The next-token distribution at watched positions of probe responses, as far as a figure needs it. A line of
// watched.jsonl is one evaluation:
//
//   {"s":120,"t":…,"stage":"dpo","positions":[{"row":0,"type":"chosen","token":3,"entropy":2.1,
//     "tokens":[{"of":"chosen","id":421,"text":" sorry","logp":-0.5,"rank":1},{"of":"rejected",…}],
//     "top":[{"id":421,"text":" sorry","logp":-0.5},…],"curve":[[1,-0.5],[2,-1.9],…]},…]}
//
// `tokens`: what each response of the probe has at this position, where it is the same up to there, so that its token
// is told by this very distribution; the watched response's own is always one of them. `top`: the likeliest, falling.
// `curve`: log π at log-spaced ranks from 1 to the vocabulary's size. All log-probs in nats.
import { RunError } from './error.ts'
import { asRecord, badLine, isStep } from './records.ts'

export interface WatchedToken {
  readonly id: number
  readonly text: string
  readonly logp: number
}

export interface MarkedToken extends WatchedToken {
  /** The response type whose token it is. */
  readonly of: string
  /** From 1: how many tokens are likelier, and one. */
  readonly rank: number
}

export interface WatchedPosition {
  /** Probe row, response type, and token of the response, from 0. */
  readonly row: number
  readonly type: string
  readonly token: number
  /** Of the distribution, nats. */
  readonly entropy: number
  readonly tokens: readonly MarkedToken[]
  readonly top: readonly WatchedToken[]
  readonly curve: readonly (readonly [rank: number, logp: number])[]
}

export interface Watched {
  readonly positions: readonly WatchedPosition[]
}

export interface WatchedLine extends Watched {
  readonly s: number
  readonly t: number
  readonly stage: string
}

const numbersOf = ({ entropy, tokens, top, curve }: WatchedPosition): readonly unknown[] =>
  [entropy, ...tokens.map(({ logp }) => logp), ...top.map(({ logp }) => logp), ...curve.flat()]

const isToken = (value: unknown): boolean => {
  const { id, text } = (value ?? {}) as Partial<WatchedToken>
  return isStep(id) && typeof text === 'string'
}

/** The line in `value`. Throws RunError `bad-line` or `non-finite`, naming the position. */
export const checkWatched = (value: unknown, where: string): WatchedLine => {
  const { s, t, stage, positions } = asRecord(value, where)
  if (!isStep(s) || !Number.isFinite(t) || typeof stage !== 'string') throw badLine(where, 'it lacks s, t or stage')
  if (!Array.isArray(positions)) throw badLine(where, 'its field "positions" is no list')
  positions.forEach((item: unknown, i) => {
    const { row, type, token, tokens, top, curve } = asRecord(item, where)
    if (!isStep(row) || typeof type !== 'string' || !isStep(token)) throw badLine(where, `position ${i} lacks row, type or token`)
    const lists = [tokens, top, curve]
    if (!lists.every(Array.isArray) || ![...tokens as unknown[], ...top as unknown[]].every(isToken)) {
      throw badLine(where, `position ${i} has no list of tokens, top or curve`)
    }
    if (!(curve as unknown[]).every(point => Array.isArray(point) && point.length === 2)) {
      throw badLine(where, `the curve of position ${i} is no list of ranks and log-probs`)
    }
    if (!numbersOf(item as WatchedPosition).every(Number.isFinite)) {
      throw badLine(where, `a number of position ${i} is not finite`, 'non-finite')
    }
  })
  return value as WatchedLine
}

/** Throws `non-finite`, naming the position. */
export const checkWatchedFinite = ({ positions }: Watched, where: string): void => {
  const bad = positions.find(position => !numbersOf(position).every(Number.isFinite))
  if (!bad) return
  throw new RunError({
    code: 'non-finite', what: 'Cannot write a number of the run',
    where: `${where}, token ${bad.token} of ${bad.type}, row ${bad.row}`, why: 'a log-prob there is not finite',
    fix: 'Lower the learning rate or find the step that made it; a run holds finite numbers only',
  })
}
