/**
 * How much probability lies in which ranks, per token: rank 1, 2–5, 6–20, 21–100 and the rest (squeeze/mass.ts has the
 * same on the host). A squeeze moves mass from the lower bands to rank 1 long before any single token shows it.
 */
import {
  add,
  concat,
  equal,
  exp,
  less,
  logSoftmax,
  matmul,
  mul,
  select,
  sliceAxis,
  stack,
  sub,
  sum,
  topK,
  transposeLast,
  zeros,
  type Tensor,
} from '@ldyn/tensor'
import { RANK_BANDS } from '../squeeze/mass.ts'

/** Metrics of a probe response: means over its tokens, in the order of RANK_BANDS. */
export const BAND_METRICS = ['mass_1', 'mass_2_5', 'mass_6_20', 'mass_21_100', 'mass_rest'] as const
export type BandMetric = (typeof BAND_METRICS)[number]

/** Ranks that are sorted; all beyond are one band. */
const SORTED = RANK_BANDS.at(-1)!.from - 1

/**
 * hidden [N,d], head [V,d] → probability of each band, f32 [N,5]; rows add up to 1. Works through `chunkRows` rows at
 * a time, so that no more than chunkRows·V numbers exist at once. The rest is a sum over the rest, not 1 − the others.
 */
export function massBands(hidden: Tensor, head: Tensor, chunkRows = 128): Tensor {
  const n = hidden.shape[0]
  const parts: Tensor[] = []
  for (let from = 0; from < n; from += chunkRows)
    parts.push(bandsOf(sliceAxis(hidden, 0, from, Math.min(n, from + chunkRows)), head))
  return parts.length === 1 ? parts[0] : concat(parts, 0)
}

function bandsOf(hidden: Tensor, head: Tensor): Tensor {
  const [rows, vocab] = [hidden.shape[0], head.shape[0]]
  const logp = logSoftmax(matmul(hidden, head, false, true))
  const sorted = Math.min(SORTED, vocab)
  const top = topK(logp, sorted).values
  const bands = RANK_BANDS.slice(0, -1).map(({ from, to }) =>
    from > sorted ? zeros([rows]) : sum(exp(sliceAxis(top, 1, from - 1, Math.min(to, sorted))), -1),
  )
  return transposeLast(stack([...bands, vocab > SORTED ? beyond(logp, top) : zeros([rows])]))
}

/** Σ p of what is not among the top: all below its last, and of those that equal its last what the top left out. */
function beyond(logp: Tensor, top: Tensor): Tensor {
  const last = sliceAxis(top, 1, top.shape[1] - 1, top.shape[1])
  const count = (x: Tensor): Tensor => sum(select(equal(x, last), 1, 0), -1, true)
  const below = sum(select(less(logp, last), exp(logp), 0), -1, true)
  return sum(add(below, mul(sub(count(logp), count(top)), exp(last))), -1)
}
