// What the page's own thread did, task by task, by the processor's time that each took: that does not grow while others
// use the machine, as the time on the wall does.
import type { CDPSession, Page } from 'playwright-core'

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
}

export interface WatchedTasks {
  /** Milliseconds of every task of the page's thread since it was begun to watch. */
  end(): Promise<readonly number[]>
}

/** Begins to watch; of a page that is opened meanwhile, from its beginning. */
export const watchTasks = async (page: Page, cdp: CDPSession): Promise<WatchedTasks> => {
  const events: TraceEvent[] = []
  const take = ({ value }: { value: unknown }): void => void events.push(...(value as TraceEvent[]))
  cdp.on('Tracing.dataCollected', take)
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing', 'devtools.timeline'] },
  })
  return {
    async end() {
      await page.evaluate(() => performance.mark('of the page'))
      const ended = new Promise(done => cdp.once('Tracing.tracingComplete', done))
      await cdp.send('Tracing.end')
      await ended
      cdp.off('Tracing.dataCollected', take)
      const own = events.find(({ name }) => name === 'of the page')!
      return events.flatMap(({ name, ph, pid, tid, tdur }) =>
        pid === own.pid && tid === own.tid && ph === 'X' && /RunTask/.test(name) ? [(tdur ?? 0) / 1000] : [],
      )
    },
  }
}
