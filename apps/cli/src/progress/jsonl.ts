/** Progress for programs: every event as a line {"progress": task, done, total, unit, elapsed_ms, eta_ms, …}. */
import { paceOf, remember, type Clocked } from './pace.ts'
import type { Reporter, ReporterOptions } from './reporter.ts'

export function createJsonl({ stream, now = Date.now }: ReporterOptions): Reporter {
  let task: string | undefined
  let begun = 0
  let events: Clocked[] = []
  return {
    update(event) {
      const at = now()
      if (event.task !== task) [task, begun, events] = [event.task, at, []]
      events = remember(events, { at, done: event.done })
      const { task: progress, ...rest } = event
      const { eta } = paceOf(events, event.total)
      stream.write(
        `${JSON.stringify({ progress, ...rest, elapsed_ms: at - begun, eta_ms: eta === undefined ? null : Math.round(eta) })}\n`,
      )
    },
    note: (text) => void stream.write(`${JSON.stringify({ note: text })}\n`),
    end() {},
    [Symbol.dispose]() {},
  }
}
