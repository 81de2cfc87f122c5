/**
 * Levenshtein's distance between two sequences: insertions, deletions and substitutions, each 1; with `swaps` also
 * exchanges of neighbours (optimal string alignment). Over token ids it is a displacement predictor, over letters
 * it finds what a mistyped name was meant to be.
 */

export interface EditOptions {
  readonly swaps?: boolean
}

/** O(|a|·|b|) time, O(|b|) memory. */
export function editDistance<T>(a: ArrayLike<T>, b: ArrayLike<T>, { swaps = false }: EditOptions = {}): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (same ? 0 : 1))
      const swapped = swaps && i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1)
    }
    ;[before, row] = [row, next]
  }
  return row[b.length]
}

/** Over the longer length: 0 for equal sequences, 1 where nothing is shared. */
export const normalisedEditDistance = <T>(a: ArrayLike<T>, b: ArrayLike<T>): number =>
  a.length + b.length === 0 ? 0 : editDistance(a, b) / Math.max(a.length, b.length)

export interface Nearest {
  readonly name: string
  readonly distance: number
}

/** The first of the candidates at the smallest distance; undefined where there is none. */
export function nearestOf(
  name: string,
  candidates: Iterable<string>,
  distance: (a: string, b: string) => number = editDistance,
): Nearest | undefined {
  let best: Nearest | undefined
  for (const candidate of candidates) {
    const d = distance(name, candidate)
    if (!best || d < best.distance) best = { name: candidate, distance: d }
  }
  return best
}
