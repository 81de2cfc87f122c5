/**
 * What one curve says in one window, as a direction that has to be earned: a change counts as up or down
 * only where it is clear (beyond two standard errors) and large enough to matter; small ones are flat, and
 * what the log cannot tell is unsure. Every piece of evidence carries its numbers.
 */
import type { CaseStage } from './case.ts'
import { thresholds } from './thresholds.ts'
import { moveOf, type Move, type Track } from './trend.ts'

export type Direction = 'up' | 'down' | 'flat' | 'unsure'

export interface Evidence {
  /** The curve's name: `logp chosen`, `rewards/margins`. */
  readonly curve: string
  readonly direction: Direction
  readonly move: Move
  /** Whether it speaks for the verdict beside which it stands. */
  readonly supports: 'for' | 'against' | 'neither'
  readonly means: string
  /** The curve over the stage, for a picture. */
  readonly values: readonly number[]
  readonly of: Track['of']
}

/** The least change of a metric that matters, from the level that it starts at; in the metric's unit. */
const matters = (metric: string, from: number): number => {
  if (/rewards\//.test(metric)) return thresholds.reward
  if (/logp/.test(metric)) return Math.max(thresholds.nats, thresholds.relative * Math.abs(from))
  if (metric === 'margin') return thresholds.margin
  if (/(^|_)(loss|accuracies|mean_token_accuracy)$/.test(metric))
    return thresholds.relative * Math.max(0.1, Math.abs(from))
  return thresholds.concentration * Math.abs(from)
}

export const directionOf = (metric: string, move: Move): Direction => {
  if (Math.abs(move.change) < matters(metric, move.from)) return 'flat'
  if (move.surety === 'clear') return move.change > 0 ? 'up' : 'down'
  return move.surety === 'noise' ? 'flat' : 'unsure'
}

/** The last index of a track at or before a step, but never beyond its last but one. */
export const indexAt = (track: Track, step: number): number =>
  Math.max(
    0,
    Math.min(
      track.steps.findLastIndex((s) => s <= step),
      track.mean.length - 2,
    ),
  )

/** What a track says from a step on. Undefined for a track of fewer than two points. */
export const speak = (track: Track | undefined, fromStep: number, means: string): Evidence | undefined => {
  if (!track || track.mean.length < 2) return undefined
  const move = moveOf(track, indexAt(track, fromStep))
  return {
    curve: track.name,
    direction: directionOf(track.metric, move),
    move,
    supports: 'neither',
    means,
    values: track.mean,
    of: track.of,
  }
}

export const weigh = (
  evidence: Evidence,
  wanted: Direction | readonly Direction[],
  opposed: Direction,
): Evidence => ({
  ...evidence,
  supports: [wanted].flat().includes(evidence.direction)
    ? 'for'
    : evidence.direction === opposed
      ? 'against'
      : 'neither',
})

/** a − b probe by probe, or mean by mean. */
const difference = (name: string, a: Track | undefined, b: Track | undefined): Track | undefined => {
  if (!a || !b || a.mean.length !== b.mean.length) return undefined
  const base = { name, metric: 'margin', steps: a.steps, of: a.of }
  if (!a.values || !b.values || !a.rows || !b.rows)
    return { ...base, mean: a.mean.map((x, e) => x - b.mean[e]) }
  const place = new Map(b.rows.map((row, i) => [row, i]))
  const both = a.rows.flatMap((row, i) => (place.has(row) ? [[i, place.get(row)!] as const] : []))
  if (both.length === 0) return undefined
  const values = a.values.map((row, e) => both.map(([i, j]) => row[i] - b.values![e][j]))
  return {
    ...base,
    values,
    rows: both.map(([i]) => a.rows![i]),
    mean: values.map((row) => row.reduce((sum, x) => sum + x, 0) / row.length),
  }
}

/**
 * The curves that the diagnosis reads, from a fixed probe set where there is one and from a training log
 * otherwise.
 */
export interface Signals {
  /**
   * log π(y⁺), or the reward β(log π − log π_ref)(y⁺): a difference against the reference, example by
   * example.
   */
  readonly chosen: Track | undefined
  readonly rejected: Track | undefined
  readonly margin: Track | undefined
  /** Along chosen's own context. */
  readonly argmax: Track | undefined
  readonly norm: Track | undefined
  readonly entropy: Track | undefined
  readonly loss: Track | undefined
  /** log π of types that are neither trained up nor down. */
  readonly others: readonly Track[]
  /**
   * Response types other than chosen of which both log π and argmax are known: squeezing can be seen there
   * as well.
   */
  readonly elsewhere: readonly { readonly type: string; readonly logp: Track; readonly argmax: Track }[]
}

export const signalsOf = (stage: CaseStage): Signals => {
  const probe = (metric: string, type: string) => stage.probes.get(`${metric} ${type}`)
  const logged = (...names: readonly string[]) =>
    names.map((name) => stage.log.get(name)).find((track) => track !== undefined)
  const types = [...new Set([...stage.probes.values()].flatMap(({ type }) => type ?? []))]
  const chosen = probe('logp', 'chosen')
  const rejected = probe('logp', 'rejected')
  return {
    chosen: chosen ?? logged('eval_rewards/chosen', 'rewards/chosen', 'eval_logps/chosen', 'logps/chosen'),
    rejected:
      rejected ??
      (chosen
        ? undefined
        : logged('eval_rewards/rejected', 'rewards/rejected', 'eval_logps/rejected', 'logps/rejected')),
    margin:
      difference('logp chosen − logp rejected', chosen, rejected) ??
      logged('eval_rewards/margins', 'rewards/margins'),
    argmax: probe('argmax_logp', 'chosen'),
    norm: probe('a_norm', 'chosen'),
    entropy: probe('entropy', 'chosen') ?? logged('eval_entropy', 'entropy'),
    loss: logged('loss'),
    others: types
      .filter((type) => type !== 'chosen' && type !== 'rejected')
      .flatMap((type) => probe('logp', type) ?? []),
    elsewhere: types
      .filter((type) => type !== 'chosen')
      .flatMap((type) => {
        const [logp, argmax] = [probe('logp', type), probe('argmax_logp', type)]
        return logp && argmax ? [{ type, logp, argmax }] : []
      }),
  }
}
