// What happened, in a few sentences made by fixed rules from the run's numbers (ux.md §5.2): which way chosen went
// and where it turned, what rejected and the likeliest token did meanwhile, and which updates carry the fall. Words
// of degree follow @ldyn/figures' rule; each sentence leads to the panel that its numbers come from.
import { argmaxType, isDoubtful, moved, placeName, show, size, suretyOf, wayOf, type Estimate } from '@ldyn/figures'
import type { Curves } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import { carriersOf, causesOf, changesOf, fallOf } from '../../panels/dynamics/causes.ts'
import type { View } from '../../state/address.ts'

export interface Said {
  readonly about: string
  readonly text: string
  /** Where its numbers are seen. */
  readonly go?: { readonly label: string; readonly to: Partial<View> }
}

const changeIn = (run: LiveData, metric: string, type: string, from: number, to: number): Estimate | undefined =>
  changesOf(run, metric, type)?.(from, to)

const levelAt = (run: LiveData, curves: Curves, type: string, e: number): string => {
  const curve = curves.of(run, { metric: 'logp', type, per: 'response', spread: 'se' })!
  return show(curve.mean[e])
}

const carriers = (run: LiveData, type: string, from: number, to: number): readonly Said[] => {
  const causes = causesOf(run, type, from, to)
  const found = causes && causes.actual < 0 ? carriersOf(causes) : undefined
  if (!causes || !found) return []
  const lowering = causes.parts.filter(({ value }) => value < 0)
  const names = lowering.slice(0, 2).map(({ name, value }) => `${name} (${show(value)})`)
  return [
    {
      about: 'which updates',
      text:
        `${found.updates.length} of the ${found.of} updates taken apart between step ${from} and step ${to} carry ` +
        `${Math.round(found.share * 100)} % of what ${type} lost in them` +
        `${names.length > 0 ? `; to first order ${names.join(' and ')} lowered it` : ''}.`,
      go: {
        label: `Show ${found.updates.length === 1 ? 'that update' : 'those updates'}`,
        to: { page: 'dynamics', step: to, versus: from, type, full: undefined },
      },
    },
  ]
}

/** Whether a fall is told: a clear one; of a single mean, which has no error, one that is a good part of the way. */
const isTold = (lost: Estimate, mean: readonly number[]): boolean =>
  suretyOf(lost) === 'unknown'
    ? -lost.mean >= PLAIN_FALL * (Math.max(...mean) - Math.min(...mean))
    : suretyOf(lost) === 'clear'
const PLAIN_FALL = 0.2

/** What the likeliest token's way says of a fall of chosen: squeezing raises it. */
const squeezeWords = (argmax: Estimate): string => {
  const surety = suretyOf(argmax)
  if (wayOf(argmax) <= 0)
    return surety === 'unknown'
      ? 'squeezing would have raised it.'
      : 'squeezing alone, which raises it, does not explain this fall.'
  return surety === 'clear'
    ? 'mass went to what was likeliest already, as squeezing does.'
    : surety === 'slight'
      ? 'that is what squeezing does, here not clearly.'
      : 'that is what squeezing does.'
}

/** Empty where log π of no response was followed over two evaluations. */
export const headline = (run: LiveData, curves: Curves): readonly Said[] => {
  const type = run.types.includes('chosen') ? 'chosen' : run.types[0]
  const last = run.evaluations.length - 1
  if (type === undefined || last < 1 || !run.rows.has('logp')) return []
  const level = curves.of(run, { metric: 'logp', type, per: 'response', spread: 'se' })
  const whole = changeIn(run, 'logp', type, 0, last)
  if (!level || !whole) return []
  const step = (e: number): number => run.evaluations[e].step
  const at = (e: number): string => `${placeName(run)} ${step(e)}`
  const fall = fallOf(level.mean)
  const lost = fall && changeIn(run, 'logp', type, fall.from, fall.to)
  const said: Said[] = []
  const about = (to: Partial<View>): Said['go'] => ({
    label: 'Curves',
    to: { page: 'dynamics', type, full: undefined, ...to },
  })
  if (fall && lost && isTold(lost, level.mean)) {
    const rise = fall.from > 0 ? changeIn(run, 'logp', type, 0, fall.from) : undefined
    const high = levelAt(run, curves, type, fall.from)
    said.push({
      about: type,
      text:
        `log π of ${type} ${rise && wayOf(rise) > 0 ? `rose until ${at(fall.from)} (${high})` : `stood at ${high} at ${at(fall.from)}`}, ` +
        `then fell by ${size(lost)} nats to ${levelAt(run, curves, type, fall.to)} at ${at(fall.to)}` +
        `${fall.to < last ? `, and ended at ${levelAt(run, curves, type, last)}` : ''}.`,
      go: about({ step: step(fall.to), versus: step(fall.from) }),
    })
    const argmax =
      argmaxType(run) === type && !isDoubtful(run, 'argmax_logp')
        ? changeIn(run, 'argmax_logp', type, fall.from, fall.to)
        : undefined
    if (argmax)
      said.push({
        about: 'likeliest token',
        text: `Over the same ${placeName(run)}s the likeliest token’s log π ${moved(argmax)}: ${squeezeWords(argmax)}`,
        go: {
          label: 'Squeeze',
          to: { page: 'squeeze', step: step(fall.to), versus: step(fall.from), type, full: undefined },
        },
      })
    said.push(...carriers(run, type, step(fall.from), step(fall.to)))
  } else {
    const known = suretyOf(whole) !== 'unknown'
    said.push({
      about: type,
      text: `log π of ${type} ${moved(whole)}, from ${levelAt(run, curves, type, 0)} to ${levelAt(run, curves, type, last)}${known ? '; it had no clear fall' : ''}.`,
      go: about({}),
    })
  }
  const rejected =
    type === 'chosen' && run.types.includes('rejected')
      ? changeIn(run, 'logp', 'rejected', 0, last)
      : undefined
  if (rejected)
    said.push({
      about: 'rejected',
      text: `log π of rejected ${moved(rejected)} over the run, to ${levelAt(run, curves, 'rejected', last)}.`,
      go: { label: 'Curves', to: { page: 'dynamics', type: 'rejected', full: undefined } },
    })
  return said
}
