/**
 * A gradient gate on y⁻ (Gate-DPO, Mouiche & Bahi, arXiv 2605.02626): the loss has the value of the one inside it, and
 * c₋ is multiplied by g = σ(k(p − τ)), which has no gradient of its own. p says how probable y⁻ still is; once it is in
 * the valley (p well below τ) it is pushed no further, which is what squeezes (paper.md §2.6).
 *
 * Written as logp → g·logp + (1 − g)·stopGradient(logp), so that it goes around any loss of pairs.
 */
import {
  add,
  broadcast,
  cast,
  div,
  equal,
  exp,
  iota,
  maximum,
  mul,
  neg,
  reshape,
  select,
  sigmoid,
  stopGradient,
  sub,
  sum,
  topK,
  type Tensor,
} from '@ldyn/tensor'
import { mustBePositive, sigma } from './logistic.ts'
import { addedUp, lengths, sequenceSums, type Directions, type Loss, type LossArgs, type LossValues } from './loss.ts'

export interface GateOptions {
  /** 'mean': p = exp(mean log π of y⁻'s tokens), their geometric mean. 'quantile': the 10 % quantile of their π. */
  readonly statistic: 'mean' | 'quantile'
  /** k > 0: how sharply the gate closes. */
  readonly sharpness: number
  /** τ in (0, 1): p at which it is half open. */
  readonly threshold: number
}

/** Which quantile: a tenth of y⁻'s tokens are less probable. */
const Q = 0.1

/** g of one response from its tokens' log-probs. */
export function gateOf(logp: readonly number[], { statistic, sharpness, threshold }: GateOptions): number {
  const n = logp.length
  const p =
    statistic === 'mean' ? Math.exp(logp.reduce((a, b) => a + b, 0) / Math.max(1, n)) : quantile(logp.map(Math.exp))
  return sigma(sharpness * (p - threshold))
}

/** The Q-quantile, linear between order statistics (torch.quantile); 1 of nothing. */
function quantile(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = Math.max(0, Q * (sorted.length - 1))
  const [low, high] = [sorted[Math.floor(at)] ?? 1, sorted[Math.ceil(at)] ?? 1]
  return low + (at - Math.floor(at)) * (high - low)
}

/** p of every sequence: [S]. */
function probability({ logp, mask }: LossArgs, statistic: GateOptions['statistic']): Tensor {
  const n = lengths(mask)
  if (statistic === 'mean') return exp(div(sequenceSums(logp, mask), maximum(n, 1)))
  const [s, l] = mask.shape
  // The least probable first: masked tokens, as certain ones, come last.
  const least = topK(neg(mul(logp, mask)), Math.min(l, Math.floor(Q * (l - 1)) + 2)).values
  const at = maximum(0, mul(sub(n, 1), Q))
  const place = broadcast(reshape(at, [s, 1]), least.shape)
  const away = sub(cast(iota(least.shape, 1), 'f32'), place)
  const weight = maximum(0, sub(1, maximum(away, neg(away))))
  return sum(mul(exp(neg(least)), weight), -1)
}

/**
 * `inner` with the gate on every y⁻. Throws RangeError for options out of range and for a loss without pairs.
 * Named `gate-<inner>`; value, metrics and all other directions are the inner loss's.
 */
export function gateRejected(inner: Loss, options: GateOptions): Loss {
  const name = `gate-${inner.name}`
  mustBePositive(name, { sharpness: options.sharpness, threshold: options.threshold })
  if (!inner.needs.pairs) throw new RangeError(`${name}: ${inner.name} has no pairs, so nothing to gate`)
  const gated = (args: LossArgs): LossArgs => {
    const [s, l] = args.mask.shape
    const open = sigmoid(mul(sub(probability(args, options.statistic), options.threshold), options.sharpness))
    const rejected = select(equal(iota([s / 2, 2], 1), 1), reshape(open, [s / 2, 2]), 1)
    const g = stopGradient(broadcast(reshape(rejected, [s, 1]), [s, l]))
    return { ...args, logp: add(mul(args.logp, g), stopGradient(mul(args.logp, sub(1, g)))) }
  }
  const directions = (values: LossValues): Directions => {
    const g = values.mask.map((row, s) =>
      s % 2 === 0
        ? 1
        : gateOf(
            values.logp[s].filter((_, l) => row[l] !== 0),
            options,
          ),
    )
    const scaled = (rows: number[][]): number[][] => rows.map((row, s) => row.map((c) => c * g[s]))
    return Object.fromEntries(
      Object.entries(inner.directions(values)).map(([term, rows]) => [term, scaled(rows)]),
    )
  }
  return {
    ...inner,
    name,
    total: (args) => inner.total(gated(args)),
    c: (values) => addedUp(directions(values)),
    directions,
  }
}
