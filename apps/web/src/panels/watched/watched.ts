// The next-token distribution at watched positions over the steps (@ldyn/runs, watched.jsonl): which token has how
// much, and between two steps who gave and who got. Probabilities of tokens that are told at both steps are exact; all
// others are one entry, so that what is taken is what is given.
import type { WatchedLine, WatchedPosition } from '@ldyn/runs'

export interface PositionKey {
  readonly row: number
  readonly type: string
  readonly token: number
}

const same = (a: PositionKey, b: PositionKey): boolean =>
  a.row === b.row && a.type === b.type && a.token === b.token

/** Positions that are watched, in the order of the file. */
export const positionsIn = (lines: readonly WatchedLine[]): readonly PositionKey[] =>
  lines[0]?.positions.map(({ row, type, token }) => ({ row, type, token })) ?? []

/** The position that is asked for, or the one that has most in common with it: probe, then type, then token. */
export const positionInFocus = (
  positions: readonly PositionKey[],
  { row, type, token }: { readonly row?: number; readonly type?: string; readonly token?: number },
): PositionKey | undefined => {
  const score = (one: PositionKey): number =>
    (one.row === row ? 4 : 0) + (one.type === type ? 2 : 0) + (one.token === token ? 1 : 0)
  return positions.reduce<PositionKey | undefined>((a, b) => (!a || score(b) > score(a) ? b : a), undefined)
}

export interface Seen {
  readonly step: number
  readonly stage: string
  readonly position: WatchedPosition
}

export const seriesOf = (lines: readonly WatchedLine[], key: PositionKey): readonly Seen[] =>
  lines.flatMap(({ s, stage, positions }): Seen[] => {
    const position = positions.find(one => same(one, key))
    return position ? [{ step: s, stage, position }] : []
  })

/** What was seen at or before a step; the last for undefined. */
export const seenAt = (series: readonly Seen[], step: number | undefined): Seen | undefined =>
  step === undefined ? series.at(-1) : (series.findLast(one => one.step <= step) ?? series[0])

export interface Known {
  readonly id: number
  readonly text: string
  readonly logp: number
}

/** Tokens whose probability is told, by id. */
export const knownTokens = ({ top, tokens }: WatchedPosition): ReadonlyMap<number, Known> =>
  new Map([...tokens, ...top].map(({ id, text, logp }) => [id, { id, text, logp }]))

/** The token that a response type has at this position. */
export const tokenOf = ({ tokens }: WatchedPosition, type: string) => tokens.find(({ of }) => of === type)

export interface Account {
  readonly name: string
  readonly text?: string
  readonly before: number
  readonly after: number
  readonly gain: number
}

export interface Ledger {
  /** Likeliest now, chosen, rejected, a few others, and the rest; gains add up to 0. */
  readonly accounts: readonly Account[]
  readonly taken: number
  /** The share of all that was gained which the token that is likeliest now got; undefined where that is not known. */
  readonly index: number | undefined
}

/** Further tokens that get a line of their own. */
const OTHERS = 4

/** Who gave and who got between two steps at one position. */
export const ledgerOf = (then: WatchedPosition, now: WatchedPosition): Ledger => {
  const [before, after] = [knownTokens(then), knownTokens(now)]
  const both = [...after.keys()].filter(id => before.has(id))
  const star = now.top[0]?.id
  const marks = new Map<number, string>()
  for (const type of ['rejected', 'chosen'] as const) {
    const token = tokenOf(now, type)
    if (token) marks.set(token.id, marks.has(token.id) ? `${marks.get(token.id)} = ${type}` : type)
  }
  if (star !== undefined) marks.set(star, marks.has(star) ? `likeliest = ${marks.get(star)}` : 'likeliest')
  const account = (id: number, name: string): Account => {
    const [b, a] = [Math.exp(before.get(id)!.logp), Math.exp(after.get(id)!.logp)]
    return { name, text: after.get(id)!.text, before: b, after: a, gain: a - b }
  }
  const named = [...marks].flatMap(([id, name]) => (both.includes(id) ? [account(id, name)] : []))
  const others = both
    .filter(id => !marks.has(id))
    .map(id => account(id, 'other'))
    .sort((a, b) => Math.abs(b.gain) - Math.abs(a.gain))
    .slice(0, OTHERS)
  const own = [...named.reverse(), ...others]
  const [b, a] = [1, 1].map((one, k) => one - own.reduce((sum, x) => sum + (k === 0 ? x.before : x.after), 0))
  const accounts = [
    ...own,
    { name: 'all others', before: Math.max(0, b), after: Math.max(0, a), gain: a - b },
  ]
  const gained = accounts.reduce((sum, { gain }) => sum + Math.max(0, gain), 0)
  const winner = named.find(({ name }) => name.startsWith('likeliest'))
  return {
    accounts,
    taken: gained,
    index: winner && gained > 1e-6 && winner.gain > 0 ? winner.gain / gained : undefined,
  }
}

export interface Valley {
  /** Of rejected's token where it was pushed. */
  readonly rejected: number
  readonly chosen: number | undefined
  /**
   * p_thr = ‖π‖² − π_y: to first order, a push on rejected raises exactly the tokens above it (Lemma 1). Only the
   * tokens that are on file count, so it is a lower bound, and a close one where the distribution is peaked.
   */
  readonly threshold: number
  /** Tokens above it, likeliest first. */
  readonly rise: readonly Known[]
}

/** Whom a push on rejected feeds at this position; undefined where rejected has no token there. */
export const valleyOf = (position: WatchedPosition): Valley | undefined => {
  const rejected = tokenOf(position, 'rejected')
  if (!rejected) return undefined
  const known = [...knownTokens(position).values()].sort((a, b) => b.logp - a.logp)
  const p = Math.exp(rejected.logp)
  const threshold = Math.max(0, known.reduce((sum, { logp }) => sum + Math.exp(2 * logp), 0) - p)
  const chosen = tokenOf(position, 'chosen')
  return {
    rejected: p,
    chosen: chosen && Math.exp(chosen.logp),
    threshold,
    rise: known.filter(({ id, logp }) => id !== rejected.id && Math.exp(logp) > threshold),
  }
}

/** Tokens seen among the likeliest at any step, with their largest probability, for a list to choose from. */
export const tokensSeen = (series: readonly Seen[]): readonly Known[] => {
  const found = new Map<number, Known>()
  for (const { position } of series) {
    for (const token of knownTokens(position).values()) {
      const before = found.get(token.id)
      if (!before || before.logp < token.logp) found.set(token.id, token)
    }
  }
  return [...found.values()].sort((a, b) => b.logp - a.logp)
}
