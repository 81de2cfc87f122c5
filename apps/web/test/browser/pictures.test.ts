// Every panel as a picture: what a reader saves is what the page shows, drawings, text and tables alike.
import { join } from 'node:path'
import { show, signed } from '@ldyn/figures'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkMarkup } from '../../../../packages/figures/test/check-markup.ts'
import { positionAt, responseAt, TEXT, writeMaps } from '../maps-on-disk.ts'
import { fileOf } from './twins.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`Pictures are not tried in a browser: ${reason}`)

/** Texts of a picture in their order, and fills of what lies behind them; it must be sound markup. */
const read = (svg: string): { readonly texts: readonly string[]; readonly fills: readonly string[] } => {
  checkMarkup(svg)
  const plain = (text: string): string => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
  return {
    texts: [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => plain(text)),
    fills: [...svg.matchAll(/<rect[^>]* fill="([^"]*)"/g)].map(([, fill]) => fill),
  }
}

describe.skipIf(reason !== undefined)('pictures in Chromium', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
    await writeMaps(join(stage.runs, 'full'))
  })
  afterAll(() => stage?.[Symbol.asyncDispose]())

  /** A page as high as all that is on it. */
  const open = async (hash: string) => {
    const opened = await stage.open(hash, { viewport: { width: 1280, height: 5000 } })
    await settled(opened.page)
    return opened
  }
  const panelsOf = (page: Page): Promise<string[]> =>
    page
      .locator('figure.panel.drawn, figure.panel.curves')
      .evaluateAll(all => all.map(one => (one as HTMLElement).dataset.panel!))

  it.each(['update', 'kernel', 'squeeze', 'overview', 'dynamics', 'probes'])(
    'every panel of %s is saved as a picture',
    async name => {
      await using opened = await open(`#/r/full/${name}?s=20`)
      const { page, complaints } = opened
      const panels = await panelsOf(page)
      expect(panels.length).toBeGreaterThan(0)
      for (const panel of panels) {
        const svg = await fileOf(page, panel, 'SVG')
        checkMarkup(svg.replace(/^<\?xml[^>]*>\n/, ''))
        expect(svg.length, `${name}: ${panel}`).toBeGreaterThan(500)
      }
      expect(complaints).toEqual([])
    },
  )

  it('text has every token in its colour, and no word that is for the page alone', async () => {
    await using opened = await open('#/r/full/update?s=30&o=1&y=rejected')
    const { texts, fills } = read(await fileOf(opened.page, 'text', 'SVG'))
    const shown = TEXT.map(text => text.replace(' ', '␣').replace('\n', '↵'))
    expect(texts.filter(text => shown.includes(text))).toEqual(shown)
    expect(texts.join()).not.toContain('log π before')
    const colours = await opened.page
      .locator('#panel-text .token')
      .evaluateAll(all => all.map(one => getComputedStyle(one).backgroundColor))
    expect(fills.slice(-TEXT.length)).toEqual(colours)
    expect(responseAt(30, 1, 'rejected').tokens!.text).toEqual(TEXT)
  })

  it('tables have the numbers that the page has, with their bars', async () => {
    await using opened = await open('#/r/full/squeeze?s=40')
    const [then, now] = [positionAt(0), positionAt(40)]
    const top = read(await fileOf(opened.page, 'top', 'SVG'))
    for (const { id, text, logp } of now.top.slice(0, 3)) {
      const was = then.top.find(one => one.id === id)!
      expect(top.texts).toContain(text.replace(' ', '␣'))
      expect(top.texts).toContain(show(Math.exp(logp)))
      expect(top.texts.some(one => one.endsWith(signed(Math.exp(logp) - Math.exp(was.logp))))).toBe(true)
    }
    const ledger = read(await fileOf(opened.page, 'ledger', 'SVG'))
    expect(ledger.texts).toEqual(expect.arrayContaining(['taken from', 'given to', 'chosen', 'all others']))
  })

  it('of a panel that shows its table is the table, on paper of the theme', async () => {
    await using opened = await stage.open('#/r/full/squeeze?s=40&t=gained', { colorScheme: 'dark' })
    const { page } = opened
    await page.waitForSelector('#panel-gained .table-view')
    const { texts, fills } = read(await fileOf(page, 'gained', 'SVG'))
    expect(texts).toEqual(expect.arrayContaining(['band', 'step 0', 'step 40', 'change', 'ranks 2–5']))
    expect(fills[0]).toBe(await page.evaluate(() => getComputedStyle(document.querySelector('.panel')!).backgroundColor))
  })

  it('tell nothing of what the page blurs', async () => {
    await using opened = await open('#/r/full/update?s=30&o=1&y=rejected')
    const { page } = opened
    await page.evaluate(() => document.querySelector('#panel-text .token-text')!.classList.add('blurred'))
    const { texts } = read(await fileOf(page, 'text', 'SVG'))
    expect(texts.join()).not.toContain('dry')
    expect(texts.filter(text => /^▒+$/.test(text))).toHaveLength(TEXT.length)
  })
})
