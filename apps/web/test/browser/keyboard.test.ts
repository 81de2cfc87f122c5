// The viewer by keys alone (ux.md §4.2 and §5.0): everything is reached in an order that is that of the page, nothing
// holds the focus, it is never covered (WCAG 2.4.11), what is opened closes with Escape and gives the focus back, and
// keys of a single letter can be turned off (2.1.4).
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, screens, tools } from '../../src/screens/index.ts'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { dialogClosed, goTo, hashOf, openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()

interface Stop {
  /** Place in the document's order; −1 for the page itself. */
  readonly at: number
  readonly name: string
  /** Whether the browser marks it, and whether at least one of nine points of it is not under something else. */
  readonly outlined: boolean
  readonly seen: boolean
}

/** What has the focus now. */
const stopOn = (page: Page): Promise<Stop> =>
  page.evaluate(() => {
    const element = document.activeElement
    if (!element || element === document.body) return { at: -1, name: 'page', outlined: true, seen: true }
    const all = [...document.querySelectorAll('*')]
    const box = element.getBoundingClientRect()
    const seen = [0.1, 0.5, 0.9].some(x =>
      [0.1, 0.5, 0.9].some(y => {
        const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y)
        return top !== null && (element.contains(top) || top.contains(element))
      }),
    )
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const name = `${element.tagName.toLowerCase()} ${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}`
    return {
      at: all.indexOf(element),
      name,
      outlined: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1,
      seen,
    }
  })
/** Presses Tab until the focus has left the page or come round. */
const walk = async (page: Page, key: 'Tab' | 'Shift+Tab', most = 250): Promise<readonly Stop[]> => {
  const stops: Stop[] = []
  while (stops.length < most) {
    await page.keyboard.press(key)
    const stop = await stopOn(page)
    if (stop.at < 0 || stop.at === stops[0]?.at) return stops
    stops.push(stop)
  }
  return stops
}
/** Things that a pointer could use. */
const reachable = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter(
        element =>
          element.checkVisibility({ visibilityProperty: true }) &&
          !(element as HTMLButtonElement).disabled &&
          !element.closest('dialog:not([open])') &&
          (element as HTMLElement).tabIndex >= 0,
      ).length,
  )
const focusName = async (page: Page): Promise<string> => (await stopOn(page)).name
const hashHas = (page: Page, part: string): Promise<unknown> =>
  page.waitForFunction(wanted => location.hash.includes(wanted), part)

