// What readers ask of their browser (ux.md §4.2): colours of their own, no motion, more contrast, larger text, paper.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, screens } from '../../src/screens/index.ts'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { violationsOn } from './axe.ts'
import { goTo, openStage, overflowOf, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
const addresses = [
  '#/',
  ...places.map(({ place }) => `#/${place}`),
  ...screens.map(({ page }) => `#/r/${page === 'compare' ? 'full,second' : 'full'}/${page}`),
]

/** A reader's own style sheet: the page's policy lets none of its own be written into it. */
const dress = (page: Page, css: string): Promise<void> =>
  page.evaluate(text => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
    document.adoptedStyleSheets = [sheet]
  }, css)

describe.skipIf(reason !== undefined)(`what readers ask of their browser ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs, ['full', 'second'])
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  it('forced colours: what is pressed, focused or drawn is still told apart', async () => {
    await using opened = await stage.open('#/', { forcedColors: 'active' })
    const { page } = opened
    await settled(page)
    for (const address of addresses) {
      await goTo(page, address)
      expect.soft(await page.locator('main').innerText(), address).not.toBe('')
      expect.soft(await overflowOf(page), address).toBe(0)
      // A control without an edge is text that nobody would press.
      const bare = await page.locator('main button.small, main select').evaluateAll(found =>
        found
          .filter(element => element.checkVisibility())
          .filter(element => {
            const { borderTopStyle, borderTopWidth } = getComputedStyle(element)
            return borderTopStyle === 'none' || Number.parseFloat(borderTopWidth) < 1
          })
          .map(element => element.textContent?.slice(0, 40)),
      )
      expect.soft(bare, address).toEqual([])
      // Lines of data keep their colours: the canvas is a picture of values.
      const blank = await page.locator('main .panel.curves canvas').evaluateAll(found =>
        found.filter(canvas => {
          const { width, height } = canvas as HTMLCanvasElement
          const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
          return new Set(new Uint32Array(data.buffer)).size < 3
        }).length,
      )
      expect.soft(blank, `${address}: canvases with nothing on them`).toBe(0)
    }
    await goTo(page, '#/r/full/dynamics')
    await page.focus('#panel-dynamics .curves')
    expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).not.toBe('none')
    expect(opened.complaints).toEqual([])
  })

  it('no motion: nothing is animated where none is wanted', async () => {
    await using opened = await stage.open('#/', { reducedMotion: 'reduce' })
    for (const address of addresses) {
      await goTo(opened.page, address)
      const moving = await opened.page.evaluate(() => document.getAnimations().length)
      const could = await opened.page.evaluate(
        () =>
          [...document.querySelectorAll('*')].filter(element => {
            const { animationName, transitionDuration } = getComputedStyle(element)
            return animationName !== 'none' || transitionDuration.split(',').some(time => Number.parseFloat(time) > 0)
          }).length,
      )
      expect.soft({ moving, could }, address).toEqual({ moving: 0, could: 0 })
    }
  })

  it.each(['light', 'dark'] as const)('more contrast, %s: text of 7:1', async colorScheme => {
    await using opened = await stage.open('#/', { contrast: 'more', colorScheme, viewport: { width: 1280, height: 4000 } })
    await settled(opened.page)
    for (const address of addresses) {
      await goTo(opened.page, address)
      // Where the ground of a token is a value, its colour is data, and black or white has 4.5:1 on all of them.
      expect.soft(await violationsOn(opened.page, ['color-contrast-enhanced'], ['.token']), address).toEqual([])
    }
  })

  it('200 % zoom: a window of 640 by 400 pixels shows everything without scrolling sideways', async () => {
    await using opened = await stage.open('#/', { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 })
    for (const address of addresses) {
      await goTo(opened.page, address)
      expect.soft(await overflowOf(opened.page), address).toBe(0)
      // The bars at top and bottom leave room to read.
      const room = await opened.page.evaluate(() => {
        const [header, footer] = ['header', 'footer'].map(
          name => document.querySelector(name)?.getBoundingClientRect().height ?? 0,
        )
        return innerHeight - header - footer
      })
      expect.soft(room, `${address}: height that is left`).toBeGreaterThan(240)
    }
  })

  it('larger text alone: at 200 % nothing is cut off or covered', async () => {
    await using opened = await stage.open('#/')
    for (const address of addresses) {
      await goTo(opened.page, address)
      await dress(opened.page, 'html { font-size: 200% }')
      await settled(opened.page)
      expect.soft(await overflowOf(opened.page), address).toBe(0)
    }
  })

  it('spacing of text as WCAG 1.4.12 asks for breaks nothing', async () => {
    await using opened = await stage.open('#/')
    await settled(opened.page)
    await dress(
      opened.page,
      '* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }',
    )
    for (const address of addresses) {
      await goTo(opened.page, address)
      expect.soft(await overflowOf(opened.page), address).toBe(0)
    }
  })

  /** What of the shell is still there. */
  const shellOf = (page: Page): Promise<readonly string[]> =>
    page.evaluate(() =>
      ['header', 'footer', '.actions', '.controls'].filter(part =>
        [...document.querySelectorAll(part)].some(element => element.checkVisibility()),
      ),
    )

  it.each(['light', 'dark'] as const)('paper, from a %s page: figures and words, dark on white, without the shell', async colorScheme => {
    await using opened = await stage.open('#/', { colorScheme })
    const { page } = opened
    for (const address of addresses) {
      await goTo(page, address)
      await page.emulateMedia({ media: 'print', colorScheme })
      await settled(page)
      expect.soft(await shellOf(page), address).toEqual([])
      const [ink, ground] = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body)
        const light = (text: string): number =>
          (text.match(/[\d.]+/g) ?? []).slice(0, 3).reduce((sum, one) => sum + Number(one), 0) / 3
        return [light(color), /, 0\)$/.test(backgroundColor) ? 255 : light(backgroundColor)]
      })
      expect.soft(ground, `${address}: paper`).toBeGreaterThan(235)
      expect.soft(ink, `${address}: ink`).toBeLessThan(80)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect.soft(wide, address).toBeLessThanOrEqual(0)
      await page.emulateMedia({ media: 'screen', colorScheme })
    }
    const pdf = await page.pdf({ format: 'A4' })
    expect(pdf.subarray(0, 5).toString('latin1')).toBe('%PDF-')
  })
})
