// What a screen reader is given, screen by screen, as text (ux.md §4.2): roles, names, values and states in order.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, screens, tools } from '../../src/screens/index.ts'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { goldenText } from './golden.ts'
import { dialogClosed, goTo, openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
/** Words are made after figures, when there is time. */
const QUIET = 700

/** A run that has everything, one that has almost nothing, and one that was recorded by another program. */
const runs = ['full', 'bare', 'recorded'] as const

describe.skipIf(reason !== undefined)(`the tree of names and roles ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs)
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  const hold = async (page: Page, name: string, part = 'body'): Promise<void> => {
    const found = await page.locator(part).ariaSnapshot()
    const tree = `${found.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:6071')}\n`
    expect.soft(tree, name).toBe(await goldenText(`aria/${name}.yml`, tree))
  }

  it.each(runs)('of every screen of the run "%s"', async run => {
    await using opened = await stage.open(`#/r/${run}/${screens[0].page}`)
    for (const { page: name } of screens) {
      const keys = name === 'compare' && run === 'full' ? 'full,second' : run
      await goTo(opened.page, `#/r/${keys}/${name}`, QUIET)
      await hold(opened.page, `${name}-${run}`, 'main')
    }
  })

  it('of the shell, and of everything that opens from it', async () => {
    await using opened = await stage.open('#/r/full/overview')
    const { page } = opened
    await settled(page)
    await hold(page, 'header', 'header')
    await hold(page, 'footer', 'footer')
    await page.keyboard.press('?')
    await page.locator('dialog[open]').waitFor()
    await hold(page, 'keys', 'dialog[open]')
    await page.keyboard.press('Escape')
    await dialogClosed(page)
    await page.keyboard.press('Control+k')
    await page.locator('dialog[open]').waitFor()
    // The list of runs is asked for when the search opens.
    await page.getByRole('option', { name: 'truncated run' }).waitFor()
    await settled(page, QUIET)
    await hold(page, 'search', 'dialog[open]')
    await page.keyboard.press('Escape')
    await dialogClosed(page)
    for (const { id, title } of tools) {
      await page.locator('header').getByRole('button', { name: title, exact: true }).click()
      await page.locator('dialog[open]').waitFor()
      await settled(page)
      await hold(page, `tool-${id}`, 'dialog[open]')
      await page.keyboard.press('Escape')
      await dialogClosed(page)
    }
  })

  it('of the list of runs, of places without one, and of what is not there', async () => {
    await using opened = await stage.open('#/')
    await settled(opened.page)
    await hold(opened.page, 'runs', 'main')
    for (const { place } of places) {
      await goTo(opened.page, `#/${place}`, QUIET)
      await hold(opened.page, `place-${place}`, 'main')
    }
    for (const [name, hash] of [
      ['no-run', '#/r/nowhere/overview'],
      ['newer', '#/r/newer/overview'],
      ['truncated', '#/r/truncated/kernel'],
      ['killed', '#/r/killed/overview'],
    ]) {
      await goTo(opened.page, hash, QUIET)
      await hold(opened.page, name, 'main')
    }
  })

  it('of a chart as a table', async () => {
    await using opened = await stage.open('#/r/full/dynamics?t=dynamics')
    await settled(opened.page)
    await hold(opened.page, 'table', '#panel-dynamics')
  })

  it('of an empty directory', async () => {
    await using empty = await openStage()
    await using opened = await empty.open('#/')
    await settled(opened.page)
    await hold(opened.page, 'empty')
  })
})
