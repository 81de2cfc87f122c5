/**
 * Progress for logs: a line each 10 s or 1 %, whichever comes first, though never two within 2 s; a last line when a
 * task that was shown is over.
 */
import { brief, duration, paceOf, remember, speed, type Clocked } from './pace.ts'
import { QUIET_MS, type ProgressEvent, type Reporter, type ReporterOptions } from './reporter.ts'

const EVERY_MS = 10_000

/** One line of a log. */
function plainLine(event: ProgressEvent, events: readonly Clocked[]): string {
  const { task, done, total, unit, metrics = {}, probes = {}, busy } = event
  const { rate, eta } = paceOf(events, total)
  const percent = total > 0 ? ` ${Math.floor((100 * done) / total)}%` : ''
  const numbers = [...Object.entries(metrics), ...Object.entries(probes)].map(
    ([name, value]) => `${name} ${brief(value)}`,
  )
  return [
    `${task} ${done}/${total} ${unit}${percent}`,
    ...(rate !== undefined && eta !== undefined && done < total
      ? [`${speed(rate, unit)}  ETA ${duration(eta)}`]
      : []),
    ...(busy ? [busy] : []),
    ...numbers,
  ].join('  ')
}

export function createPlain({ stream, now = Date.now }: ReporterOptions): Reporter {
  let task: string | undefined
  let last: ProgressEvent | undefined
  let events: Clocked[] = []
  let [begun, shownAt, shownPart, shownDone] = [0, 0, 0, -1]

  const show = (event: ProgressEvent): void => {
    stream.write(`${plainLine(event, events)}\n`)
    ;[shownAt, shownPart, shownDone] = [now(), event.done / event.total, event.done]
  }
  const end = (): void => {
    if (last && shownDone >= 0 && last.done !== shownDone) show(last)
    task = last = undefined
  }
  return {
    update(event) {
      const at = now()
      if (event.task !== task) {
        end()
        ;[task, events, begun, shownAt, shownPart, shownDone] = [
          event.task,
          [],
          at,
          at,
          event.done / event.total,
          -1,
        ]
      }
      events = remember(events, { at, done: event.done })
      last = event
      const waited = at - shownAt
      const due = waited >= EVERY_MS || (waited >= QUIET_MS && event.done / event.total - shownPart >= 0.01)
      if (at - begun >= QUIET_MS && due) show(event)
    },
    note: (text) => void stream.write(`${text}\n`),
    end,
    [Symbol.dispose]: end,
  }
}
