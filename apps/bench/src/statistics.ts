/** What is said of repeated timings: the least, which the machine's other work disturbs least, and the median. */

/** Throws RangeError for no numbers. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of no numbers')
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** |a − b| / |b|; 0 where they are equal, NaN where either is. */
export const deviation = (a: number, b: number): number => (a === b ? 0 : Math.abs(a - b) / Math.abs(b))
