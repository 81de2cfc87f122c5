// A snapshot as its readers have it: one file, opened from disk in a real Chromium.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { chromium } from '@ldyn/software-gpu'
import { directoryFiles } from '@ldyn/runs/node'
import { chromium as playwright, type Browser, type Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSummaries, serve } from '../../src/server/index.ts'
import {
  besideName,
  contentsOf,
  CONTENTS,
  documentOf,
  makeSnapshot,
  makeSnapshotFolder,
  PAGES,
  PARTS,
  type Part,
  type SnapshotOptions,
} from '../../src/snapshot/index.ts'
import { addKernels, addUpdate, beginRun } from '../run-on-disk.ts'
import { violationsOn } from './axe.ts'
import { PATIENCE_MS, settled, withoutBrowser } from './viewer.ts'

const web = fileURLToPath(new URL('../..', import.meta.url))
const whyNot = withoutBrowser()

/** What the template may weigh, gzipped, and what it may carry. */
const MOST_GZ = { page: 140_000, kernel: 12_000, figures: 25_000, lab: 22_000, gpt: 110_000 } as const

let root = ''
let browser: Browser
let template = ''
const parts = new Map<Part, string>()
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-snapshot-'))
  const outDir = join(root, 'template')
  await build({ root: web, configFile: join(web, 'vite.snapshot.config.ts'), logLevel: 'error', build: { outDir } })
  template = await readFile(join(outDir, 'snapshot.html'), 'utf8')
  for (const part of PARTS) parts.set(part, await readFile(join(outDir, `snapshot-${part}.html`), 'utf8'))
  for (const name of ['one', 'two']) {
    const directory = join(root, 'runs', name)
    const writer = await beginRun(directory, [0, 10, 20, 30, 40])
    await addUpdate(writer, 40)
    await writer.finish('done')
    await addKernels(directory)
  }
  if (whyNot !== undefined) return
  const found = chromium()
  if (typeof found === 'string') throw new Error(found)
  browser = await playwright.launch({
    executablePath: found.executablePath,
    args: [...found.args, '--disable-gpu'],
    env: { ...process.env, ...found.env } as Record<string, string>,
  })
})
afterAll(async () => {
  await browser?.close()
  await rm(root, { recursive: true, force: true, maxRetries: 3 })
})

/** Writes the snapshot of these runs and gives its address. */
const fileOf = async (
  name: string,
  keys: readonly string[],
  options: Partial<SnapshotOptions> = {},
  change: (html: string) => string = html => html,
  folder = false,
): Promise<string> => {
  const summaries = createSummaries()
  const runs = await Promise.all(
    keys.map(async key => {
      const directory = join(root, 'runs', key)
      return { summary: await summaries.of({ key, directory }), files: directoryFiles(directory) }
    }),
  )
  const chosen: SnapshotOptions = {
    pages: PAGES,
    parts: PARTS,
    text: 'keep',
    strip: true,
    values: 'f16',
    kernel: 'f16',
    ...options,
  }
  const snapshot = await (folder ? makeSnapshotFolder : makeSnapshot)({
    runs,
    options: chosen,
    made: '2026-11-22T12:00:00.000Z',
    version: '1.2.3',
  })
  const path = join(root, name)
  if (snapshot.beside) {
    await mkdir(join(path, 'data'), { recursive: true })
    await Promise.all(snapshot.beside.map((bytes, nth) => writeFile(join(path, besideName(nth)), bytes)))
  }
  await writeFile(snapshot.beside ? join(path, 'index.html') : path, change(await documentOf(template, snapshot, chosen.parts.map(part => parts.get(part)!))))
  return pathToFileURL(path).href
}

