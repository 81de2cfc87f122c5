// A log that is only ever appended to holds every attempt that was started in the same directory, one after
// the other. Each begins at the same untrained model, so its first evaluation repeats the very first one; a
// trained model does not come back to it in every metric.

export interface Attempt { readonly from: number, readonly to: number }

type Numbers = Readonly<Record<string, number>>

// The same model evaluated twice on GPUs differs in the last digits of float32.
const SAME = 1e-5

const repeats = (a: Numbers, b: Numbers): boolean => Object.keys(a).every(key =>
  Object.is(a[key], b[key]) || Math.abs(a[key] - b[key]) <= SAME * Math.max(1, Math.abs(a[key]))
  || (Number.isNaN(a[key]) && Number.isNaN(b[key])))

/** The attempts in a log's records, in order; `to` is exclusive. One for a log that was never restarted. */
export const attemptsOf = (records: readonly Numbers[]): readonly Attempt[] => {
  const starts = records.flatMap((record, i) => i === 0 || repeats(records[0], record) ? [i] : [])
  return starts.map((from, k) => ({ from, to: starts[k + 1] ?? records.length }))
}

/** The longest attempt; of equally long ones the last. */
export const longestAttempt = (attempts: readonly Attempt[]): number => attempts.reduce(
  (best, { from, to }, k) => to - from >= attempts[best].to - attempts[best].from ? k : best, 0)
