/**
 * How far two backends are apart, metric by metric. A deviation is relative:
 *
 *   sums in nats (logp, argmax_logp, rest_logp, loss, logps, rewards)   |x − r| / max(|r|, 1 nat)
 *   other figures (energy, p_e, a_norm, entropy, grad_norm)             |x − r| / max(|r|, largest |r| / 100)
 *   the change of log π by the update                                   |Δx − Δr| / largest |Δr|
 *   the gradient of a parameter                                         ‖x − r‖₂ / ‖r‖₂
 *
 * with r the first backend's value. rewards/accuracies is left out: the update starts at its own reference, where every
 * margin is 0 and its sign is rounding. A change is measured against the largest of all, since a response that hardly
 * moves has no digits of its own left after two log-probs are subtracted.
 */
import type { HostArray } from '@ldyn/tensor'
import type { Measurement, ObservedResponse } from './measure.ts'

export interface Deviation {
  /** `before/logp`, `update/loss`, `change/logp`. */
  readonly metric: string
  /** The largest of all responses. */
  readonly deviation: number
  readonly value: number
  readonly expected: number
  /** Where it is largest; of an update's own figures there is one. */
  readonly response?: { readonly example: number; readonly type: string }
}

const OBSERVED = ['logp', 'argmax_logp', 'rest_logp', 'energy', 'p_e', 'a_norm', 'entropy'] as const
const IN_NATS = /^(logp|argmax_logp|rest_logp|loss|logps\/.*|rewards\/(?!accuracies).*)$/

/** Throws RangeError where the two did not observe the same responses. */
export function compareMeasurements(actual: Measurement, expected: Measurement): Deviation[] {
  const responses = expected.before
  if (actual.before.length !== responses.length)
    throw new RangeError(`${actual.before.length} responses were observed instead of ${responses.length}`)
  const observed = OBSERVED.map((name) => {
    const of = (list: readonly ObservedResponse[]): number[] => list.map((o) => o.metrics[name])
    return largest(`before/${name}`, of(actual.before), of(responses), floorOf(name, of(responses)), responses)
  })
  const compared = Object.keys(expected.update).filter((name) => name !== 'rewards/accuracies')
  const update = compared.map((name) => {
    const [x, r] = [[actual.update[name]], [expected.update[name]]]
    return largest(`update/${name}`, x, r, floorOf(name, r))
  })
  const moved = largestOf(expected.change)
  return [...observed, ...update, largest('change/logp', actual.change, expected.change, moved, responses)]
}

const largestOf = (values: readonly number[]): number => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
const floorOf = (name: string, values: readonly number[]): number =>
  IN_NATS.test(name) ? 1 : largestOf(values) / 100

/** NaN, and a missing value, count as infinitely far. */
function largest(
  metric: string,
  actual: readonly number[],
  expected: readonly number[],
  floor: number,
  responses?: readonly ObservedResponse[],
): Deviation {
  let at = 0
  let deviation = -1
  expected.forEach((r, i) => {
    const error = Math.abs(actual[i] - r)
    const relative = error === 0 ? 0 : error / Math.max(Math.abs(r), floor)
    const counted = Number.isNaN(relative) ? Infinity : relative
    if (counted > deviation) [at, deviation] = [i, counted]
  })
  return {
    metric,
    deviation,
    value: actual[at],
    expected: expected[at],
    ...(responses ? { response: { example: responses[at].example, type: responses[at].type } } : {}),
  }
}

export interface LayerDeviation {
  /** Path of the parameter. */
  readonly path: string
  /** ‖x − r‖₂ / ‖r‖₂ of its gradient. */
  readonly deviation: number
  /** ‖r‖₂. */
  readonly norm: number
}

/** The gradients of every parameter, in the model's order. */
export const compareGradients = (actual: Measurement, expected: Measurement): LayerDeviation[] =>
  [...(expected.gradients ?? [])].map(([path, r]) => {
    const { error, norm } = distance(actual.gradients!.get(path)!, r)
    return { path, deviation: relativeDistance(error, norm), norm }
  })

/** ‖x − r‖₂ and ‖r‖₂, over elements that are not the same infinity or NaN in both. */
export function distance(x: HostArray, r: HostArray): { readonly error: number; readonly norm: number } {
  let error = 0
  let norm = 0
  for (let i = 0; i < r.length; i++) {
    if (!Number.isFinite(r[i]) && Object.is(x[i], r[i])) continue
    error += (x[i] - r[i]) ** 2
    norm += r[i] ** 2
  }
  return { error: Math.sqrt(error), norm: Math.sqrt(norm) }
}

/** NaN is infinitely far; where r is 0 everywhere, anything but 0 is. */
export function relativeDistance(error: number, norm: number): number {
  if (error === 0) return 0
  return Number.isNaN(error) || norm === 0 ? Infinity : error / norm
}
