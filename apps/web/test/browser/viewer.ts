// The real page in a real Chromium: built from the sources with Vite, served by the real server over a
// directory of runs. Both ways in which a browser may meet a GPU (ux.md §4.1): none, and one in software.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from '@ldyn/software-gpu'
import { chromium as playwright, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { build } from 'vite'
import { serve, type Serving } from '../../src/server/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const workspace = join(root, '..', '..')

/** What the page says the time is: ages in words are the same on every day. Runs are made two hours before. */
export const CLOCK = Date.parse('2026-11-22T14:00:00.000Z')

/** Path, size and time of everything below. */
const stampsBelow = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries
    .filter(entry => entry.isFile() && !entry.name.includes('.test.'))
    .map(entry => join(entry.parentPath, entry.name))
  const stats = await Promise.all(files.map(file => stat(file).catch(() => undefined)))
  return files.map((file, i) => `${file} ${stats[i]?.size} ${stats[i]?.mtimeMs}`)
}

/** Changes with any source that the page may be made of. */
const stampOfSources = async (): Promise<string> => {
  const packages = await readdir(join(workspace, 'packages'))
  const folders = [join(root, 'src'), ...packages.map(name => join(workspace, 'packages', name, 'src'))]
  const single = ['index.html', 'vite.config.ts', 'package.json'].map(name => join(root, name))
  const stamps = (await Promise.all(folders.map(stampsBelow))).flat()
  for (const file of [...single, join(workspace, 'pnpm-lock.yaml')]) stamps.push(String((await stat(file)).mtimeMs))
  return createHash('sha256').update(stamps.sort().join('\n')).digest('hex').slice(0, 16)
}

