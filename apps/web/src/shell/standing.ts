// How a run stands, in words that age (ux.md §5.0): "updated 3 s ago", "silent for 4 min", "at step 412".
import type { LiveData } from '../data/live-run.ts'
import type { RunState } from '../wire.ts'

/** 40 s, 4 min, 2 h, 3 d: whole units, rounded down. */
export const lasted = (ms: number): string => {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  return s < 86_400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`
}

const lastStep = ({ evaluations, scalars }: Pick<LiveData, 'evaluations' | 'scalars'>): number => {
  let last = evaluations.at(-1)?.step ?? 0
  for (const { steps } of scalars.values()) last = Math.max(last, steps.at(-1) ?? 0)
  return last
}

/**
 * What to say beside the state; '' where the state says it all. `changedAt` is when the page last heard of something
 * new, 0 for never; `now` is Date.now().
 */
export const standingOf = (
  state: RunState,
  data: Pick<LiveData, 'manifest' | 'evaluations' | 'scalars' | 'events'>,
  changedAt: number,
  now: number,
): string => {
  const beat = Date.parse(data.manifest.process?.heartbeat ?? '')
  switch (state) {
    case 'live':
      return changedAt > 0 ? `updated ${lasted(now - changedAt)} ago` : ''
    case 'stalled':
      return Number.isFinite(beat) ? `silent for ${lasted(now - beat)}` : ''
    case 'killed':
    case 'failed':
    case 'interrupted': {
      const warned = data.events.findLast(event => event.type === 'warning')
      const code = state !== 'interrupted' && warned?.type === 'warning' ? `, ${warned.code}` : ''
      return `at step ${lastStep(data)}${code}`
    }
    case 'done':
      return ''
  }
}
