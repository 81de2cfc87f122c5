// What a page's own thread did, by the processor's time that each task of it took: that does not grow while others
// use the machine, as the time on the wall does.
import type { Page } from 'playwright-core'

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
}

/** Begins to watch; `end` gives the milliseconds of processor time of every task since, of the page's own thread. */
export const watchTasks = async (page: Page): Promise<{ end(): Promise<readonly number[]> }> => {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing', 'devtools.timeline'] },
  })
  await page.evaluate(() => performance.mark('of the page'))
  return {
    async end() {
      const ended = new Promise(done => session.once('Tracing.tracingComplete', done))
      await session.send('Tracing.end')
      await ended
      const own = events.find(({ name }) => name === 'of the page')!
      return events.flatMap(({ name, ph, pid, tid, tdur }) =>
        pid === own.pid && tid === own.tid && ph === 'X' && /RunTask/.test(name) ? [(tdur ?? 0) / 1000] : [])
    },
  }
}
