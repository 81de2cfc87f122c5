// What a run's numbers say of its health (ux.md §5.2): each check with the first step at which it was seen. The
// rules are fixed and stand beside the list; `ldyn diagnose` weighs more of them against each other.
import { inOrder, isDoubtful, placeName, show, suretyOf, wayOf } from '@ldyn/figures'
import type { Json } from '@ldyn/runs'
import type { Curves } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { Page } from '../../state/address.ts'
import { changesOf } from '../../panels/dynamics/causes.ts'

export interface Check {
  /** `awaited`: its rows are being read, and `text` is as long as what will be said. */
  readonly state: 'ok' | 'warn' | 'bad' | 'info' | 'awaited'
  readonly text: string
  /** Where it was first seen. */
  readonly step?: number
  /** Where it is seen, at that step. */
  readonly page?: Page
  /** It says something of all numbers of the run. */
  readonly ofAll?: true
}

export const HEALTH_RULE =
  'Squeezing: at two evaluations running chosen is clearly below its highest and the likeliest token’s log π clearly above what it was there. ' +
  'Drift: a rewording of chosen is clearly below its start, at two evaluations running, while it stays so to the end. ' +
  'Gradient: the norm is above ten times its stage’s median. “Clearly” is beyond two standard errors of the probes’ own changes; where there is one value alone, nothing is clear, and it is said how far chosen and the likeliest token went since chosen was highest; ldyn diagnose takes the noise from the curve’s own scatter.'

/** The first of two evaluations running that pass; the last one counts alone. */
const firstOf = (count: number, passes: (e: number) => boolean): number | undefined => {
  for (let e = 0; e < count; e++) if (passes(e) && (e === count - 1 || passes(e + 1))) return e
  return undefined
}

// What holds at an evaluation is settled by those before it: a run that grows is asked of its last one alone. Rows are
// one array for as long as a run is open.
const passed = new WeakMap<object, boolean[]>()

const passedAt = ({ rows }: LiveData): boolean[] => {
  const argmax = rows.get('argmax_logp')
  if (!argmax || !rows.has('logp')) return []
  let known = passed.get(argmax)
  if (!known) passed.set(argmax, (known = []))
  return known
}

type Changes = NonNullable<ReturnType<typeof changesOf>>

/** Of curves without errors nothing is clear: what both did since chosen was highest, and what that looks like. */
const unjudged = (
  run: LiveData,
  mean: readonly number[],
  high: number,
  downs: Changes,
  ups: Changes,
): readonly Check[] => {
  const last = mean.length - 1
  const [down, up] = [downs(high, last), ups(high, last)]
  if (!down || !up) return []
  if (wayOf(down) === 0) return [{ state: 'info', text: 'Squeezing: chosen ended where it was highest' }]
  const since = `since ${placeName(run)} ${run.evaluations[high].step}`
  const far = `${since} chosen fell by ${show(-down.mean)} nats and the likeliest token ${up.mean < 0 ? 'fell' : 'rose'} by ${show(Math.abs(up.mean))}`
  return wayOf(up) > 0
    ? [{ state: 'warn', text: `As in squeezing, ${far}; how sure that is cannot be told`, page: 'squeeze' }]
    : [{ state: 'info', text: `Squeezing would raise the likeliest token: ${far}`, page: 'squeeze' }]
}

const SQUEEZED = 'Squeezing: chosen clearly fell while the likeliest token clearly rose'

const squeezing = (run: LiveData, curves: Curves, awaited: boolean): readonly Check[] => {
  if (isDoubtful(run, 'argmax_logp')) return []
  if (awaited) return [{ state: 'awaited', text: `${SQUEEZED}, first at step 100 go` }]
  const level = curves.of(run, { metric: 'logp', type: 'chosen', per: 'response', spread: 'se' })
  const argmax = curves.of(run, { metric: 'argmax_logp', type: 'chosen', per: 'response', spread: 'se' })
  if (!level || !argmax || level.mean.length < 2) return []
  let high = 0
  const peaks = level.mean.map((value, e) => (value > level.mean[high] ? (high = e) : high))
  const [downs, ups] = [changesOf(run, 'logp', 'chosen'), changesOf(run, 'argmax_logp', 'chosen')]
  if (!downs || !ups) return []
  if (level.n < 2) return unjudged(run, level.mean, peaks.at(-1)!, downs, ups)
  const known = passedAt(run)
  const passes = (e: number): boolean => (known[e] ??= find(e))
  const find = (e: number): boolean => {
    if (peaks[e] === e) return false
    const [down, up] = [downs(peaks[e], e), ups(peaks[e], e)]
    return (
      up !== undefined &&
      down !== undefined &&
      down.mean < 0 &&
      suretyOf(down) === 'clear' &&
      up.mean > 0 &&
      suretyOf(up) === 'clear'
    )
  }
  const e = firstOf(level.mean.length, passes)
  return e === undefined
    ? [{ state: 'ok', text: 'No squeezing seen: chosen did not clearly fall while the likeliest token clearly rose' }]
    : [
        {
          state: 'warn',
          text: SQUEEZED,
          step: run.evaluations[e].step,
          page: 'squeeze',
        },
      ]
}

