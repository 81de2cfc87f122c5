/// <reference lib="dom" />
// Times of the viewer, taken in Chromium on the page that is published. "First chart" counts from the moment the
// address is opened until a chart with something in it has been painted, scripts and all, nothing cached.
import { chromium as findChromium } from '@ldyn/software-gpu'
import { serve } from '@ldyn/web/server'
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core'
import type { GrowingRun } from './large-run.ts'
import { watchTasks } from './tasks.ts'

export const SCREENS = ['overview', 'dynamics', 'update', 'squeeze', 'kernel', 'probes'] as const
export type ScreenName = (typeof SCREENS)[number]

/** Runs in the page before its own script: notes when the first chart was painted. */
const watch = (): void => {
  const found = window as unknown as { firstChart?: number }
  const isChart = (): boolean =>
    document.querySelector(
      'figure.curves canvas, figure.panel.curves canvas, .drawn canvas, .drawn svg, .drawn table, .probe .value',
    ) !== null
  const look = (): void => {
    if (!isChart()) return
    observer.disconnect()
    // After the frame that paints it.
    requestAnimationFrame(() =>
      setTimeout(() => {
        found.firstChart ??= performance.now()
      }),
    )
  }
  const observer = new MutationObserver(look)
  observer.observe(document, { childList: true, subtree: true })
}

export interface Opened extends AsyncDisposable {
  readonly page: Page
  readonly cdp: CDPSession
  /** Milliseconds until the first chart was painted. */
  readonly firstChart: number
}

export interface Bench extends AsyncDisposable {
  /** `before` is called with a page that is still empty. */
  open(hash: string, before?: (page: Page, cdp: CDPSession) => Promise<void>): Promise<Opened>
}

/** Serves `root` with the built page `app`, and starts a browser without a GPU. */
export const openBench = async (root: string, app: string | undefined): Promise<Bench> => {
  const found = findChromium()
  if (typeof found === 'string') throw new Error(found)
  const viewer = await serve({ root, version: '0.0.0', app })
  const browser: Browser = await chromium.launch({
    executablePath: found.executablePath,
    args: [...found.args, '--disable-gpu', '--force-color-profile=srgb', '--hide-scrollbars'],
    env: { ...process.env, ...found.env } as Record<string, string>,
  })
  return {
    async open(hash, before) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        locale: 'en-US',
        deviceScaleFactor: 1,
        reducedMotion: 'reduce',
      })
      const page = await context.newPage()
      await page.addInitScript(watch)
      const cdp = await context.newCDPSession(page)
      await before?.(page, cdp)
      await page.goto(`${viewer.url}${hash}`)
      await page.waitForFunction(
        () => (window as unknown as { firstChart?: number }).firstChart !== undefined,
        undefined,
        { timeout: 30_000 },
      )
      const firstChart = await page.evaluate(() => (window as unknown as { firstChart: number }).firstChart)
      return { page, cdp, firstChart, [Symbol.asyncDispose]: () => context.close() }
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await viewer[Symbol.asyncDispose]()
    },
  }
}

/** Waits until the page has had nothing to do for a while. */
export const settle = async ({ page, cdp }: Opened, quiet = 600): Promise<void> => {
  await count(cdp)
  for (let before = -1, tries = 0; tries < 20; tries++) {
    const now = await busy(cdp)
    if (before >= 0 && now - before < 12) return
    before = now
    await page.waitForTimeout(quiet)
  }
}

// In CPU time of the thread: what other programs take meanwhile is none of the page's.
const count = (cdp: CDPSession): Promise<unknown> => cdp.send('Performance.enable', { timeDomain: 'threadTicks' })

/** Milliseconds for which the main thread has been at work since it is counted. */
const busy = async (cdp: CDPSession): Promise<number> => {
  const { metrics } = await cdp.send('Performance.getMetrics')
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000
}

