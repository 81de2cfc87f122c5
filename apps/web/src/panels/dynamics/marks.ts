// What happened on the way, by step: checkpoints, warnings, resumptions, notes. The log knows some of them by time
// alone; those stand at the last update that was on file by then.
import type { LiveData } from '../../data/live-run.ts'
import type { Mark } from '../../drawing/align.ts'

/** The last step on file at a time. */
const stepAtTime = (run: Pick<LiveData, 'scalars'>, t: number): number => {
  let step = 0
  const column = run.scalars.values().next().value
  for (let i = 0; column && i < column.steps.length && column.times[i] <= t; i++) step = column.steps[i]
  return step
}

/** Marks by step, in the order of the log. */
export const marksOf = (run: Pick<LiveData, 'events' | 'scalars'>): readonly Mark[] =>
  run.events.flatMap((event): Mark[] => {
    switch (event.type) {
      case 'checkpoint':
        return [{ step: event.s, kind: 'checkpoint', text: `checkpoint at ${event.s}` }]
      case 'warning':
        return event.s === undefined
          ? []
          : [{ step: event.s, kind: 'warning', text: `${event.code} at ${event.s}: ${event.message}` }]
      case 'resume':
        return [{ step: event.s, kind: 'resume', text: `resumed at ${event.s}` }]
      case 'note':
        return [{ step: stepAtTime(run, event.t), kind: 'note', text: event.message }]
      default:
        return []
    }
  })
