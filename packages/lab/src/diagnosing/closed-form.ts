/**
 * What follows from a log alone, without the model: how hard each loss would pull and push at the log-ratios
 * that the run has come to (paper.md §2.5), and which tokens a push can make fall (Lemma 1, paper.md §2.6).
 * Neither is a prediction of Δlog π: for that K is needed, that is, the model (`what-ifs.ts`).
 */
import { calDpo, dpo, dpop, ipo, rpo, slic, sppo, type Loss } from '@ldyn/core'
import type { CaseStage } from './case.ts'
import { indexAt } from './evidence.ts'
import type { Track } from './trend.ts'

export interface Push {
  readonly loss: string
  /**
   * Mean over probes of c₊ and c₋ at the window's start and end: positive pulls a response up, negative
   * pushes it down.
   */
  readonly chosen: readonly [number, number]
  readonly rejected: readonly [number, number]
}

export interface Pushes {
  readonly beta: number
  /**
   * Mean r± = log π(y±) − log π_ref(y±) at the window's start and end, nats; the reference is the stage's
   * first model.
   */
  readonly ratios: {
    readonly chosen: readonly [number, number]
    readonly rejected: readonly [number, number]
  }
  readonly losses: readonly Push[]
  readonly of: Track['of']
}

/** The losses of paper.md §2.5 that depend on r± alone, with the settings in use where they are published. */
const comparable = (beta: number): readonly (readonly [string, Loss])[] => [
  ['dpo', dpo({ beta })],
  ['ipo', ipo({ beta, reduction: 'sum' })],
  ['sppo', sppo({ eta: 1 / beta })],
  ['slic (δ = 1, no regulariser)', slic({ delta: 1, beta })],
  ['dpop (λ = 50)', dpop({ beta, lambda: 50 })],
  ['rpo (α = 1, sum)', rpo({ beta, alpha: 1, reduction: 'sum' })],
  ['cal-dpo', calDpo({ beta })],
]

/** c± of a pair with log-ratios r±, each response as one token: sums are all that these losses see. */
const coefficients = (loss: Loss, up: number, down: number): readonly [number, number] => {
  const c = loss.c({ logp: [[up], [down]], mask: [[1], [1]], ref: [[0], [0]] })
  return [c[0][0], c[1][0]]
}

/**
 * From a probe set: r± of each probe is its change since the stage began (the reference then is the model
 * that the stage began with). From a training log: the means of rewards/chosen and rewards/rejected over β.
 * Undefined where neither is there.
 */
export const pushesOf = (stage: CaseStage, beta: number, fromStep: number): Pushes | undefined => {
  const [chosen, rejected] = [stage.probes.get('logp chosen'), stage.probes.get('logp rejected')]
  const logs = [stage.log.get('rewards/chosen'), stage.log.get('rewards/rejected')]
  let at: (e: 'start' | 'end') => readonly (readonly [number, number])[]
  let of: Track['of']
  if (chosen && rejected) {
    of = chosen.of
    const rows = (track: Track) => track.values ?? track.mean.map((x) => [x])
    const shared =
      chosen.rows && rejected.rows
        ? chosen.rows.flatMap((row, i) => {
            const j = rejected.rows!.indexOf(row)
            return j < 0 ? [] : [[i, j] as const]
          })
        : [[0, 0] as const]
    const [up, down] = [rows(chosen), rows(rejected)]
    const index = { start: indexAt(chosen, fromStep), end: chosen.mean.length - 1 }
    at = (when) =>
      shared.map(([i, j]) => [up[index[when]][i] - up[0][i], down[index[when]][j] - down[0][j]] as const)
  } else if (logs[0] && logs[1]) {
    of = 'batches'
    const [up, down] = logs as readonly Track[]
    const index = { start: indexAt(up, fromStep), end: up.mean.length - 1 }
    at = (when) => [
      [up.mean[index[when]] / beta, down.mean[Math.min(index[when], down.mean.length - 1)] / beta] as const,
    ]
  } else return undefined
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const [start, end] = [at('start'), at('end')]
  const side = (pairs: typeof start, i: 0 | 1) => mean(pairs.map((pair) => pair[i]))
  return {
    beta,
    of,
    ratios: { chosen: [side(start, 0), side(end, 0)], rejected: [side(start, 1), side(end, 1)] },
    losses: comparable(beta).map(([name, loss]) => {
      const [a, b] = [start, end].map((pairs) => pairs.map(([up, down]) => coefficients(loss, up, down)))
      return {
        loss: name,
        chosen: [mean(a.map(([c]) => c)), mean(b.map(([c]) => c))],
        rejected: [mean(a.map(([, c]) => c)), mean(b.map(([, c]) => c))],
      }
    }),
  }
}

export interface Threshold {
  readonly type: string
  readonly vocab: number
  /** ‖π‖² along the response: (‖A‖² − V + 2)/V, at the window's start and end. */
  readonly piSquared: readonly [number, number]
  /**
   * The probability that a token must exceed to rise when one of probability `py` ≈ 0 is pushed down: ‖π‖² −
   * py, the limit of p_thr = ln Z/ε for small steps. Along a response whose own tokens are pushed, py is
   * their mean probability.
   */
  readonly valley: readonly [number, number]
  /**
   * The same for the response's own tokens: py = 1 − energy; undefined without energy. Below 0: all others
   * rise.
   */
  readonly own: readonly [number, number] | undefined
}

/** ‖π‖² from ‖A‖_F² = V − 2 + V‖π‖²; undefined where no distribution over V entries has that norm. */
export const piSquaredOf = (aNorm: number, vocab: number): number | undefined => {
  const square = (aNorm ** 2 - vocab + 2) / vocab
  return square > 0 && square <= 1 ? square : undefined
}

/**
 * Lemma 1's first-order threshold along a response type; undefined without ‖A‖ or where V does not fit it.
 */
export const thresholdOf = (
  stage: CaseStage,
  type: string,
  vocab: number,
  fromStep: number,
): Threshold | undefined => {
  const norm = stage.probes.get(`a_norm ${type}`)
  if (!norm) return undefined
  const energy = stage.probes.get(`energy ${type}`)
  const [a, b] = [indexAt(norm, fromStep), norm.mean.length - 1]
  const [start, end] = [piSquaredOf(norm.mean[a], vocab), piSquaredOf(norm.mean[b], vocab)]
  if (start === undefined || end === undefined) return undefined
  return {
    type,
    vocab,
    piSquared: [start, end],
    valley: [start, end],
    own: energy && [start - (1 - energy.mean[a]), end - (1 - energy.mean[b])],
  }
}