/** Moves the step cursor `times` times; milliseconds from each move until it was painted, sorted. */
export const scrub = ({ page }: Opened, times: number): Promise<readonly number[]> =>
  page.evaluate(async moves => {
    const slider = document.querySelector<HTMLInputElement>('.transport input[type=range]')!
    const most = Number(slider.max)
    const took: number[] = []
    for (let i = 0; i < moves; i++) {
      const began = performance.now()
      slider.value = String(Math.round(((i * 37) % moves) * (most / moves)))
      slider.dispatchEvent(new Event('input', { bubbles: true }))
      await new Promise<void>(done => requestAnimationFrame(() => setTimeout(done)))
      took.push(performance.now() - began)
      await new Promise(done => setTimeout(done, 30))
    }
    return took.sort((a, b) => a - b)
  }, times)

/** Scrolls to the end of the page, until there is no more of it. */
export const scrollToEnd = async (opened: Opened): Promise<void> => {
  const { page } = opened
  for (let before = -1, high = 0; high !== before; ) {
    before = high
    high = await page.evaluate(() => {
      scrollTo(0, document.documentElement.scrollHeight)
      return document.documentElement.scrollHeight
    })
    await settle(opened)
  }
}

/** What live ticks cost the main thread, ms. */
export interface Ticks {
  /** What the page does for so many new evaluations, divided by them. */
  readonly mean: number
  /** The most within half a second: the viewer looks at a run as often, so that holds one tick and no two. */
  readonly worst: number
}

export const ticksOf = async ({ page, cdp }: Opened, run: GrowingRun, ticks: number): Promise<Ticks> => {
  await count(cdp)
  // The first evaluation after the page was opened finds code that was never run.
  for (let i = 0; i < 3; i++) {
    await run.grow()
    await page.waitForTimeout(1200)
  }
  // Of a busy machine a tick may still be under way: the quietest stretch is what the page does without one.
  let idle = Infinity
  for (let i = 0; i < 3; i++) {
    const [from, began] = [await busy(cdp), Date.now()]
    await page.waitForTimeout(600)
    idle = Math.min(idle, ((await busy(cdp)) - from) / (Date.now() - began))
  }
  const spent: number[] = []
  for (let i = 0; i < ticks * 3; i++) {
    const [from, began] = [await busy(cdp), Date.now()]
    if (i % 3 === 0) await run.grow()
    await page.waitForTimeout(Math.max(0, 240 - (Date.now() - began)))
    spent.push((await busy(cdp)) - from - idle * (Date.now() - began))
  }
  const pairs = spent.map((ms, i) => ms + (spent[i + 1] ?? 0))
  return { mean: Math.max(0, spent.reduce((sum, ms) => sum + ms, 0)) / ticks, worst: Math.max(...pairs) }
}

/** Has the kernel screen show what these settings of the address ask for, drift and spectrum included. */
export const showKernel = async ({ page }: Opened, run: string, settings: string): Promise<void> => {
  await page.evaluate(hash => {
    location.hash = hash
  }, `#/r/${run}/kernel?${settings}`)
  // What is asked for is begun in the page's next turns.
  await page.waitForTimeout(200)
  await page.waitForFunction(
    () =>
      document.querySelectorAll('.heat canvas').length === 3 &&
      document.querySelector('#panel-drift canvas') !== null &&
      document.querySelector('[aria-busy=true]') === null,
    undefined,
    { timeout: 120_000 },
  )
}

/** Megabytes of script objects and of arrays behind them, after what can go has gone. */
export const heap = async ({ cdp }: Opened): Promise<number> => {
  await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize, backingStorageSize = 0 } = (await cdp.send('Runtime.getHeapUsage')) as {
    usedSize: number
    backingStorageSize?: number
  }
  return (usedSize + backingStorageSize) / 1e6
}

/** The longest task of the page's thread while something is done, and until that has settled. */
export const longestTask = async (opened: Opened, act: () => Promise<unknown>): Promise<number> => {
  const tasks = await watchTasks(opened.page, opened.cdp)
  await act()
  await settle(opened)
  return Math.max(...(await tasks.end()))
}

/** Goes on to another screen of the same page. */
export const visit = async ({ page }: Opened, screen: ScreenName): Promise<void> => {
  await page.evaluate(name => {
    location.hash = location.hash.replace(/^(#\/r\/[^/]+\/)[^?]*/, `$1${name}`)
  }, screen)
}
