/**
 * What preference losses share: a term for every pair (y⁺, y⁻) from what each response scores as a whole, TRL's
 * metrics, and the spread of c₊ and c₋ over tokens. Sequences 2i and 2i+1 are pair i; a pair counts if it has a token.
 */
import { less, maximum, mul, reshape, sliceAxis, sub, sum, cast, type Tensor } from '@ldyn/tensor'
import {
  addedUp,
  lengths,
  present,
  sequenceSums,
  weightedMean,
  type Loss,
  type LossArgs,
  type LossValues,
  type Term,
} from './loss.ts'

/** A response as a preference loss sees it: in a trace [P] for all pairs, in closed forms one number. */
export interface Scores<T> {
  /** Σ log π over its tokens. */
  readonly logp: T
  /** r = Σ (log π − log π_ref); Σ log π where the loss has no reference. */
  readonly ratio: T
  /** Tokens, the EOS among them; 0 in padding, so clamp before dividing. */
  readonly length: T
}

/** A term's share of c₊ and c₋; what is left out is 0. */
export interface Sides {
  readonly plus?: number
  readonly minus?: number
}

/** What a pair may need to know of its batch. */
export interface Totals<T> {
  /** Pairs, padding not counted. */
  readonly pairs: T
  /** Tokens of all y⁺. */
  readonly tokens: T
}

export interface PairLoss {
  readonly name: string
  readonly reference: boolean
  /** Explicit terms beside 'chosen' and 'rejected'. */
  readonly terms?: readonly Term[]
  /** Every pair's own loss: [P]. */
  term(chosen: Scores<Tensor>, rejected: Scores<Tensor>, totals: Totals<Tensor>): Tensor
  /** c± = −∂term/∂Σ log π(y±), by term. */
  c(
    chosen: Scores<number>,
    rejected: Scores<number>,
    totals: Totals<number>,
  ): Readonly<Partial<Record<Term, Sides>>>
  /** The implicit reward of a response, for the metrics. */
  reward(scores: Scores<Tensor>): Tensor
}

interface Pairs {
  readonly chosen: Scores<Tensor>
  readonly rejected: Scores<Tensor>
  /** f32 [P]: 0 for padding. */
  readonly weight: Tensor
  readonly totals: Totals<Tensor>
}

function pairsOf({ logp, mask, ref }: LossArgs, { name, reference }: PairLoss): Pairs {
  const [s] = mask.shape
  if (s % 2 !== 0) throw new RangeError(`${name}: ${s} sequences do not form pairs; give y⁺ and y⁻ in turn`)
  if (reference && !ref) throw new RangeError(`${name}: has no reference log-probs; give batch.ref`)
  const sums = sequenceSums(logp, mask)
  const all: Scores<Tensor> = {
    logp: sums,
    // Token by token: the difference of two sums would lose digits to their size in f32.
    ratio: reference ? sequenceSums(sub(logp, ref!), mask) : sums,
    length: lengths(mask),
  }
  const side = (x: Tensor, i: number): Tensor =>
    reshape(sliceAxis(reshape(x, [s / 2, 2]), 1, i, i + 1), [s / 2])
  const scores = (i: number): Scores<Tensor> => ({
    logp: side(all.logp, i),
    ratio: side(all.ratio, i),
    length: side(all.length, i),
  })
  const [chosen, rejected] = [scores(0), scores(1)]
  const weight = maximum(present(chosen.length), present(rejected.length))
  return { chosen, rejected, weight, totals: { pairs: sum(weight), tokens: sum(chosen.length) } }
}

/** A loss from its pair's term. Metrics are means over pairs; `logps/*` are sums over tokens, in nats. */
export function pairLoss(pair: PairLoss): Loss {
  const terms: readonly Term[] = ['chosen', 'rejected', ...(pair.terms ?? [])]
  const directions = (values: LossValues): Record<string, number[][]> => {
    const scores = values.mask.map((_, s) => scoresOf(values, s, pair.reference))
    const plus = scores.filter((_, s) => s % 2 === 0)
    const totals = {
      pairs: plus.filter((score, i) => score.length + scores[2 * i + 1].length > 0).length,
      tokens: plus.reduce((n, { length }) => n + length, 0),
    }
    const byPair = plus.map((score, i) => pair.c(score, scores[2 * i + 1], totals))
    const share = (term: Term, s: number): number => {
      const sides = byPair[(s - (s % 2)) / 2][term]
      return (s % 2 === 0 ? sides?.plus : sides?.minus) ?? 0
    }
    const spread = (term: Term): number[][] =>
      values.mask.map((row, s) => row.map((m) => (m === 0 ? 0 : m * share(term, s))))
    return Object.fromEntries(terms.map((term) => [term, spread(term)]))
  }
  return {
    name: pair.name,
    needs: { reference: pair.reference, pairs: true },
    total: (args) => {
      const { chosen, rejected, weight, totals } = pairsOf(args, pair)
      return sum(mul(pair.term(chosen, rejected, totals), weight))
    },
    count: (args) => pairsOf(args, pair).totals.pairs,
    metrics: (args) => {
      const { chosen, rejected, weight } = pairsOf(args, pair)
      const [up, down] = [pair.reward(chosen), pair.reward(rejected)]
      const mean = (x: Tensor): Tensor => weightedMean(x, weight)
      return {
        'rewards/chosen': mean(up),
        'rewards/rejected': mean(down),
        'rewards/margins': mean(sub(up, down)),
        'rewards/accuracies': mean(cast(less(down, up), 'f32')),
        'logps/chosen': mean(chosen.logp),
        'logps/rejected': mean(rejected.logp),
      }
    },
    c: (values) => addedUp(directions(values)),
    terms,
    directions,
  }
}

function scoresOf({ logp, mask, ref }: LossValues, s: number, reference: boolean): Scores<number> {
  const over = (x: readonly number[]): number =>
    x.reduce((total, v, l) => total + (mask[s][l] === 0 ? 0 : v), 0)
  return {
    logp: over(logp[s]),
    ratio: over(reference ? logp[s].map((v, l) => v - ref![s][l]) : logp[s]),
    length: over(mask[s]),
  }
}