const MINUTES = 60_000
/** Pages of former sources; those of the last minutes may be in use beside us. */
const forgetOld = async (folder: string, now: number): Promise<void> => {
  for (const name of await readdir(folder)) {
    const old = await stat(join(folder, name)).then(({ mtimeMs }) => now - mtimeMs > 20 * MINUTES, () => false)
    if (old) await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** The page, built once for each state of the sources, whichever of the processes that test side by side is first. */
const builtPage = async (): Promise<string> => {
  const folder = join(root, '.cache', 'app')
  const outDir = join(folder, await stampOfSources())
  if (await stat(join(outDir, 'index.html')).then(() => true, () => false)) return outDir
  await mkdir(folder, { recursive: true })
  await forgetOld(folder, Date.now())
  const unfinished = `${outDir}.${process.pid}`
  await build({ root, logLevel: 'error', build: { outDir: unfinished, emptyOutDir: true } })
  await rename(unfinished, outDir).catch(() => rm(unfinished, { recursive: true, force: true }))
  return outDir
}

/** Why there is no browser here; undefined where there is one. */
export const withoutBrowser = (): string | undefined => {
  const found = chromium()
  return typeof found === 'string' ? found : undefined
}

/** How long anything on a page may take, where the machine is slow and others use it too. */
export const PATIENCE_MS = 60_000

/** `none`: WebGPU is there and finds no adapter. `software`: it computes, on SwiftShader. */
export type Gpu = 'none' | 'software'

/** One browser of each kind for all stages of a file, closed with the last of them. */
const browsers = new Map<Gpu, { readonly opening: Promise<Browser>; users: number }>()

const launch = (gpu: Gpu): Promise<Browser> => {
  const found = chromium()
  if (typeof found === 'string') throw new Error(found)
  const same = ['--force-color-profile=srgb', '--font-render-hinting=none', '--disable-lcd-text', '--hide-scrollbars']
  const own = found.args.filter(arg => gpu === 'software' || !/webgpu|gpu-blocklist/.test(arg))
  return playwright.launch({
    executablePath: found.executablePath,
    args: [...own, ...same, ...(gpu === 'none' ? ['--disable-gpu'] : [])],
    env: { ...process.env, ...found.env } as Record<string, string>,
  })
}
const takeBrowser = (gpu: Gpu): Promise<Browser> => {
  const known = browsers.get(gpu) ?? { opening: launch(gpu), users: 0 }
  known.users++
  browsers.set(gpu, known)
  return known.opening
}
const leaveBrowser = async (gpu: Gpu): Promise<void> => {
  const known = browsers.get(gpu)
  if (!known || --known.users > 0) return
  browsers.delete(gpu)
  await (await known.opening).close()
}

export interface Opened extends AsyncDisposable {
  readonly page: Page
  /** Everything that the page complained of: uncaught errors, and errors on the console. */
  readonly complaints: string[]
}

export interface Stage extends AsyncDisposable {
  /** Directory of runs. */
  readonly runs: string
  readonly viewer: Serving
  /** A page at `hash`; with `await using` it is closed at the end of the block. */
  open(hash: string, options?: BrowserContextOptions): Promise<Opened>
}

export interface StageOptions {
  readonly gpu?: Gpu
}

/** Builds the page and starts server and browser. */
export const openStage = async ({ gpu = 'none' }: StageOptions = {}): Promise<Stage> => {
  const app = await builtPage()
  const folder = await mkdtemp(join(tmpdir(), 'ldyn-viewer-'))
  const runs = join(folder, 'runs')
  await mkdir(runs)
  const viewer = await serve({ root: runs, version: '0.0.0', app })
  const browser = await takeBrowser(gpu)
  return {
    runs,
    viewer,
    async open(hash, options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        locale: 'en-US',
        timezoneId: 'UTC',
        deviceScaleFactor: 1,
        reducedMotion: 'reduce',
        acceptDownloads: true,
        ...options,
      })
      await context.addInitScript(clock => {
        const Real = Date
        globalThis.Date = class extends Real {
          constructor(...given: readonly number[]) {
            if (given.length === 0) super(clock)
            else super(...(given as [number]))
          }
          static override now(): number {
            return clock
          }
        } as DateConstructor
      }, CLOCK)
      context.setDefaultTimeout(PATIENCE_MS)
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('pageerror', error => complaints.push(error.message))
      page.on('console', message => {
        // What the server answers is shown by the page; Chromium says it once more.
        const expected = message.text().startsWith('Failed to load resource')
        if (message.type() === 'error' && !expected) complaints.push(message.text())
      })
      await page.goto(`${viewer.url}${hash}`)
      return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
    },
    async [Symbol.asyncDispose]() {
      await leaveBrowser(gpu)
      await viewer[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** What follows `#` in the page's address now: Playwright's own `page.url()` hears of it later. */
export const hashOf = (page: Page): Promise<string> => page.evaluate(() => location.hash)

/** Waits until no dialog is open: the browser closes one after the key, and gives the focus back then. */
export const dialogClosed = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => document.querySelector('dialog[open]') === null)

/**
 * Waits until the page shows what it will show: something is there, nothing loads, and what is there has been the
 * same for `quietMs`. Rejects after a minute with what still loads.
 */
export const settled = async (page: Page, quietMs = 200): Promise<void> => {
  const done = await page.evaluate(
    ({ quietMs, mostMs }) =>
      new Promise<string>(resolve => {
        const began = performance.now()
        let [seen, since] = ['', began]
        const look = (): void => {
          const [now, main] = [performance.now(), document.querySelector('main')]
          const shows = main?.querySelector('.panel, table, .empty, .banner, .nothing') != null
          const loads = document.querySelector('.loading, [aria-busy=true]')?.textContent ?? undefined
          const looks = `${location.hash} ${document.body.innerText.length} ${document.body.querySelectorAll('*').length} ${document.documentElement.scrollHeight}`
          if (looks !== seen || !shows || loads !== undefined) [seen, since] = [looks, now]
          if (now - since >= quietMs) void document.fonts.ready.then(() => resolve(''))
          else if (now - began > mostMs) resolve(loads ?? `after ${mostMs} ms nothing is shown`)
          else setTimeout(look, 40)
        }
        look()
      }),
    { quietMs, mostMs: PATIENCE_MS },
  )
  if (done !== '') throw new Error(`The page does not come to rest at ${page.url()}: ${done}`)
}

/** Goes to another view on the page that is open, as a link does, and waits for it. */
export const goTo = async (page: Page, hash: string, quietMs?: number): Promise<void> => {
  await page.evaluate(to => {
    location.hash = to
  }, hash)
  await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))
  await settled(page, quietMs)
}

/** How far the page is wider than its window, in CSS pixels. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth))