const drift = (run: LiveData, curves: Curves): readonly Check[] =>
  inOrder(run.types)
    .filter(({ group, key }) => group === 'chosen' && key !== 'chosen' && key !== 'chosen_initial')
    .flatMap(({ key }): Check[] => {
      const curve = curves.of(run, { metric: 'logp', type: key, per: 'response', spread: 'se', since: 0 })
      if (!curve || curve.n < 2) return []
      const low = (e: number): boolean =>
        curve.mean[e] < 0 && suretyOf({ mean: curve.mean[e], se: curve.se[e], n: curve.n }) === 'clear'
      if (!low(curve.mean.length - 1)) return []
      const e = firstOf(curve.mean.length, low)
      return e === undefined
        ? []
        : [
            {
              state: 'warn',
              text: `Drift: ${key} ended clearly below its start`,
              step: run.evaluations[e].step,
              page: 'dynamics',
            },
          ]
    })

const median = (values: readonly number[]): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.floor(sorted.length / 2)]
}

/** The largest norm that a stage's settings leave as it is; undefined where they do not say. */
const clipOf = (config: Json, stage: string): number | undefined => {
  const stages = (config as { readonly stages?: readonly { readonly [key: string]: Json }[] } | null)?.stages
  const found = Array.isArray(stages) ? stages.find(one => one?.name === stage)?.maxGradNorm : undefined
  return typeof found === 'number' && found > 0 ? found : undefined
}

const gradient = (run: LiveData): readonly Check[] => {
  const column = run.scalars.get('grad_norm')
  if (!column) return []
  const checks = [...new Set(column.stages)].flatMap((stage): Check[] => {
    const at = [...column.steps.keys()].filter(i => column.stages[i] === stage)
    const usual = median(at.map(i => column.values[i]))
    const spike = at.find(i => column.values[i] > 10 * usual)
    const clip = clipOf(run.manifest.config, stage)
    const clipped = clip === undefined ? [] : at.filter(i => column.values[i] > clip)
    return [
      ...(spike === undefined
        ? []
        : [
            {
              state: 'warn' as const,
              text: `The gradient’s norm was above ten times its median in ${stage}`,
              step: column.steps[spike],
              page: 'dynamics' as const,
            },
          ]),
      ...(clip !== undefined && clipped.length > at.length / 2
        ? [
            {
              state: 'info' as const,
              text: `${clipped.length} of ${at.length} updates of ${stage} were clipped (norm above ${clip})`,
              step: column.steps[clipped[0]],
              page: 'dynamics' as const,
            },
          ]
        : []),
    ]
  })
  return checks.some(({ state }) => state === 'warn')
    ? checks
    : [{ state: 'ok', text: 'The gradient’s norm stayed within ten times its median' }, ...checks]
}

/** In place of what holds of all numbers, where not all of them could be read; nothing is awaited any more. */
export const withUnread = (checks: readonly Check[]): readonly Check[] =>
  checks.filter(({ state }) => state !== 'awaited').map(check =>
    check.ofAll ? { state: 'bad', text: 'Not all of the run could be read: what stands here is of the rest' } : check)

/** Checks of the numbers that were read, and what the trainer said. `awaited`: rows are still being read. */
export const checksOf = (run: LiveData, curves: Curves, awaited = false): readonly Check[] => {
  const warnings = run.events.flatMap((event): Check[] =>
    event.type === 'warning'
      ? [{ state: 'warn', text: `${event.message} (${event.code})`, ...(event.s !== undefined && { step: event.s }) }]
      : [],
  )
  const resumed = run.events.flatMap((event): Check[] =>
    event.type === 'resume' ? [{ state: 'info', text: 'Resumed', step: event.s, page: 'dynamics' }] : [],
  )
  const ended = run.events.findLast(event => event.type === 'status')
  const bad: readonly Check[] =
    ended?.type === 'status' && ended.status !== 'running' && ended.status !== 'done'
      ? [{ state: 'bad', text: `${ended.status}${ended.reason ? `: ${ended.reason}` : ''}` }]
      : []
  return [
    ...bad,
    {
      state: 'ok',
      ofAll: true,
      text: run.manifest.imported?.notes.some(({ code }) => code === 'not-a-number')
        ? 'Every number that is shown is finite; what the log holds as NaN is left out'
        : 'Every number that was read is finite',
    },
    ...gradient(run),
    ...squeezing(run, curves, awaited),
    ...drift(run, curves),
    ...(warnings.length > 0 || run.manifest.imported
      ? warnings
      : [{ state: 'ok' as const, text: 'The trainer warned of nothing' }]),
    ...resumed,
  ]
}
