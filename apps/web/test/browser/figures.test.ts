// The figures of the paper in a real browser: drawn, saved in three forms, readable on a telephone, in both themes.
import { readFile } from 'node:fs/promises'
import type { Download, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { violationsOn } from './axe.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()

describe.skipIf(reason !== undefined)(`the Figures screen ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs, ['full', 'second', 'recorded'])
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  const save = async (page: Page, panel: string, form: string): Promise<Buffer> => {
    const waiting: Promise<Download> = page.waitForEvent('download')
    await page.locator(`#panel-${panel} .paper-files button`, { hasText: form }).click()
    return readFile(await (await waiting).path())
  }

  it('is one click from any run, and saves a figure as SVG, PNG and CSV', async () => {
    await using opened = await stage.open('#/r/full/overview')
    const { page } = opened
    await settled(page)
    await page.getByRole('link', { name: 'Figures', exact: true }).click()
    await page.waitForSelector('#panel-paper-fig4 .paper-figure')
    const svg = (await save(page, 'paper-fig4', 'SVG')).toString()
    expect(svg).toMatch(/^<\?xml .*\n<svg [^>]*width="174mm"/)
    const png = await save(page, 'paper-fig4', 'PNG')
    expect(png.readUInt32BE(16) / 4).toBeCloseTo((174 / 25.4) * 96, -1)
    const csv = (await save(page, 'paper-fig4', 'CSV')).toString()
    expect(csv.split('\n')[0]).toBe('panel,title,series,x,value,error,source')
    expect(opened.complaints).toEqual([])
  })

  it('shows two columns of a page on a wide window and one on a telephone, and what the reader chose on both', async () => {
    for (const [width, mm, other] of [
      [1280, 174, 85],
      [390, 85, 174],
    ]) {
      await using opened = await stage.open('#/r/full/figures', { viewport: { width, height: 844 } })
      const { page } = opened
      const shown = async (): Promise<string> =>
        decodeURIComponent((await page.locator('.paper-figure').first().getAttribute('src'))!)
      await page.waitForSelector('.paper-figure')
      await expect.poll(shown).toContain(`width="${mm}mm"`)
      await page.locator('.paper-choice[aria-label^="Width"] button[aria-pressed="false"]').click()
      await expect.poll(shown).toContain(`width="${other}mm"`)
      await page.waitForURL(other === 85 ? /sheet=one/ : /sheet=two/)
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0)
    }
  })

  it('compares several runs in Figure 5, and says of a recorded run what it lacks', async () => {
    await using both = await stage.open('#/r/full,second/figures')
    await both.page.waitForSelector('#panel-paper-fig5 .paper-figure')
    await using one = await stage.open('#/r/recorded/figures')
    await one.page.waitForSelector('#panel-paper-fig5.missing')
    expect(await one.page.locator('#panel-paper-fig5 code').textContent()).toMatch(/^ldyn train /)
  })

  it.each(['light', 'dark'] as const)('has nothing that axe finds in %s', async colorScheme => {
    // All of it on one screen: nothing lies under the bar of steps.
    const viewport = { width: 1280, height: 20_000 }
    await using opened = await stage.open('#/r/full,second/figures', { colorScheme, viewport })
    await opened.page.waitForSelector('#panel-paper-fig5 .paper-figure')
    await opened.page.locator('details.paper-notes summary').first().click()
    expect(await violationsOn(opened.page)).toEqual([])
    expect(opened.complaints).toEqual([])
  })
})
