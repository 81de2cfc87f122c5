// Runs of this computer, as people bring them: folders and zips dragged from the desktop onto the page (with the
// browser's own drag events, so that entries of folders are real), and the dialogs that choose them.
import { zipSync } from 'fflate'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { beginRun } from '../run-on-disk.ts'
import { openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
if (reason !== undefined) console.warn(`Nothing is dropped on a page in a browser: ${reason}`)

const zipOf = async (root: string): Promise<Uint8Array> => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const contents = await Promise.all(files.map(async file => new Uint8Array(await readFile(file))))
  return zipSync(
    Object.fromEntries(files.map((file, i) => [relative(root, file).split(sep).join('/'), contents[i]])),
  )
}

/** Drags files or folders from outside the browser over the page; `drop` lets go of them there. */
const drag = async (page: Page, paths: readonly string[]) => {
  const client = await page.context().newCDPSession(page)
  const send = (type: 'dragEnter' | 'dragOver' | 'drop' | 'dragCancel') =>
    client.send('Input.dispatchDragEvent', {
      type,
      x: 400,
      y: 300,
      data: { items: [], files: [...paths], dragOperationsMask: 1 },
    })
  await send('dragEnter')
  await send('dragOver')
  return { drop: () => send('drop') }
}

const at = (page: Page): Promise<string> => page.evaluate(() => decodeURIComponent(location.hash))
const opens = (page: Page, part: string): Promise<unknown> =>
  page.waitForFunction(wanted => decodeURIComponent(location.hash).includes(wanted), part)
const toast = (page: Page, text: string): Promise<unknown> =>
  page.waitForFunction(wanted => document.querySelector('.toast')?.textContent?.includes(wanted), text)

describe.skipIf(reason !== undefined)('runs that are dropped on the page', () => {
  let stage: Stage
  /** Of this computer: the viewer serves nothing of it. */
  let folder = ''
  beforeAll(async () => {
    stage = await openStage()
    await (await beginRun(join(stage.runs, 'served'), [0, 10])).finish('done')
    folder = await mkdtemp(join(tmpdir(), 'ldyn-drop-'))
    for (const name of ['one', 'two']) {
      await (await beginRun(join(folder, 'mine', name), [0, 10, 20, 30, 40])).finish('done')
      // Weights stay where they are.
      await mkdir(join(folder, 'mine', name, 'checkpoints', '000040-dpo'), { recursive: true })
      await writeFile(join(folder, 'mine', name, 'checkpoints', '000040-dpo', 'model.safetensors'), 'weights')
    }
    await writeFile(join(folder, 'both.zip'), await zipOf(join(folder, 'mine')))
    await mkdir(join(folder, 'letters'))
    await writeFile(join(folder, 'letters', 'a.txt'), 'Dear all')
  })
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })

  /** A page that has come to rest, and what it asked the network for since. */
  const openPage = async () => {
    const opened = await stage.open('#/')
    await settled(opened.page)
    const asked: string[] = []
    opened.page.on('request', request => asked.push(`${request.method()} ${request.url()}`))
    return { ...opened, asked }
  }

  it('open from the folder of one, which is said to be read here, and none of it is sent', async () => {
    const { page, complaints, asked, ...opened } = await openPage()
    await using _page = opened
    const dragged = await drag(page, [join(folder, 'mine', 'one')])
    await page.waitForSelector('.dropping')
    expect(await page.locator('.dropping').innerText()).toContain('read on this computer')
    await dragged.drop()
    await opens(page, '#/r/local:one/overview')
    await page.waitForSelector('figure.panel.curves canvas')
    expect(await page.locator('.dropping').count()).toBe(0)
    await toast(page, 'nothing was sent anywhere')
    expect(asked.filter(one => !one.startsWith('GET') || /local(:|%3A)/.test(one))).toEqual([])
    expect(complaints).toEqual([])
  })

  it('open side by side from a folder of several, and from a zip of it', async () => {
    for (const name of ['mine', 'both.zip']) {
      const { page, complaints, ...opened } = await openPage()
      await using _page = opened
      await (await drag(page, [join(folder, name)])).drop()
      await opens(page, '/compare')
      const runs = name === 'mine' ? ['local:mine/one', 'local:mine/two'] : ['local:one', 'local:two']
      expect((await at(page)).split('/compare')[0].replace('#/r/', '').split(',').sort()).toEqual(runs)
      await page.waitForSelector('figure.panel.curves canvas')
      await settled(page)
      expect(await page.locator('.run-letters a').allInnerTexts()).toHaveLength(2)
      expect(complaints).toEqual([])
    }
  })

  it('are chosen as well as dropped', async () => {
    const { page, complaints, ...opened } = await openPage()
    await using _page = opened
    await page.locator('input[aria-label="Folder of a run"]').setInputFiles(join(folder, 'mine', 'two'))
    await opens(page, '#/r/local:two/overview')
    await page.waitForSelector('figure.panel.curves canvas')
    expect(complaints).toEqual([])
  })

  it('are told apart from what is none, and the page stays where it is', async () => {
    const { page, complaints, ...opened } = await openPage()
    await using _page = opened
    const before = await at(page)
    await (await drag(page, [join(folder, 'letters')])).drop()
    await toast(page, 'no folder of it holds a run.json')
    expect(await at(page)).toBe(before)
    expect(complaints).toEqual([])
  })
})
