/**
 * What is known before training of whether a pair (y⁺, y⁻) will push its own y⁺ down: cheap scores from one
 * forward pass of the untrained model.
 *
 * CHES (Razin et al., ICLR 2025, eq. 6; paper.md §9) is the last layer's tangent kernel with A and G left out: with
 * h the final hidden states from the last prompt token to the second-last response token (those that predict the
 * response), ches = ⟨Σh⁺, Σh⁻⟩ − ‖Σh⁺‖². Higher means more displacement. Their script for data filtering takes one
 * state more, the one after the last token; their library, as the paper, does not.
 */
import { concat, i32, mul, reshape, sum, take, tokenStats, zeros, type Program, type Tensor } from '@ldyn/tensor'
import { batchSpecs, type BatchShape } from '../batch.ts'
import type { CausalLM } from '../model.ts'
import { readHidden, traceAs, type ModelInputs } from '../programs/forward.ts'
import { inner } from '../kernel/matrix.ts'
import { normalisedEditDistance } from './edit-distance.ts'

/**
 * {params, batch (batchSpecs and last: i32 [S], the read of each sequence's last token)} → {sums: Σh [S,d], last:
 * h [S,d], stats: tokenStats, each [N]}.
 */
export const displacementProgram = (model: CausalLM, shape: BatchShape): Program =>
  traceAs<ModelInputs & { readonly batch: { readonly last: Tensor } }>(
    ({ params, batch }) => {
      const hidden = readHidden(model, params, batch)
      const { sequences: s, tokens: l } = shape
      const padded = concat([hidden, zeros([1, model.width])], 0)
      const states = mul(take(padded, batch.grid), reshape(batch.mask, [s, l, 1]))
      return {
        sums: sum(states, 1),
        last: take(hidden, batch.last),
        stats: { ...tokenStats(hidden, model.head(params), batch.targets) },
      }
    },
    { params: model.params, batch: { ...batchSpecs(shape), last: i32(shape.sequences) } },
  )

/** One response of a pair under the model as it is before training. */
export interface ResponseStates {
  readonly ids: ArrayLike<number>
  /** Σh and the last h, [d]. */
  readonly sum: ArrayLike<number>
  readonly last: ArrayLike<number>
  /** log π of its tokens, and ‖π‖² at them. */
  readonly logp: ArrayLike<number>
  readonly piSquared: ArrayLike<number>
}

export interface DisplacementScores {
  /** ⟨Σh⁺, Σh⁻⟩ − ‖Σh⁺‖². */
  readonly ches: number
  /** ⟨Σh⁺, Σh⁻⟩/(|y⁺||y⁻|) − ‖Σh⁺‖²/|y⁺|². */
  readonly ln_ches: number
  /** ⟨h⁺, h⁻⟩ of the states that predict each response's last token. */
  readonly last_hidden: number
  /** Levenshtein over token ids, divided by the longer length: 0 alike, 1 nothing shared. */
  readonly edit_distance: number
  /** Σ log π(y⁻), nats: the lower, the deeper in the valley, and the stronger the squeeze (paper.md §2.6). */
  readonly rejected_logp: number
  /** log π(y⁻) per token. */
  readonly rejected_logp_per_token: number
  /**
   * Mean over y⁻'s tokens of ‖π‖² − π(y⁻_t): the probability that another token must exceed to rise when y⁻_t is
   * pushed down, the limit of ln Z/ε for small steps (paper.md §2.6, Lemma 1). The higher, the more fall.
   */
  readonly p_thr: number
}

/** In the order of tables. */
export const DISPLACEMENT_SCORES = [
  'ches',
  'ln_ches',
  'last_hidden',
  'edit_distance',
  'rejected_logp',
  'rejected_logp_per_token',
  'p_thr',
] as const satisfies readonly (keyof DisplacementScores)[]

/** Throws RangeError for a response without tokens and for a score that is not finite. */
export function displacementScores(chosen: ResponseStates, rejected: ResponseStates): DisplacementScores {
  const [up, down] = [chosen.ids.length, rejected.ids.length]
  if (up === 0 || down === 0) throw new RangeError('displacementScores: a response has no tokens')
  const cross = inner(chosen.sum, rejected.sum)
  const own = inner(chosen.sum, chosen.sum)
  const logp = Array.from(rejected.logp).reduce((a, b) => a + b, 0)
  const scores = {
    ches: cross - own,
    ln_ches: cross / (up * down) - own / up ** 2,
    last_hidden: inner(chosen.last, rejected.last),
    edit_distance: normalisedEditDistance(chosen.ids, rejected.ids),
    rejected_logp: logp,
    rejected_logp_per_token: logp / down,
    p_thr: Array.from(rejected.piSquared).reduce((n, p, t) => n + p - Math.exp(rejected.logp[t]), 0) / down,
  }
  for (const name of DISPLACEMENT_SCORES)
    if (!Number.isFinite(scores[name])) throw new RangeError(`displacementScores: ${name} is ${scores[name]}`)
  return scores
}
