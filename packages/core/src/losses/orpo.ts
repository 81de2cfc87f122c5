/**
 * ORPO: −ℓ̄⁺ − β log σ(ω⁺ − ω⁻), ℓ̄ the mean log π of a token and ω = ℓ̄ − log(1 − e^ℓ̄) its log-odds. No reference.
 *
 * dω/dℓ̄ = 1 + e^ℓ̄/(1 − e^ℓ̄) = 1/(1 − e^ℓ̄), so with a = σ(ω⁺ − ω⁻)
 *   c± = ±(β/|y±|)·(1 − a)/(1 − e^ℓ̄±),   and the NLL adds α/|y⁺| to c₊ (α = 1 in the paper).
 * A response of which the model is sure (e^ℓ̄ near 1) is moved hardest: its odds are steep.
 *
 * TRL's NLL runs over prompt *and* response and is a mean over all tokens of the batch; here it is over responses, and
 * `reduction` says of what ('mean' is the paper's).
 */
import {
  add,
  div,
  exp,
  expm1,
  less,
  log,
  logSigmoid,
  maximum,
  minimum,
  mul,
  neg,
  select,
  sub,
  type Tensor,
} from '@ldyn/tensor'
import { mustBePositive, mustNotBeNegative, sigma } from './logistic.ts'
import type { Loss } from './loss.ts'
import { nllC, nllTerm, type NllOptions } from './nll.ts'
import { pairLoss, type Scores } from './pairs.ts'

export interface OrpoOptions {
  /** β > 0: weight of the odds ratio (λ in the paper, beta in TRL). */
  readonly beta: number
  /** The NLL term: α = 1 and 'mean' unless given. */
  readonly nll?: NllOptions
}

/** The largest ℓ̄ that odds are computed at; above it (π̄ > 1 − 2⁻²³) f32 has no odds to speak of. */
const SURE = -(2 ** -23)

const meanOf = ({ logp, length }: Scores<Tensor>): Tensor => minimum(div(logp, maximum(length, 1)), SURE)

/** log(1 − e^x) for x < 0, with its digits at both ends. */
function log1mExp(x: Tensor): Tensor {
  const near = less(-Math.LN2, x)
  // Each branch is kept away from the other's argument: a NaN in the branch not taken would spoil the gradient.
  const small = log(neg(expm1(select(near, x, -Math.LN2))))
  const large = log(sub(1, exp(select(near, -Math.LN2, x))))
  return select(near, small, large)
}

/** ω = ℓ̄ − log(1 − e^ℓ̄). */
const logOdds = (mean: Tensor): Tensor => sub(mean, log1mExp(mean))

/** The same and its slope dω/dℓ̄, which is 0 where ℓ̄ is held at the limit. */
function odds({ logp, length }: Scores<number>): { readonly value: number; readonly slope: number } {
  const free = logp / Math.max(1, length)
  const mean = Math.min(free, SURE)
  return { value: mean - Math.log(-Math.expm1(mean)), slope: free < SURE ? -1 / Math.expm1(mean) : 0 }
}

/** c₊·|y⁺| and c₋·|y⁻| of the odds ratio for one pair. */
export function orpoC(
  chosen: Scores<number>,
  rejected: Scores<number>,
  { beta }: Pick<OrpoOptions, 'beta'>,
): { plus: number; minus: number } {
  const [up, down] = [odds(chosen), odds(rejected)]
  const push = beta * sigma(down.value - up.value)
  return { plus: push * up.slope, minus: -push * down.slope }
}

/** Rewards are β·ℓ̄ (as TRL). Throws RangeError for options out of range. */
export function orpo(options: OrpoOptions): Loss {
  const { beta, nll = { alpha: 1, reduction: 'mean' } } = options
  mustBePositive('orpo', { beta })
  mustNotBeNegative('orpo', { alpha: nll.alpha })
  const explicit = nll.alpha > 0
  return pairLoss({
    name: 'orpo',
    reference: false,
    terms: explicit ? ['nll'] : [],
    term: (chosen, rejected, totals) => {
      const ratio = sub(logOdds(meanOf(chosen)), logOdds(meanOf(rejected)))
      const compare = mul(neg(logSigmoid(ratio)), beta)
      return explicit ? add(compare, nllTerm(nll, chosen, totals)) : compare
    },
    c: (chosen, rejected, totals) => {
      const { plus, minus } = orpoC(chosen, rejected, options)
      return {
        chosen: { plus: plus / Math.max(1, chosen.length) },
        rejected: { minus: minus / Math.max(1, rejected.length) },
        nll: nllC(nll, chosen, totals),
      }
    },
    reward: (scores) => mul(meanOf(scores), beta),
  })
}
