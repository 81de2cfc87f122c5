// The shell in Chromium: the search, saved views, undo, how the page looks, runs of this computer, and lists that
// tick by themselves.
import { zipSync } from 'fflate'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addStep, beginRun } from '../run-on-disk.ts'
import { violationsOn } from './axe.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`The shell is not tried in a browser: ${reason}`)

const zipped = async (root: string): Promise<Uint8Array> => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const contents = await Promise.all(files.map(async file => new Uint8Array(await readFile(file))))
  return zipSync(
    Object.fromEntries(files.map((file, i) => [`taken/${relative(root, file).split(sep).join('/')}`, contents[i]])),
  )
}
const ready = (page: Page): Promise<unknown> => page.waitForSelector('figure.panel.curves canvas')
const find = async (page: Page, text: string): Promise<void> => {
  await page.keyboard.press('Control+k')
  await page.waitForSelector('dialog[open] [role=combobox]:focus')
  await page.keyboard.type(text)
  await expect.poll(() => page.inputValue('dialog[open] [role=combobox]')).toBe(text)
}

describe.skipIf(reason !== undefined)('the shell in Chromium', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
    for (const name of ['first', 'second'])
      await (await beginRun(join(stage.runs, name), [0, 10, 20, 30, 40])).finish('done')
  })
  afterAll(() => stage?.[Symbol.asyncDispose]())

  it('finds a screen, a run and a probe, from the keyboard alone', async () => {
    await using opened = await stage.open('#/r/first/overview')
    const { page, complaints } = opened
    await ready(page)
    await find(page, 'dynamics')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => location.hash.includes('/dynamics'))
    await find(page, 'question 2')
    await page.waitForFunction(() =>
      document.querySelector('#found [aria-selected=true]')?.textContent?.includes('#2 '),
    )
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => /\/probes\?.*o=2/.test(location.hash))
    await find(page, 'second')
    await page.waitForFunction(() => document.querySelectorAll('#found [role=option]').length >= 2)
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => page.locator('#found [aria-selected=true]').innerText()).toContain('Compare with second')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => location.hash.includes('first,second/compare'))
    // Escape closes it and nothing else.
    const before = await page.evaluate(() => location.hash)
    await find(page, 'x')
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => document.querySelector('dialog[open]') === null)
    expect(await page.evaluate(() => location.hash)).toBe(before)
    expect(complaints).toEqual([])
  })

  it('saves a view under a name, for every page that looks at these runs, and takes it back', async () => {
    await using opened = await stage.open('#/r/first/dynamics?s=20&d=1')
    await ready(opened.page)
    await find(opened.page, 'the turn')
    await opened.page.locator('[role=option]', { hasText: 'Save this view as' }).click()
    await opened.page.waitForSelector('.toast')
    const kept = async () => JSON.parse(await readFile(join(stage.runs, 'views.json'), 'utf8')).views
    await expect.poll(kept).toEqual([{ name: 'the turn', address: '#/r/first/dynamics?s=20&d=1' }])
    await using other = await stage.open('#/r/second/overview')
    await ready(other.page)
    await find(other.page, 'the turn saved view')
    await other.page.waitForFunction(() =>
      document.querySelector('#found [aria-selected=true]')?.textContent?.startsWith('the turn'),
    )
    await other.page.keyboard.press('Enter')
    await other.page.waitForFunction(() => location.hash === '#/r/first/dynamics?s=20&d=1')
    await find(other.page, 'remove saved')
    await other.page.locator('[role=option]', { hasText: 'Remove the saved view “the turn”' }).click()
    await expect.poll(kept).toEqual([])
  })

  it('opens another screen at its top, by a link and by keys, and goes back to where one was', async () => {
    await using opened = await stage.open('#/r/first/dynamics', { viewport: { width: 640, height: 400 } })
    const { page } = opened
    await ready(page)
    await settled(page)
    const at = (): Promise<number> => page.evaluate(() => Math.round(scrollY))
    await page.evaluate(() => scrollTo(0, 300))
    // The same screen at another step stays where it is.
    await page.keyboard.press(',')
    await page.waitForFunction(() => location.hash.includes('s='))
    expect(await at()).toBe(300)
    await page.getByRole('link', { name: 'Probes', exact: true }).click()
    await page.waitForFunction(() => location.hash.includes('/probes'))
    await expect.poll(at).toBe(0)
    await settled(page)
    await page.evaluate(() => scrollTo(0, 200))
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    await page.waitForFunction(() => location.hash.includes('/dynamics'))
    await expect.poll(at).toBe(0)
    await settled(page)
    await page.goBack()
    await page.waitForFunction(() => location.hash.includes('/probes'))
    await expect.poll(at).toBe(200)
  })

  it('undoes and redoes what was done to the view', async () => {
    await using opened = await stage.open('#/r/first/dynamics')
    const { page } = opened
    await ready(page)
    await page.keyboard.press('d')
    await page.waitForFunction(() => location.hash.includes('d=1'))
    await page.keyboard.press('Control+z')
    await page.waitForFunction(() => !location.hash.includes('d=1'))
    await page.keyboard.press('Control+y')
    await page.waitForFunction(() => location.hash.includes('d=1'))
  })

  it('looks as one likes it, also after it was loaded anew', async () => {
    await using opened = await stage.open('#/r/first/dynamics')
    const { page } = opened
    await ready(page)
    const plain = await page.evaluate(() => getComputedStyle(document.body).color)
    await page.keyboard.press('?')
    await page.getByLabel('Contrast').selectOption('more')
    await page.getByLabel('Density').selectOption('compact')
    await page.getByLabel('keys of a single letter act').uncheck()
    await page.reload()
    await ready(page)
    expect(await page.evaluate(() => ({ ...document.documentElement.dataset }))).toMatchObject({
      contrast: 'more',
      density: 'compact',
    })
    expect(await page.evaluate(() => getComputedStyle(document.body).color)).not.toBe(plain)
    // A single letter does nothing now, and a key with Ctrl still does.
    await page.keyboard.press('d')
    await find(page, '')
    expect(await page.evaluate(() => location.hash)).not.toContain('d=1')
  })

  it.each(['light', 'dark'] as const)('passes axe-core with its dialogs open, in every look, %s', async colorScheme => {
    await using opened = await stage.open('#/r/first/overview', { colorScheme })
    const { page } = opened
    await ready(page)
    await find(page, 'r')
    expect.soft(await violationsOn(page), 'search').toEqual([])
    await page.keyboard.press('Escape')
    // Until it is closed what is pressed is typed into it.
    await page.waitForFunction(() => document.querySelector('dialog[open]') === null)
    await page.keyboard.press('?')
    await page.getByLabel('Contrast').selectOption('more')
    await page.getByLabel('Density').selectOption('compact')
    expect.soft(await violationsOn(page), 'settings').toEqual([])
    await page.keyboard.press('Escape')
    expect.soft(await violationsOn(page), 'more contrast, compact').toEqual([])
  })

  it('opens the zip of a run without sending it anywhere', async () => {
    await using opened = await stage.open('#/')
    const { page, complaints } = opened
    await page.waitForSelector('table.runs')
    const asked: string[] = []
    page.on('request', request => asked.push(`${request.method()} ${request.url()}`))
    await page.locator('input[accept=".zip"]').setInputFiles({
      name: 'taken.zip',
      mimeType: 'application/zip',
      buffer: Buffer.from(await zipped(join(stage.runs, 'first'))),
    })
    await page.waitForFunction(() => decodeURIComponent(location.hash).includes('local:taken'))
    await ready(page)
    await expect.poll(() => page.locator('.run-name').innerText()).toContain('local:taken')
    expect(asked.filter(one => !one.startsWith('GET') || /local(:|%3A)/.test(one))).toEqual([])
    await page.locator('input[accept=".zip"]').setInputFiles({
      name: 'broken.zip',
      mimeType: 'application/zip',
      buffer: Buffer.from('not a zip'),
    })
    await page.waitForFunction(() => document.querySelector('.toast')?.textContent?.includes('Cannot open the zip'))
    expect(complaints).toEqual([])
  })

  it('shows a run that comes, moves and stops, without being asked', async () => {
    await using opened = await stage.open('#/')
    const { page } = opened
    await page.waitForSelector('table.runs')
    // The viewer tells: the page itself asks again only every half a minute.
    await page.waitForTimeout(2_500)
    const writer = await beginRun(join(stage.runs, 'coming'), [0])
    const row = page.locator('tr', { hasText: 'coming' })
    await row.waitFor()
    await addStep(writer, 15)
    await expect.poll(() => row.innerText()).toContain('15')
    await row.getByRole('link', { name: 'coming' }).click()
    await page.waitForSelector('.state.live')
    await expect.poll(() => page.locator('.age').innerText()).toMatch(/^updated \d+ s ago$/)
    await writer.close()
    await page.waitForSelector('.state.killed')
    await expect.poll(() => page.locator('.age').innerText()).toBe('at step 15')
    await rm(join(stage.runs, 'coming'), { recursive: true })
    await page.waitForSelector('text=coming is gone')
  })

  it('says how far a large file has been read, and can be told to stop', async () => {
    await using opened = await stage.open('#/')
    const { page } = opened
    await page.waitForSelector('table.runs')
    // Rows that never come.
    await page.route('**/file/probe/logp.f32', () => {})
    await page.route('**/curves/**', () => {})
    await page.evaluate(() => {
      location.hash = '#/r/second/dynamics'
    })
    await page.waitForSelector('.panel.loading')
    await page.getByRole('button', { name: 'Stop reading' }).first().click()
    await page.waitForSelector('text=Reading was stopped')
    await page.unroute('**/file/probe/logp.f32')
    await page.unroute('**/curves/**')
    await page.getByRole('button', { name: 'Try again' }).first().click()
    await ready(page)
  })

  it('says so where a part of the page cannot be fetched, and the rest lives on', async () => {
    await using opened = await stage.open('#/r/first/overview')
    const { page } = opened
    await ready(page)
    await page.route('**/assets/squeeze-view*', route => route.abort())
    await page.evaluate(() => {
      location.hash = '#/r/first/squeeze'
    })
    await page.waitForSelector('text=Squeeze could not be fetched')
    await page.evaluate(() => {
      location.hash = '#/r/first/dynamics'
    })
    await ready(page)
  })
})