/** Any web server: it hands out files, and knows nothing of what they are. */
const staticServer = async (folder: string): Promise<{ address: string } & AsyncDisposable> => {
  const server = createServer((request, response) => {
    const path = request.url === '/' ? 'index.html' : request.url!.slice(1)
    readFile(join(folder, path)).then(
      bytes => response.setHeader('content-type', path.endsWith('html') ? 'text/html' : 'application/octet-stream').end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>(done => void server.listen(0, '127.0.0.1', done))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

/** Opens an address, with all that it complained of and asked for. */
const open = async (
  address: string,
  javaScriptEnabled = true,
): Promise<{ page: Page; said: string[]; asked: string[] }> => {
  const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce', javaScriptEnabled })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const [said, asked]: [string[], string[]] = [[], []]
  page.on('pageerror', error => said.push(error.message))
  page.on('console', message => void (message.type() === 'error' && said.push(message.text())))
  page.on('request', request => void (/^(data|blob):/.test(request.url()) || asked.push(request.url())))
  await page.goto(address)
  return { page, said, asked }
}

it('has a template of few bytes', () => {
  for (const [name, html] of [['page', template] as const, ...parts]) {
    const bytes = gzipSync(html, { level: 9 }).length
    console.log(`snapshot, ${name}: ${html.length} bytes, ${bytes} gzipped`)
    expect(bytes, name).toBeLessThan(MOST_GZ[name])
  }
  expect(template).toMatch(/script-src 'sha256-[\w+/=]+'/)
})

describe.skipIf(whyNot !== undefined)('a snapshot from disk', () => {
  it('shows every page, asks nobody for anything, and complains of nothing', async () => {
    const address = await fileOf('both.html', ['one', 'two'])
    for (const page of PAGES) {
      const opened = await open(`${address}#/r/one,two/${page}`)
      await opened.page.getByRole('link', { name: new RegExp(`^${page}$`, 'i') }).waitFor()
      await opened.page.waitForFunction(() => document.querySelectorAll('main figure, main section').length > 0)
      await settled(opened.page)
      expect(await opened.page.locator('.trouble').count(), page).toBe(0)
      await opened.page.getByText(/Snapshot of one, two, 2026-11-22 12:00 UTC, ldyn 1\.2\.3, sha256/).waitFor()
      expect(opened.said, page).toEqual([])
      expect(opened.asked, page).toEqual([address])
      await opened.page.context().close()
    }
  })

  it('opens at its run, and side by side where it has several; the list has them all', async () => {
    const { page } = await open(await fileOf('one.html', ['one']))
    await page.getByRole('heading', { name: 'What happened' }).waitFor()
    await page.waitForURL(/#\/r\/one\/overview/)
    await page.getByRole('link', { name: 'Runs', exact: true }).click()
    await page.getByRole('link', { name: 'one', exact: true }).waitFor()
    await page.context().close()
    const several = await open(await fileOf('both.html', ['one', 'two']))
    await several.page.waitForURL(/#\/r\/one,two\/compare/)
    await several.page.context().close()
  })

  it('says in what is saved from it that values were rounded', async () => {
    const { page } = await open(`${await fileOf('one.html', ['one'])}#/r/one/dynamics`)
    await page.getByText('Values are stored with 11 bits').waitFor()
    const menu = page.locator('main [data-panel] details.menu').first()
    await menu.locator('summary').click()
    const coming = page.waitForEvent('download')
    await menu.getByRole('button', { name: /JSON/ }).click()
    const saved = await coming
    expect(saved.suggestedFilename()).toMatch(/-11-bit\.json$/)
    const json = JSON.parse(await readFile(await saved.path(), 'utf8')) as { origin: string }
    expect(json.origin).toMatch(/^Snapshot of one, .*11 bits/)
    await page.context().close()
  })

  it('offers the pages that it has, and says so of the others', async () => {
    const address = await fileOf('few.html', ['one'], { pages: ['overview', 'dynamics'] })
    const { page, said } = await open(`${address}#/r/one/kernel`)
    await page.getByText('This file was made without the screen Kernel').waitFor()
    expect(await page.getByRole('navigation', { name: 'Screens' }).getByRole('link').allTextContents()).toEqual([
      'Overview',
      'Dynamics',
    ])
    expect(said).toEqual([])
    await page.context().close()
  })

  it('is one panel in a frame, in the theme that is asked for', async () => {
    const address = await fileOf('one.html', ['one'])
    const { page, said } = await open(`${address}#/r/one/overview?panel=moved&embed=1&theme=dark`)
    const panel = page.locator('[data-panel="moved"]')
    await panel.waitFor()
    expect(await page.locator('header, footer').count()).toBe(0)
    expect(await page.locator('main [data-panel]:visible').count()).toBe(1)
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
    expect(said).toEqual([])
    await page.context().close()
  })

  it('shares itself: link, frame, what it is', async () => {
    const { page, said } = await open(`${await fileOf('one.html', ['one'])}#/r/one/dynamics?s=20`)
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('#/r/one/dynamics?s=20').waitFor()
    await page.getByRole('radio', { name: 'One HTML file' }).check()
    await page.getByText('This page is such a file').waitFor()
    await page.getByRole('radio', { name: 'Embed' }).check()
    await page.getByText(/<iframe src="one\.html#\/r\/one\/dynamics\?s=20&amp;panel=/).waitFor()
    expect(said).toEqual([])
    await page.context().close()
  })

  it('has the Lab: its toys run, and axe-core finds nothing', async () => {
    const address = await fileOf('one.html', ['one'])
    for (const theme of ['light', 'dark']) {
      const { page, said, asked } = await open(`${address}#/lab?theme=${theme}`)
      await page.getByRole('heading', { name: 'Lab', exact: false, level: 1 }).waitFor()
      await page.locator('.lab-sims').waitFor()
      await page.locator('main svg').first().waitFor()
      await settled(page)
      const before = await page.locator('main').innerHTML()
      await page.getByRole('link', { name: 'Softmax race' }).click()
      await page.waitForFunction(html => document.querySelector('main')!.innerHTML !== html, before)
      await settled(page)
      expect(await violationsOn(page)).toEqual([])
      expect(said).toEqual([])
      expect(asked).toEqual([address])
      await page.context().close()
    }
  })

  it('has a tiny GPT that trains in a worker, without asking anybody, and all screens show it', async () => {
    const address = await fileOf('one.html', ['one'])
    const { page, said, asked } = await open(`${address}#/lab?sim=gpt&engine=cpu&layers=1&width=16&base=2&sftUpdates=2&dpoUpdates=2`)
    await page.click('.lab-go')
    await page.waitForFunction(
      () => /^(Done|Failed)/.test(document.querySelector('.lab-standing')?.textContent ?? ''),
      undefined,
      { timeout: 200_000 },
    )
    await page.getByText('Computed by a worker on the CPU').first().waitFor()
    expect(await page.locator('.banner.bad, .trouble').count()).toBe(0)
    await page.click('main a[href*="/dynamics"]')
    await page.locator('#panel-dynamics .plot-area').waitFor()
    // What was trained here is not what was rounded for the file.
    expect(await page.locator('.snapshot').textContent()).not.toContain('11 bits')
    expect(await page.locator('.trouble').count()).toBe(0)
    expect(said).toEqual([])
    expect(asked.filter(url => url !== address && !url.startsWith(`${address}#`))).toEqual([])
    await page.context().close()
  })

  it('draws the figures of the paper', async () => {
    const address = await fileOf('one.html', ['one'])
    const { page, said } = await open(`${address}#/r/one/figures`)
    await page.locator('img.paper-figure').first().waitFor()
    const drawn = page.locator('img.paper-figure').first()
    await expect.poll(() => drawn.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(0)
    expect(said).toEqual([])
    await page.context().close()
  })

  it('is a folder on a web server too, which is asked for what is shown', async () => {
    const folder = await fileOf('folder', ['one', 'two'], {}, html => html, true)
    await using server = await staticServer(fileURLToPath(folder))
    const { page, said, asked } = await open(`${server.address}#/r/one/overview`)
    await page.getByRole('heading', { name: 'What happened' }).waitFor()
    const first = new Set(asked)
    expect(first.size).toBeGreaterThan(3)
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Kernel', exact: true }).click()
    await page.locator('main .heat canvas').first().waitFor()
    expect(asked.length).toBeGreaterThan(first.size)
    expect(asked.filter(url => !url.startsWith(server.address))).toEqual([])
    expect(new Set(asked).size, 'nothing is asked for twice').toBe(asked.length)
    expect(await page.locator('.trouble').count()).toBe(0)
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByRole('radio', { name: 'One HTML file' }).check()
    await page.getByText('This page is a folder on a web server').waitFor()
    expect(said).toEqual([])
    await page.context().close()
    // Browsers let no page from disk read beside itself.
    const disk = await open(`${folder}/index.html#/r/one/overview`)
    await disk.page.getByText('Put the folder on a web server').waitFor()
    expect(disk.said).toEqual([])
    await disk.page.context().close()
    await rm(join(fileURLToPath(folder), 'data', '0.bin'))
    const torn = await open(`${server.address}#/r/one/overview`)
    await torn.page.getByText('the server says 404').first().waitFor()
    await torn.page.context().close()
  })

  it('says what it was made without', async () => {
    const without = (...left: readonly string[]) =>
      contentsOf(CONTENTS.filter(content => !left.includes(content)))
    const small = await open(`${await fileOf('small.html', ['one'], without('lab', 'figures'))}#/lab`)
    await small.page.getByRole('heading', { name: 'This file was made without the Lab' }).waitFor()
    expect(await small.page.getByRole('link', { name: 'Figures', exact: true }).count()).toBe(0)
    expect(small.said).toEqual([])
    await small.page.context().close()
    const toys = await open(`${await fileOf('toys.html', ['one'], without('gpt'))}#/lab?sim=gpt`)
    await toys.page.getByRole('heading', { name: 'This file was made without the tiny GPT' }).waitFor()
    expect(toys.said).toEqual([])
    await toys.page.context().close()
  })

  it('runs nothing that a run says', async () => {
    const nasty = '</script><script>document.title="owned"</script><img src=x onerror=alert(1)><!-- \u2028'
    const address = await fileOf('nasty.html', ['one'], {}, html => html)
    // The prompts of these runs hold a script element themselves; here a script stands in the page as well.
    const injected = join(root, 'injected.html')
    const html = await readFile(fileURLToPath(address), 'utf8')
    await writeFile(injected, html.replace('<div id="app">', `${nasty.replace('<!-- ', '')}<div id="app">`))
    const { page, said } = await open(`${pathToFileURL(injected).href}#/r/one/probes?o=1`)
    await page.getByText('<script>alert(1)</script>').first().waitFor()
    expect(await page.title()).not.toBe('owned')
    // The policy refuses both, and says so.
    expect(said.filter(text => !/Content Security Policy|violates/.test(text))).toEqual([])
    expect(said.length).toBeGreaterThan(0)
    await page.context().close()
  })

  it('says what is wrong where it was cut off or changed', async () => {
    const cut = await open(await fileOf('cut.html', ['one'], {}, html => html.slice(0, html.length - 9000)))
    await cut.page.getByRole('heading', { name: 'This file is not whole' }).waitFor()
    await cut.page.context().close()
    const changed = await open(
      await fileOf('changed.html', ['one'], {}, html =>
        html.replace(/(data-sha256="\w+">.{400}).{40}/, `$1${'A'.repeat(40)}`),
      ),
    )
    await changed.page.getByRole('heading', { name: 'This file is damaged' }).waitFor()
    expect([...cut.said, ...changed.said]).toEqual([])
    await changed.page.context().close()
  })

  it('shows its main figures to those who run no scripts', async () => {
    const { page } = await open(await fileOf('one.html', ['one']), false)
    expect(await page.locator('svg').count()).toBeGreaterThan(2)
    expect(await page.locator('svg').first().isVisible()).toBe(true)
    await page.context().close()
  })

  it('is made by the served page too, and is the file that the command line makes', async () => {
    const app = join(root, 'app')
    await build({ root: web, logLevel: 'error', build: { outDir: app, emptyOutDir: true } })
    await writeFile(join(app, 'snapshot.html'), template)
    for (const [part, html] of parts) await writeFile(join(app, `snapshot-${part}.html`), html)
    await using viewer = await serve({ root: join(root, 'runs'), version: '1.2.3', app })
    const { page, said } = await open(`${viewer.url}#/r/one,two/dynamics`)
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByRole('radio', { name: 'One HTML file' }).check()
    await page.getByText(/^About 0\.\d+ MB/).waitFor()
    await page.getByRole('radio', { name: 'not in the file' }).check()
    await page.getByText('ldyn export runs/one runs/two --html one-two.html --text remove').waitFor()
    const coming = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const saved = await coming
    const path = join(root, saved.suggestedFilename())
    await saved.saveAs(path)
    expect(said).toEqual([])
    const opened = await open(`${pathToFileURL(path).href}#/r/two/probes`)
    await opened.page.getByText('(text removed)').first().waitFor()
    expect(await readFile(path, 'utf8')).not.toContain('Question 0')
    expect(opened.said).toEqual([])
  })
})
