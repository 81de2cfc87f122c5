// The words themselves: at single places of the watched questions, how likely each word was when DPO began, and is now.
// Along y⁻ one sees the push and where its probability goes; along y⁺ what arrives of it where nobody pushed.
import type { WatchedLine, WatchedPosition } from '@ldyn/runs'
import { knownTokens, positionsIn, seriesOf, tokenOf, type PositionKey } from '../../panels/watched/watched.ts'

export interface Change {
  readonly before: number
  readonly after: number
}

export interface Word {
  readonly text: string
  /** The watched response's own word here, the likeliest other word when DPO began, or a further one. */
  readonly role: 'own' | 'likeliest' | 'other'
  /** Probabilities; `before` is unknown for a word that was not among those that are kept. */
  readonly before: number | undefined
  readonly after: number
}

export interface Place extends PositionKey {
  readonly own: Change
  /** The likeliest word but the own, when DPO began. */
  readonly star: Change
  /** Likeliest now first. */
  readonly words: readonly Word[]
}

const SHOWN = 6

const placeAt = (lines: readonly WatchedLine[], key: PositionKey, from: number): Place | undefined => {
  const series = seriesOf(lines, key)
  const then = series.findLast(({ step }) => step <= from)?.position
  const now = series.at(-1)?.position
  if (!then || !now || then === now) return undefined
  const ownOf = (position: WatchedPosition) => tokenOf(position, key.type)
  const [own, star] = [ownOf(then), then.top.find(({ id }) => id !== ownOf(then)?.id)]
  const [before, after] = [knownTokens(then), knownTokens(now)]
  if (!own || !star || !after.has(star.id)) return undefined
  const p = (known: typeof before, id: number): number => Math.exp(known.get(id)!.logp)
  const ids = [...new Set([own.id, star.id, ...now.top.map(({ id }) => id)])].slice(0, SHOWN)
  return {
    ...key,
    own: { before: p(before, own.id), after: p(after, own.id) },
    star: { before: p(before, star.id), after: p(after, star.id) },
    words: ids
      .map((id): Word => ({
        text: after.get(id)!.text,
        role: id === own.id ? 'own' : id === star.id ? 'likeliest' : 'other',
        before: before.has(id) ? p(before, id) : undefined,
        after: p(after, id),
      }))
      .sort((a, b) => b.after - a.after),
  }
}

/** Places of a response type behind its first word: there y⁺ and y⁻ share one context, and their π terms cancel. */
export const placesOf = (lines: readonly WatchedLine[], type: string, from: number): readonly Place[] =>
  positionsIn(lines).flatMap(key => (key.type === type && key.token > 0 ? (placeAt(lines, key, from) ?? []) : []))

/** The own word fell and the likeliest rose. */
export const isDrained = ({ own, star }: Place): boolean => own.after < own.before && star.after > star.before

/** Where it shows most: the largest rise of the likeliest among drained places, else the first place. */
export const clearest = (places: readonly Place[]): Place | undefined =>
  places.filter(isDrained).reduce<Place | undefined>(
    (best, place) =>
      !best || place.star.after - place.star.before > best.star.after - best.star.before ? place : best,
    undefined,
  ) ?? places[0]
