/**
 * The parts of an update's loss: its gradient by token log-prob, split into named cotangents that add up to it
 * (contracts.md §2). The vjp of each is a part of the gradient, since the vjp is linear.
 *
 * Sign: a cotangent is ∂L/∂log π = −c/count, so it is negative where the update pulls a token up.
 */
import type { Directions, Loss, LossValues } from '../losses/loss.ts'

/** terms: y⁺, y⁻ and every explicit term of the loss. examples: the same for every example apart. */
export type SplitBy = 'terms' | 'examples'

export interface LossPart {
  /** A term (`chosen`), or with an example's label in front (`17 chosen`). */
  readonly name: string
  /** ∂L/∂log π of the part, [S][L]; 0 where masked. */
  readonly cotangent: number[][]
}

export interface SplitOptions {
  /** What L's mean is over, all micro-batches together. */
  readonly count: number
  readonly by: SplitBy
  /** Which example each sequence of the batch is of: its label. For padding any. */
  readonly exampleOf: readonly string[]
}

/** −c/count as named parts. A part that is 0 everywhere is left out: it moves nothing. */
export function lossParts(
  loss: Loss,
  values: LossValues,
  { count, by, exampleOf }: SplitOptions,
): LossPart[] {
  const directions = loss.directions(values)
  const terms = loss.terms.flatMap((term) => (directions[term] ? [[term, directions[term]] as const] : []))
  if (by === 'terms') return terms.flatMap(([name, c]) => nonZero({ name, cotangent: scaledBy(c, count) }))
  return [...new Set(exampleOf)].flatMap((example) =>
    terms.flatMap(([term, c]) => {
      const own = c.map((row, s) => (exampleOf[s] === example ? row : row.map(() => 0)))
      return nonZero({ name: `${example} ${term}`, cotangent: scaledBy(own, count) })
    }),
  )
}

/** The whole of −c/count. */
export const lossCotangent = (loss: Loss, values: LossValues, count: number): number[][] =>
  scaledBy(loss.c(values), count)

/** The term of a part's name. */
export const termOf = (name: string): keyof Directions =>
  name.slice(name.lastIndexOf(' ') + 1) as keyof Directions

const scaledBy = (c: readonly (readonly number[])[], count: number): number[][] =>
  c.map((row) => row.map((x) => (x === 0 ? 0 : -x / count)))

const nonZero = (part: LossPart): LossPart[] =>
  part.cotangent.some((row) => row.some((x) => x !== 0)) ? [part] : []
