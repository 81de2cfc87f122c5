/**
 * Rank correlation: Spearman's ρ, Pearson's correlation of the ranks; equal values share the mean of their ranks.
 */

/** Ranks from 1; ties share their mean rank. */
export function ranks(x: readonly number[]): number[] {
  const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b])
  const out = new Array<number>(x.length)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to + 1 < order.length && x[order[to + 1]] === x[order[from]]) to++
    for (let i = from; i <= to; i++) out[order[i]] = (from + to) / 2 + 1
    from = to + 1
  }
  return out
}

/** Pearson's correlation; undefined where either side does not vary. */
function pearson(x: readonly number[], y: readonly number[]): number | undefined {
  const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length
  const [mx, my] = [mean(x), mean(y)]
  let [xx, yy, xy] = [0, 0, 0]
  x.forEach((_, i) => {
    xx += (x[i] - mx) ** 2
    yy += (y[i] - my) ** 2
    xy += (x[i] - mx) * (y[i] - my)
  })
  return xx === 0 || yy === 0 ? undefined : xy / Math.sqrt(xx * yy)
}

export interface RankCorrelation {
  /** In [−1, 1]; undefined for fewer than 3 pairs, or where either side does not vary. */
  readonly rho: number | undefined
  readonly n: number
}

/** Throws RangeError for lists of different length, and for a value that is not finite. */
export function spearman(x: readonly number[], y: readonly number[]): RankCorrelation {
  if (x.length !== y.length) throw new RangeError(`spearman: ${x.length} values beside ${y.length}`)
  const bad = [...x, ...y].find((v) => !Number.isFinite(v))
  if (bad !== undefined) throw new RangeError(`spearman: a value is ${bad}`)
  return { rho: x.length < 3 ? undefined : pearson(ranks(x), ranks(y)), n: x.length }
}
