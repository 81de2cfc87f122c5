// The 95 % interval of a mean by the percentile bootstrap (Efron 1979): probes are drawn anew with replacement,
// many times, and the interval leaves out the lowest and highest 2.5 % of the means found. What is drawn depends
// on the number of probes alone, from a fixed seed: the same numbers always have the same interval, on any
// machine, and the same probes are drawn at every step, so that the band is that of whole curves.

/** Where the draws begin. */
const SEED = 1

/** How often probes are drawn anew: fewer where there are many, whose means are near to normal anyway. */
export const drawsFor = (n: number): number => (n <= 64 ? 1000 : n <= 256 ? 400 : 200)

/** What the band is, in words. */
export const bootText = 'bootstrap 95 % of the mean over probes (200–1000 draws, percentile, seed 1)'

/** mulberry32: 32 bits of state, equal on every machine. */
const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const kept = new Map<number, Uint16Array>()
/** By draw and probe, how often the probe is in it. */
const countsFor = (n: number): Uint16Array => {
  const known = kept.get(n)
  if (known) return known
  const draws = drawsFor(n)
  const counts = new Uint16Array(draws * n)
  const random = randomFrom(SEED)
  for (let d = 0; d < draws; d++) for (let k = 0; k < n; k++) counts[d * n + Math.floor(random() * n)]++
  // A handful of sizes is in use at once: one for each type of a run.
  if (kept.size > 32) kept.clear()
  kept.set(n, counts)
  return counts
}

const at = (sorted: Float64Array, q: number): number => {
  const place = (sorted.length - 1) * q
  const i = Math.floor(place)
  return sorted[i] + (sorted[Math.min(sorted.length - 1, i + 1)] - sorted[i]) * (place - i)
}

/** Lower and upper end of the interval of the mean; both are the value where there is one alone. */
export const bootstrap = (values: ArrayLike<number>): readonly [number, number] => {
  const n = values.length
  if (n === 1) return [values[0], values[0]]
  const counts = countsFor(n)
  const means = new Float64Array(drawsFor(n))
  for (let d = 0; d < means.length; d++) {
    let sum = 0
    const from = d * n
    for (let k = 0; k < n; k++) sum += counts[from + k] * values[k]
    means[d] = sum / n
  }
  means.sort()
  return [at(means, 0.025), at(means, 0.975)]
}
