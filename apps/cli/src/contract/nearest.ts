/** "Did you mean": the candidate at the smallest edit distance, where that is small enough to be meant. */
import { editDistance, nearestOf } from '@ldyn/core/edit-distance'

/** Insertions, deletions, substitutions and swaps of neighbours, each 1. */
export const distance = (a: string, b: string): number => editDistance(a, b, { swaps: true })

const folded = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

/** The candidate that `name` most likely stands for; undefined where more than half of it would have to change. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const best = nearestOf(name, candidates, (a, b) => distance(folded(a), folded(b)))
  return best && best.distance <= Math.max(1, folded(name).length / 2) ? best.name : undefined
}

/** `did you mean …?`, or nothing. */
export const didYouMean = (name: string, candidates: Iterable<string>): string => {
  const near = nearest(name, candidates)
  return near === undefined ? '' : `did you mean ${near}?`
}
