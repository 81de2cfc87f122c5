/**
 * An explicit α·(−log π(y⁺)) beside a comparison, the direction 'nll': RPO, CPO, ORPO, SLiC's regulariser. What it is
 * divided by differs from paper to paper and from trainer to trainer (paper.md §10 D), so it is always said.
 */
import { div, maximum, mul, type Tensor } from '@ldyn/tensor'
import type { Scores, Sides, Totals } from './pairs.ts'

export interface NllOptions {
  /** α ≥ 0; 0 leaves the term out. */
  readonly alpha: number
  /**
   * 'sum': −Σ log π(y⁺), P§2.5's plain α. 'mean': divided by |y⁺|, pair by pair (the RPO and ORPO papers).
   * 'token-mean': ΣNLL/Σtokens over the batch's y⁺ (TRL): long responses weigh more, and the term of one pair depends
   * on its batch.
   */
  readonly reduction: 'sum' | 'mean' | 'token-mean'
}

/** Every pair's share: [P]; the mean over pairs is the term. */
export function nllTerm({ alpha, reduction }: NllOptions, chosen: Scores<Tensor>, totals: Totals<Tensor>): Tensor {
  const nll = mul(chosen.logp, -alpha)
  if (reduction === 'sum') return nll
  if (reduction === 'mean') return div(nll, maximum(chosen.length, 1))
  return mul(nll, div(totals.pairs, maximum(totals.tokens, 1)))
}

/** Its c₊: α, α/|y⁺| or α·pairs/tokens. */
export function nllC({ alpha, reduction }: NllOptions, chosen: Scores<number>, totals: Totals<number>): Sides {
  if (reduction === 'sum') return { plus: alpha }
  if (reduction === 'mean') return { plus: alpha / Math.max(1, chosen.length) }
  return { plus: (alpha * totals.pairs) / Math.max(1, totals.tokens) }
}

