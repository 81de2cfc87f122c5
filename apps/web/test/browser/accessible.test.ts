// What opens over or inside a screen against axe-core: tables in place of drawings, one panel alone, menus, dialogs,
// the narrow page. The screens themselves are in states.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page } from 'playwright-core'
import { screens, tools } from '../../src/screens/index.ts'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { violationsOn } from './axe.ts'
import { dialogClosed, goTo, openStage, overflowOf, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
const TALL = { viewport: { width: 1280, height: 4000 } }
const pages = screens.map(({ page }) => page)

describe.skipIf(reason !== undefined)(`the viewer for everybody ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs, ['full', 'second', 'recorded'])
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  const panelsOf = (page: Page): Promise<string[]> =>
    page
      .locator('figure.panel[data-panel]:is(.curves, .drawn)')
      .evaluateAll(found => found.map(panel => (panel as HTMLElement).dataset.panel!))

  describe.each(['light', 'dark'] as const)('%s', colorScheme => {
    it('every panel as a table, and one alone on the page', async () => {
      await using opened = await stage.open('#/r/full/overview', { ...TALL, colorScheme })
      for (const name of pages) {
        const address = `#/r/${name === 'compare' ? 'full,second' : 'full'}/${name}`
        await goTo(opened.page, address)
        const panels = await panelsOf(opened.page)
        if (panels.length === 0) continue
        await goTo(opened.page, `${address}?t=${panels.join(',')}`)
        expect.soft(await opened.page.locator('.table-view table').count(), address).toBe(panels.length)
        expect.soft(await violationsOn(opened.page), `${address} as tables`).toEqual([])
        expect.soft(await overflowOf(opened.page), `${address} as tables`).toBe(0)
        await goTo(opened.page, `${address}?full=${panels[0]}`)
        expect.soft(await opened.page.locator('.panel.full').count(), address).toBe(1)
        expect.soft(await violationsOn(opened.page), `${address}, ${panels[0]} alone`).toEqual([])
      }
      expect(opened.complaints).toEqual([])
    })

    it('the menu of a panel, the overlay of keys, and every dialog of the header', async () => {
      await using opened = await stage.open('#/r/full/dynamics', { ...TALL, colorScheme })
      await settled(opened.page)
      await opened.page.locator('#panel-dynamics .menu summary').click()
      expect.soft(await violationsOn(opened.page), 'menu').toEqual([])
      await opened.page.keyboard.press('Escape')
      await opened.page.locator('main').click({ position: { x: 2, y: 2 } })
      await opened.page.keyboard.press('?')
      await opened.page.locator('dialog[open]').waitFor()
      expect.soft(await violationsOn(opened.page), 'keys').toEqual([])
      await opened.page.keyboard.press('Escape')
      await dialogClosed(opened.page)
      await opened.page.keyboard.press('Control+k')
      await opened.page.locator('dialog[open]').waitFor()
      expect.soft(await violationsOn(opened.page), 'search').toEqual([])
      await opened.page.keyboard.press('Escape')
      await dialogClosed(opened.page)
      for (const { title } of tools) {
        await opened.page.locator('header').getByRole('button', { name: title, exact: true }).click()
        await opened.page.locator('dialog[open]').waitFor()
        await settled(opened.page)
        expect.soft(await violationsOn(opened.page), title).toEqual([])
        await opened.page.keyboard.press('Escape')
        await dialogClosed(opened.page)
      }
      expect(opened.complaints).toEqual([])
    })

    it('the narrow page', async () => {
      await using opened = await stage.open('#/', { viewport: { width: 390, height: 6000 }, colorScheme })
      await settled(opened.page)
      expect.soft(await violationsOn(opened.page), 'runs').toEqual([])
      for (const name of pages) {
        await goTo(opened.page, `#/r/full/${name}`)
        expect.soft(await violationsOn(opened.page), name).toEqual([])
      }
    })
  })

  it('one panel for an iframe, without the shell', async () => {
    await using opened = await stage.open('#/r/full/dynamics?embed=1&full=dynamics', TALL)
    await settled(opened.page)
    expect(await opened.page.locator('header, footer').count()).toBe(0)
    expect(await violationsOn(opened.page)).toEqual([])
  })
})
