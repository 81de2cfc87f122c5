/**
 * A loss is a mean of terms over units (sequences, pairs or tokens) of a batch: L = total/count.
 *
 * It sees token log-probs [S,L], their mask and, where it needs one, the reference's; nothing V-sized. `total` and
 * `count` are apart so that gradient accumulation can divide by the count of all micro-batches and then equals one
 * big batch. The closed form `c` is the cotangent of `total`, with the sign of paper.md §2.5: positive c pulls a
 * token up, ∇_z total = c·(π − e_y).
 *
 * c is a sum of named directions (contracts.md §2): what pulls y⁺, what pushes y⁻, and what an explicit term adds to
 * either. Each is a cotangent like c, so that a vjp of each is a part of the gradient and the parts add up to it.
 */
import { cast, div, less, mul, sum, type Spec, type Tensor } from '@ldyn/tensor'

/** What a loss is computed from, in a trace. */
export interface LossArgs {
  /** log π of every response token, f32 [S,L]; 0 where masked. */
  readonly logp: Tensor
  /** f32 [S,L]: 1 for a token, 0 for padding. */
  readonly mask: Tensor
  /** log π_ref of the same tokens, f32 [S,L]; there if `needs.reference`. Takes no gradient. */
  readonly ref?: Tensor
  /** The batch inputs that `fields` asks for. */
  readonly fields: Readonly<Record<string, Tensor>>
}

/** The same as numbers, one row a sequence. */
export interface LossValues {
  readonly logp: readonly (readonly number[])[]
  readonly mask: readonly (readonly number[])[]
  readonly ref?: readonly (readonly number[])[]
  readonly fields?: Readonly<Record<string, readonly number[]>>
}

/**
 * What c can be made of.
 * target       −log π of the responses that SFT learns
 * chosen       the comparison's pull on y⁺ (KTO: on desirable responses)
 * rejected     the comparison's push on y⁻ (KTO: on undesirable ones)
 * nll          an explicit α·(−log π(y⁺)): RPO, CPO, ORPO, and SLiC's regulariser with y_ref = y⁺
 * penalty      DPOP's λ·max(0, −r⁺), on y⁺
 * calibration  Cal-DPO's squares, on y⁺ and y⁻
 *
 * A reference adds no direction, nor does KTO's KL: neither has a gradient.
 */
export type Term = 'target' | 'chosen' | 'rejected' | 'nll' | 'penalty' | 'calibration'

/** A cotangent [S,L] by token for each term, 0 where masked; positive pulls up. */
export type Directions = Readonly<Partial<Record<Term, number[][]>>>

export interface Loss {
  readonly name: string
  readonly needs: {
    /** `batch.ref`, the reference model's token log-probs. */
    readonly reference: boolean
    /** Sequences 2i and 2i+1 are y⁺ and y⁻ of pair i. */
    readonly pairs: boolean
  }
  /** Further batch inputs by name: labels, advantages, gates. */
  fields?(sequences: number, tokens: number): Readonly<Record<string, Spec>>
  /** Σ of the terms: a scalar. Padding sequences (all masked) have none. */
  total(args: LossArgs): Tensor
  /** How many terms the mean is over: a scalar that has no gradient. */
  count(args: LossArgs): Tensor
  /** Scalars worth logging, each a mean over this batch; TRL's names where TRL has one. */
  metrics?(args: LossArgs): Readonly<Record<string, Tensor>>
  /** c[s][l] = −∂total/∂logp[s,l] in closed form; 0 where masked. ∂L/∂logp = −c/count. */
  c(values: LossValues): number[][]
  /** Names of the directions of `c`, in the order of tables; known without values. */
  readonly terms: readonly Term[]
  /** c split into `terms`: for every one of them a cotangent, and their sum is `c`. */
  directions(values: LossValues): Directions
}

/** The loss itself, total/count. */
export const lossValue = (loss: Loss, args: LossArgs, count: Tensor = loss.count(args)): Tensor =>
  div(loss.total(args), count)

/** What directions add up to: `c`. */
export function addedUp(directions: Directions): number[][] {
  const [first, ...rest] = Object.values(directions)
  return first.map((row, s) => row.map((x, l) => rest.reduce((total, d) => total + d[s][l], x)))
}

/** Σ over a sequence's tokens: [S,L] → [S]. Nats for log-probs. */
export const sequenceSums = (x: Tensor, mask: Tensor): Tensor => sum(mul(x, mask), -1)

/** Tokens of every sequence, f32 [S]. */
export const lengths = (mask: Tensor): Tensor => sum(mask, -1)

/** f32: 1 for a sequence that has a token, 0 for padding. */
export const present = (length: Tensor): Tensor => cast(less(0, length), 'f32')

/** Σ wx / Σ w. */
export const weightedMean = (x: Tensor, w: Tensor): Tensor => div(sum(mul(x, w)), sum(w))
