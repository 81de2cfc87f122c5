/**
 * KTO: w_D(1 − σ(β(r − z))) for a desirable response, w_U(1 − σ(β(z − r))) for an undesirable one; no pairs.
 *
 *   z = max(0, mean of r over mismatched responses): an estimate of KL(π‖π_ref) that has no gradient.
 *   With s(x) = σ(x)σ(−x):  c = w_D·β·s(β(r − z)) if desirable, −w_U·β·s(β(z − r)) if not.
 *
 * The pull fades on *both* sides: a response far above or far below z is left alone, which bounds the push that
 * squeezes. Mismatched responses (another prompt's, behind this prompt) are sequences of the batch with label 0: they
 * are measured and have c = 0. TRL's KTOTrainer is the same (eq. 7 of the KTO paper).
 */
import {
  add,
  div,
  equal,
  f32,
  maximum,
  mul,
  select,
  sigmoid,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from '@ldyn/tensor'
import { mustBePositive, mustNotBeNegative, sigmaSlope } from './logistic.ts'
import { addedUp, lengths, present, sequenceSums, type Loss, type LossArgs, type LossValues } from './loss.ts'

export interface KtoOptions {
  /** β > 0. */
  readonly beta: number
  /** w_D and w_U ≥ 0, 1 unless given: they make up for unequal numbers of the two. */
  readonly desirableWeight?: number
  readonly undesirableWeight?: number
}

/** Labels of sequences in the batch field `label`, f32 [S]. */
export const KTO_LABEL = { desirable: 1, undesirable: -1, mismatched: 0 } as const

/** c of one response, r its log-ratio and z the KL estimate. */
export const ktoC = (r: number, z: number, desirable: boolean, options: KtoOptions): number => {
  const { beta, desirableWeight = 1, undesirableWeight = 1 } = options
  return (desirable ? desirableWeight : -undesirableWeight) * beta * sigmaSlope(beta * (r - z))
}

interface Parts {
  readonly ratio: Tensor
  readonly logp: Tensor
  /** 1 for a desirable, an undesirable, a mismatched sequence: f32 [S]. */
  readonly up: Tensor
  readonly down: Tensor
  readonly z: Tensor
}

function partsOf({ logp, mask, ref, fields }: LossArgs): Parts {
  if (!ref) throw new RangeError('kto: has no reference log-probs; give batch.ref')
  const { label } = fields
  if (!label) throw new RangeError('kto: has no labels; give batch.label, 1, −1 or 0 for every sequence')
  const there = present(lengths(mask))
  const are = (value: number): Tensor => mul(select(equal(label, value), 1, 0), there)
  const ratio = sequenceSums(sub(logp, ref), mask)
  const other = are(KTO_LABEL.mismatched)
  const kl = div(sum(mul(ratio, other)), maximum(sum(other), 1))
  return {
    ratio,
    logp: sequenceSums(logp, mask),
    up: are(KTO_LABEL.desirable),
    down: are(KTO_LABEL.undesirable),
    z: stopGradient(maximum(kl, 0)),
  }
}

/** z of a batch: the mean log-ratio of its mismatched sequences, 0 if that is negative or there are none. */
export function ktoKl({ logp, mask, ref, fields }: LossValues): number {
  const ratios = mask.flatMap((row, s) =>
    fields!.label[s] === KTO_LABEL.mismatched && row.some((m) => m !== 0)
      ? [row.reduce((n, m, l) => n + (m === 0 ? 0 : logp[s][l] - ref![s][l]), 0)]
      : [],
  )
  return Math.max(0, ratios.reduce((a, b) => a + b, 0) / Math.max(1, ratios.length))
}

/**
 * Directions: 'chosen' for desirable, 'rejected' for undesirable responses. The mean is over both together; mismatched
 * ones do not count. Metrics: `kl` is z; rewards/* and logps/* are means over the responses of a kind, 0 where the
 * batch has none, and `desirable` the share of desirable ones. Throws RangeError for options out of range.
 */
export function kto(options: KtoOptions): Loss {
  const { beta, desirableWeight = 1, undesirableWeight = 1 } = options
  mustBePositive('kto', { beta })
  mustNotBeNegative('kto', { desirableWeight, undesirableWeight })
  const directions = (values: LossValues): { chosen: number[][]; rejected: number[][] } => {
    const label = values.fields?.label
    if (!label) throw new RangeError('kto: has no labels; give fields.label, 1, −1 or 0 for every sequence')
    const z = ktoKl(values)
    const side = (wanted: number): number[][] =>
      values.mask.map((row, s) => {
        if (label[s] !== wanted) return row.map(() => 0)
        const r = row.reduce((n, m, l) => n + (m === 0 ? 0 : values.logp[s][l] - values.ref![s][l]), 0)
        const c = ktoC(r, z, wanted === KTO_LABEL.desirable, options)
        return row.map((m) => (m === 0 ? 0 : c))
      })
    return { chosen: side(KTO_LABEL.desirable), rejected: side(KTO_LABEL.undesirable) }
  }
  return {
    name: 'kto',
    needs: { reference: true, pairs: false },
    fields: (sequences) => ({ label: f32(sequences) }),
    total: (args) => {
      const { ratio, up, down, z } = partsOf(args)
      const value = sigmoid(mul(sub(ratio, z), beta))
      const loss = (w: number, share: Tensor, gain: Tensor): Tensor => mul(sum(mul(sub(1, gain), share)), w)
      const [desirable, undesirable] = [
        loss(desirableWeight, up, value),
        loss(undesirableWeight, down, sigmoid(mul(sub(z, ratio), beta))),
      ]
      return add(desirable, undesirable)
    },
    count: (args) => {
      const { up, down } = partsOf(args)
      return sum(maximum(up, down))
    },
    metrics: (args) => {
      const { ratio, logp, up, down, z } = partsOf(args)
      const mean = (x: Tensor, w: Tensor): Tensor => div(sum(mul(x, w)), maximum(sum(w), 1))
      const [good, bad] = [mul(mean(ratio, up), beta), mul(mean(ratio, down), beta)]
      return {
        kl: z,
        desirable: div(sum(up), maximum(sum(maximum(up, down)), 1)),
        'rewards/chosen': good,
        'rewards/rejected': bad,
        'rewards/margins': sub(good, bad),
        'logps/chosen': mean(logp, up),
        'logps/rejected': mean(logp, down),
      }
    },
    c: (values) => addedUp(directions(values)),
    terms: ['chosen', 'rejected'],
    directions,
  }
}
