/** "Did you mean": the candidate at the smallest edit distance, where that is small enough to be meant. */

/** Insertions, deletions, substitutions and swaps of neighbours, each 1 (optimal string alignment). */
export function distance(a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1)
    }
    ;[before, row] = [row, next]
  }
  return row[b.length]
}

const folded = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

/** The candidate that `name` most likely stands for; undefined where more than half of it would have to change. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Infinity
  for (const candidate of candidates) {
    const d = distance(folded(name), folded(candidate))
    if (d < least) [best, least] = [candidate, d]
  }
  return least <= Math.max(1, folded(name).length / 2) ? best : undefined
}

/** `did you mean …?`, or nothing. */
export const didYouMean = (name: string, candidates: Iterable<string>): string => {
  const near = nearest(name, candidates)
  return near === undefined ? '' : `did you mean ${near}?`
}
