// The tokens of a watched position that have a part of their own: chosen's, rejected's, the likeliest, and one that the
// reader follows; where each stands, and what became of it between two steps.
import { looks, show, type Look } from '@ldyn/figures'
import type { WatchedPosition } from '@ldyn/runs'
import { tokenText } from '../../data/matrices.ts'
import { knownTokens, tokenOf, type Known, type Seen } from './watched.ts'

/** A token as it is quoted in a sentence. */
export const quoted = (text: string): string => `“${tokenText(text)}”`

export interface Marked {
  readonly name: string
  readonly id: number
  readonly text: string
  readonly look: Look
}

export const markedTokens = (
  now: WatchedPosition,
  followed: Known | undefined,
  likeliest = 'likeliest now',
): readonly Marked[] => {
  const [chosen, rejected, star] = [tokenOf(now, 'chosen'), tokenOf(now, 'rejected'), now.top[0]]
  const own = now.tokens.find(({ of }) => of === now.type)
  const all: (Marked | undefined)[] = [
    chosen && { name: 'chosen', id: chosen.id, text: chosen.text, look: looks.chosen },
    rejected && { name: 'rejected', id: rejected.id, text: rejected.text, look: looks.rejected },
    !chosen && !rejected && own
      ? { name: now.type, id: own.id, text: own.text, look: looks.otherAnswer }
      : undefined,
    star && { name: likeliest, id: star.id, text: star.text, look: looks.argmax },
    followed && { name: 'followed', id: followed.id, text: followed.text, look: looks.margin },
  ]
  const found = all.filter(one => one !== undefined)
  // A token that is two things at once is drawn once, under both names.
  return found.flatMap((one, i) => {
    if (found.findIndex(({ id }) => id === one.id) < i) return []
    const names = found.filter(({ id }) => id === one.id).map(({ name }) => name)
    return [{ ...one, name: names.join(' = ') }]
  })
}

export const logpOf = (position: WatchedPosition, id: number): number | undefined =>
  knownTokens(position).get(id)?.logp

/** The rank at which a token of this log-prob stands: told, or read off the curve. */
export const rankAt = (position: WatchedPosition, id: number, logp: number): number => {
  const told = position.tokens.find(token => token.id === id)?.rank
  if (told !== undefined) return told
  const at = position.top.findIndex(token => token.id === id)
  if (at >= 0) return at + 1
  const next = position.curve.findIndex(([, value]) => value <= logp)
  return position.curve[Math.max(0, next)]?.[0] ?? 1
}

/** What became of each between two steps, in words. */
export const storyOf = (then: Seen, now: Seen, marked: readonly Marked[]): string =>
  marked
    .flatMap(({ id, name, text }) => {
      const [b, a] = [logpOf(then.position, id), logpOf(now.position, id)]
      if (a === undefined) return []
      const ranks = [then, now].map((seen, k) => rankAt(seen.position, id, [b, a][k] ?? -Infinity))
      return [
        `${name} ${quoted(text)} ${b === undefined ? 'from below the likeliest' : show(Math.exp(b))} → ${show(Math.exp(a))}${b === undefined ? '' : ` (rank ${ranks[0]} → ${ranks[1]})`}`,
      ]
    })
    .join('; ')
