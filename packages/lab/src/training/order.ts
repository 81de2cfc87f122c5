/**
 * Which examples make up which update: a pure function of the seed, so that a resumed run continues with the very
 * batches that an undisturbed one would have seen.
 */

/** A small counter-based generator (splitmix32): equal seeds give equal streams on every machine. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return ((z ^ (z >>> 16)) >>> 0) / 4294967296
  }
}

/** Fisher–Yates; the input is left as it is. */
export function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const list = [...items]
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
  return list
}

/** Mixes numbers into one seed, so that every stage and epoch has a stream of its own. */
export const mixSeed = (...parts: readonly number[]): number =>
  parts.reduce((h, p) => Math.imul(h ^ (p >>> 0), 0x9e3779b1) ^ (h >>> 15), 0x811c9dc5) >>> 0

export interface OrderOptions {
  readonly examples: number
  /** Examples an update, over all of its accumulated micro-batches. */
  readonly batch: number
  /** Ends after so many updates, or so many passes; at least one is given. */
  readonly updates?: number
  readonly epochs?: number
  readonly shuffle: boolean
  /** Leave out a pass's last batch where it is not full (the released code); else it is smaller (TRL). */
  readonly dropLast: boolean
  readonly seed: number
}

/** For every update, the indices of its examples. */
export function orderUpdates({
  examples,
  batch,
  updates = Infinity,
  epochs = Infinity,
  shuffle,
  dropLast,
  seed,
}: OrderOptions): number[][] {
  const all = Array.from({ length: examples }, (_, i) => i)
  const result: number[][] = []
  if (examples === 0 || (dropLast && examples < batch)) return result
  for (let epoch = 0; epoch < epochs && result.length < updates; epoch++) {
    const pass = shuffle ? shuffled(all, random(mixSeed(seed, epoch))) : all
    for (let from = 0; from < examples && result.length < updates; from += batch) {
      const group = pass.slice(from, from + batch)
      if (group.length === batch || !dropLast) result.push(group)
    }
  }
  return result
}
