// What comes later does not move what is there: on the Overview words are found after the figures, in a place that was
// kept for them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`Shifts of the layout are not measured: ${reason}`)

interface Shift {
  readonly value: number
  readonly moved: readonly string[]
}

describe.skipIf(reason !== undefined)('what is read', () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs, ['full'])
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  it.each([1280, 390])('stays where it is when the words of the Overview come, %i pixels wide', async width => {
    await using opened = await stage.open('#/', { viewport: { width, height: 4000 } })
    const { page, complaints } = opened
    await settled(page)
    // Rows are slower than curves, as those of a large run are: the first come when shifts are being watched.
    let come = (): void => {}
    const watched = new Promise<void>(done => (come = done))
    await page.route(/parts\?|\/file\/probe\/.*f32/, async route => {
      if (/f32/.test(route.request().url())) await watched
      await new Promise(done => setTimeout(done, 700))
      await route.continue()
    })
    await page.evaluate(() => {
      location.hash = '#/r/full/overview'
    })
    await page.waitForSelector('.story[aria-busy=true]')
    await page.waitForFunction(() => document.querySelectorAll('.panel.curves canvas').length >= 3)
    await page.evaluate(() => {
      const shifts: Shift[] = []
      Object.assign(globalThis, { shifts })
      interface Entry {
        readonly value: number
        readonly sources: readonly { readonly node?: Element }[]
      }
      new PerformanceObserver(list => {
        for (const { value, sources } of list.getEntries() as unknown as Entry[])
          shifts.push({ value, moved: sources.map(({ node }) => `${node?.nodeName} ${node?.className}`) })
      }).observe({ type: 'layout-shift' } as PerformanceObserverInit)
    })
    come()
    await page.waitForSelector('.story[aria-busy=false] li')
    await settled(page)
    expect(await page.locator('.headline li').count()).toBeGreaterThan(1)
    const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: Shift[] }).shifts)
    const total = shifts.reduce((sum, { value }) => sum + value, 0)
    expect(total, JSON.stringify(shifts)).toBeLessThan(0.02)
    expect(complaints).toEqual([])
  })
})
