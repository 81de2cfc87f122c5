// The page stays its user’s while the Lab trains: everything of the engine is in the worker. A task of the page’s
// thread is measured by the CPU time that it took, which does not grow while others use the machine.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { watchTasks } from './tasks.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`The Lab is not watched in a browser: ${reason}`)

/** The longest that was seen is 17 ms on two cores; above 50 a page feels slow. */
const MOST_MS = 50

describe.skipIf(reason !== undefined)('a training in the tab', () => {
  let stage: Stage | undefined
  beforeAll(async () => {
    stage = await openStage()
  })
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
  })

  it('starts, trains twice and is scrubbed, without a long task', { timeout: 300_000 }, async () => {
    await using opened = await stage!.open('#/lab')
    const { page, complaints } = opened
    await settled(page)
    const watching = await watchTasks(page)
    await page.evaluate(() => {
      location.hash = '#/lab?sim=gpt&layers=1&width=16&base=20&sftUpdates=10&dpoUpdates=20&beside=1'
    })
    await page.click('.lab-go')
    // Both the baseline and extend: the second begins by itself.
    await page.waitForFunction(
      () => document.querySelector('.lab-standing')?.textContent?.startsWith('Extend. Done: update 60 of 60'),
      undefined, { timeout: 240_000, polling: 300 })
    await page.waitForSelector('#panel-scissors canvas')
    const box = (await page.locator('#panel-scissors canvas').boundingBox())!
    for (let i = 1; i < 30; i++) await page.mouse.move(box.x + (i / 30) * box.width, box.y + box.height / 2)
    const tasks = await watching.end()
    expect(tasks.length).toBeGreaterThan(100)
    expect(Math.max(...tasks)).toBeGreaterThan(1)
    expect(Math.max(...tasks), 'milliseconds of CPU in one task').toBeLessThan(MOST_MS)
    const head = (): Promise<string> => page.locator('.lab-story h2').allTextContents().then(all => all[1])
    await expect.poll(head).toMatch(/^With extend \(B\) the same DPO moved the wanted answer y⁺ by .* nats; without it \(A\) by /)
    for (const id of ['scissors', 'moves', 'words-rejected', 'words-chosen']) await page.waitForSelector(`#panel-${id}`)
    await expect.poll(() => page.locator('.lab-links').textContent()).toMatch(/CompareFigure 5$/)
    // Whoever leaves and comes back finds it as it was.
    await page.click('.lab-links a:has-text("Overview")')
    await settled(page)
    await page.goBack()
    for (const id of ['scissors', 'words-rejected', 'words-chosen']) await page.waitForSelector(`#panel-${id}`)
    expect(complaints).toEqual([])
  })
})
