// Fewer points that still say the truth (ux.md R1: never sample at random). What is left out lies between what is
// kept: the lowest and highest value of every stretch is there, exactly, with the first and the last of each stage.

/** Indices 0 … n−1 of what is kept. */
const ascending = (kept: ReadonlySet<number>): readonly number[] => [...kept].sort((a, b) => a - b)

const extremes = (values: ArrayLike<number>, from: number, to: number): readonly [number, number] => {
  let [low, high] = [from, from]
  for (let i = from + 1; i < to; i++) {
    if (values[i] < values[low]) low = i
    if (values[i] > values[high]) high = i
  }
  return [low, high]
}

/** First and last index of every stage. */
const edges = (stages: readonly string[]): readonly number[] =>
  stages.flatMap((stage, i) =>
    i === 0 || i === stages.length - 1 || stages[i - 1] !== stage || stages[i + 1] !== stage ? [i] : [],
  )

/**
 * Which of `stages.length` rows to keep, about `most` of them: the edges of stages, the extremes of every curve over
 * the whole, and those of the `leading` curves in each of as many equal stretches as there is room for. Edges and whole
 * extremes are kept even where they alone are more than `most`.
 */
export const keptRows = (
  stages: readonly string[],
  curves: readonly ArrayLike<number>[],
  leading: readonly ArrayLike<number>[],
  most: number,
): readonly number[] => {
  const n = stages.length
  if (n <= most) return stages.map((_, i) => i)
  const kept = new Set(edges(stages))
  for (const curve of curves) for (const i of extremes(curve, 0, n)) kept.add(i)
  const each = Math.max(1, leading.length * 2)
  const stretches = Math.floor((most - kept.size) / each)
  for (let s = 0; s < stretches; s++) {
    const [from, to] = [Math.floor((s * n) / stretches), Math.floor(((s + 1) * n) / stretches)]
    if (to <= from) continue
    if (leading.length === 0) kept.add(from)
    for (const curve of leading) for (const i of extremes(curve, from, to)) kept.add(i)
  }
  return ascending(kept)
}

/** Which points of one column of the log to keep, about `most`: edges of stages and the extremes of each stretch. */
export const keptPoints = (
  stages: readonly string[],
  values: ArrayLike<number>,
  most: number,
): readonly number[] => keptRows(stages, [], [values], most)

/** Evenly spaced, the first and the last among them. */
export const keptEvenly = (n: number, most: number): readonly number[] =>
  n <= most
    ? Array.from({ length: n }, (_, i) => i)
    : ascending(new Set(Array.from({ length: most }, (_, k) => Math.round((k * (n - 1)) / Math.max(1, most - 1)))))