describe.skipIf(reason !== undefined)(`by keys alone ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs, ['full', 'second', 'recorded'])
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  const addresses = [
    '#/',
    ...places.map(({ place }) => `#/${place}`),
    ...screens.map(({ page }) => `#/r/${page === 'compare' ? 'full,second' : 'full'}/${page}`),
  ]
  it.each(addresses)('Tab goes through all of %s in its order, visibly, and out', async hash => {
    await using opened = await stage.open(hash)
    const { page } = opened
    await settled(page)
    const stops = await walk(page, 'Tab')
    expect(stops.length).toBeLessThan(250)
    expect(stops.map(({ at }) => at)).toEqual(stops.map(({ at }) => at).sort((a, b) => a - b))
    expect(stops.filter(({ outlined }) => !outlined).map(({ name }) => name)).toEqual([])
    expect(stops.filter(({ seen }) => !seen).map(({ name }) => name)).toEqual([])
    // Groups that arrow keys move in may have one stop for many; nothing else is left out.
    expect(stops.length).toBeGreaterThanOrEqual((await reachable(page)) * 0.9)
    expect(opened.complaints).toEqual([])
  })

  it('Shift+Tab goes the same way back', async () => {
    await using opened = await stage.open('#/r/full/dynamics')
    await settled(opened.page)
    const there = await walk(opened.page, 'Tab')
    const back = await walk(opened.page, 'Shift+Tab')
    const names = there.map(({ name }) => name)
    expect(back.map(({ name }) => name).filter(name => names.includes(name)).length).toBeGreaterThan(names.length * 0.9)
  })

  it('the overlay of keys opens with ?, keeps the focus, closes with Escape, and gives the focus back', async () => {
    await using opened = await stage.open('#/r/full/dynamics')
    const { page } = opened
    await settled(page)
    const theme = page.locator('header button[title^="Theme"]')
    await theme.focus()
    const before = await focusName(page)
    await page.keyboard.press('?')
    await page.locator('dialog[open]').waitFor()
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab')
      expect(
        await page.evaluate(() => document.activeElement === document.body || document.activeElement!.closest('dialog[open]') !== null),
      ).toBe(true)
    }
    await page.keyboard.press('Escape')
    await dialogClosed(page)
    await expect.poll(() => focusName(page)).toBe(before)
  })

  it('a letter is given to another key from the keyboard alone, said, kept, refused where it is taken, and given back', async () => {
    await using opened = await stage.open('#/r/full/probes')
    const { page } = opened
    await settled(page)
    const said = page.locator('dialog[open] [role=status]')
    const probe = async (): Promise<string | undefined> => /[?&]o=(\d+)/.exec(await hashOf(page))?.[1]
    await page.keyboard.press('?')
    const next = page.getByRole('button', { name: /next probe/ })
    await next.focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => said.innerText()).toBe('Press the key for: next probe. Escape leaves it as it is.')
    // Taken; then no key of its own; then one that is free.
    await page.keyboard.press('k')
    await expect.poll(() => said.innerText()).toBe('k is taken, for: previous probe. Give that another key first.')
    await page.keyboard.press('Enter')
    await expect.poll(() => said.innerText()).toBe('Enter cannot be chosen: only a letter, a digit or a sign.')
    await page.keyboard.press('n')
    await expect.poll(() => said.innerText()).toBe('n now does: next probe.')
    await expect.poll(() => next.getAttribute('aria-label')).toBe('n: next probe. Change the key')
    // Escape ends the choosing first, and the dialog after it.
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    await page.waitForTimeout(150)
    expect(await page.locator('dialog[open]').count()).toBe(1)
    await page.keyboard.press('Escape')
    await dialogClosed(page)
    await page.reload()
    await settled(page)
    await page.keyboard.press('j')
    await page.waitForTimeout(150)
    expect(await probe()).toBeUndefined()
    await page.keyboard.press('n')
    await page.waitForFunction(() => /[?&]o=\d/.test(location.hash))
    await page.keyboard.press('?')
    await page.getByRole('button', { name: 'All keys as they were' }).click()
    await expect.poll(() => next.getAttribute('aria-label')).toBe('j: next probe. Change the key')
  })

  it('letters can be turned off, stay off after a reload, and leave keys with Ctrl or Alt', async () => {
    await using opened = await stage.open('#/r/full/dynamics')
    const { page } = opened
    await settled(page)
    await page.keyboard.press('?')
    await page.locator('dialog[open] input[type=checkbox]').first().uncheck()
    await page.keyboard.press('Escape')
    await page.reload()
    await settled(page)
    for (const key of ['?', 'l', 't', ',', 'c', ' ']) await page.keyboard.press(key)
    await page.keyboard.press('g')
    await page.keyboard.press('k')
    await page.waitForTimeout(150)
    expect(await page.locator('dialog[open]').count()).toBe(0)
    expect(await hashOf(page)).toBe('#/r/full/dynamics')
    const theme = await page.evaluate(() => document.documentElement.dataset.theme)
    await page.keyboard.press('Alt+m')
    await page.keyboard.press('Alt+m')
    await page.waitForFunction(before => document.documentElement.dataset.theme !== before, theme)
  })

  it('g and a letter go to every screen and place', async () => {
    await using opened = await stage.open('#/r/full/overview')
    const { page } = opened
    await settled(page)
    for (const { page: name, key } of [...screens].reverse()) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await hashHas(page, `/full/${name}`)
    }
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.waitForFunction(() => location.hash === '#/')
    for (const { place } of places) {
      await page.keyboard.press('g')
      await page.keyboard.press(place[0])
      await hashHas(page, `#/${place}`)
    }
  })

  it('no letter acts while text is typed', async () => {
    await using opened = await stage.open('#/')
    const { page } = opened
    await settled(page)
    await page.keyboard.press('/')
    await page.waitForFunction(() => document.activeElement?.id === 'find')
    await page.keyboard.type('gd?tl')
    await expect.poll(() => page.inputValue('#find')).toBe('gd?tl')
    expect(await page.locator('dialog[open]').count()).toBe(0)
  })

  it('steps, probes and updates move, what was done is undone, and the link says it all', async () => {
    await using opened = await stage.open('#/r/full/update?s=20')
    const { page } = opened
    await settled(page)
    await page.keyboard.press('.')
    await hashHas(page, 's=25')
    await page.keyboard.press(',')
    await hashHas(page, 's=20')
    await page.keyboard.press('[')
    await hashHas(page, 'u=')
    await page.keyboard.press('Control+z')
    await page.waitForFunction(() => !location.hash.includes('u='))
    await page.keyboard.press('Control+y')
    await hashHas(page, 'u=')
    await goTo(page, '#/r/full/probes')
    await page.keyboard.press('j')
    await hashHas(page, 'o=')
    const first = await hashOf(page)
    await page.keyboard.press('j')
    await page.waitForFunction(hash => location.hash !== hash, first)
    expect(opened.complaints).toEqual([])
  })

  it('a focused panel is shown as a table and alone, and Escape brings the page back', async () => {
    await using opened = await stage.open('#/r/full/dynamics')
    const { page } = opened
    await settled(page)
    await page.focus('#panel-dynamics .curves')
    await page.keyboard.press('f')
    await page.locator('#panel-dynamics.full').waitFor()
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => document.querySelector('.panel.full') === null)
    await page.focus('#panel-dynamics .curves')
    await page.keyboard.press('t')
    await page.locator('#panel-dynamics .table-view table').waitFor()
    // The drawing that had the focus is gone; the focus is still in its panel, so that t brings it back.
    await page.waitForFunction(() => document.activeElement?.closest('[data-panel]')?.id === 'panel-dynamics')
    await page.keyboard.press('t')
    await page.locator('#panel-dynamics .curves').waitFor()
  })

  it('arrows move within a chart and leave the page where it is; Tab leaves the chart', async () => {
    await using opened = await stage.open('#/r/full/dynamics')
    const { page } = opened
    await settled(page)
    await page.focus('#panel-dynamics .curves')
    const top = await page.evaluate(() => scrollY)
    for (const key of ['Home', 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'ArrowLeft']) await page.keyboard.press(key)
    await hashHas(page, 's=35')
    expect(await page.evaluate(() => scrollY)).toBe(top)
    await page.keyboard.press('+')
    await hashHas(page, 'x=')
    await page.keyboard.press('Shift+ArrowLeft')
    await page.keyboard.press('0')
    await page.waitForFunction(() => !location.hash.includes('x='))
    await page.keyboard.press('Tab')
    await page.waitForFunction(() => !document.activeElement?.classList.contains('curves'))
  })

  it('the menu of a panel opens with Enter and closes with Escape, and the focus stays at it', async () => {
    await using opened = await stage.open('#/r/full/dynamics')
    const { page } = opened
    await settled(page)
    const menu = page.locator('#panel-dynamics details.menu')
    await menu.locator('summary').focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => menu.getAttribute('open')).not.toBeNull()
    await page.keyboard.press('Tab')
    await page.waitForFunction(() => document.activeElement?.closest('.menu-items') !== null)
    await page.keyboard.press('Escape')
    await expect.poll(() => menu.getAttribute('open')).toBeNull()
    await page.waitForFunction(() => document.activeElement?.closest('details.menu') !== null)
  })

  it('Ctrl+K finds a screen by its name, from a field too, and Escape gives the focus back', async () => {
    await using opened = await stage.open('#/r/full/overview')
    const { page } = opened
    await settled(page)
    const theme = page.locator('header button[title^="Theme"]')
    await theme.focus()
    await page.keyboard.press('Control+k')
    await page.locator('dialog[open] [role=combobox]').waitFor()
    await page.keyboard.press('Escape')
    await dialogClosed(page)
    await expect.poll(() => theme.evaluate(element => element === document.activeElement)).toBe(true)
    await page.keyboard.press('Control+k')
    // What is typed before the field is there is for the page.
    await page.locator('dialog[open] [role=combobox]:focus').waitFor()
    await page.keyboard.type('squeeze')
    const active = page.locator('dialog[open] [role=option][aria-selected=true]')
    await active.filter({ hasText: /squeeze/i }).waitFor()
    await expect.poll(() => active.count()).toBe(1)
    const id = await active.getAttribute('id')
    await expect.poll(() => page.getAttribute('dialog[open] [role=combobox]', 'aria-activedescendant')).toBe(id)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await hashHas(page, '/full/squeeze')
    await dialogClosed(page)
    expect(opened.complaints).toEqual([])
  })

  it.each(tools.map(({ title }) => title))('the dialog %s closes with Escape and gives the focus back', async title => {
    await using opened = await stage.open('#/r/full/overview')
    const { page } = opened
    await settled(page)
    const button = page.locator('header').getByRole('button', { name: title, exact: true })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog[open]').waitFor()
    await settled(page)
    await page.keyboard.press('Escape')
    await dialogClosed(page)
    await expect.poll(() => button.evaluate(element => element === document.activeElement)).toBe(true)
  })
})
