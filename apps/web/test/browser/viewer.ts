// The real page in a real Chromium: built from the sources with Vite, served by the real server over a
// directory of runs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from '@ldyn/software-gpu'
import { chromium as playwright, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { build } from 'vite'
import { serve, type Serving } from '../../src/server/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The page, built once for each file of tests: they run side by side, each in a process of its own. */
let building: Promise<string> | undefined
const builtPage = (): Promise<string> =>
  (building ??= (async () => {
    const outDir = join(root, '.cache', 'app', String(process.pid))
    await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } })
    return outDir
  })())

/** Why there is no browser here; undefined where there is one. */
export const withoutBrowser = (): string | undefined => {
  const found = chromium()
  return typeof found === 'string' ? found : undefined
}

export interface Stage extends AsyncDisposable {
  /** Directory of runs. */
  readonly runs: string
  readonly viewer: Serving
  /** A page at `hash`, with everything that it complained of. */
  open(
    hash: string,
    options?: BrowserContextOptions,
  ): Promise<{ readonly page: Page; readonly complaints: string[] }>
}

/** Builds the page and starts server and browser. No GPU: what is tested here draws on the CPU. */
export const openStage = async (): Promise<Stage> => {
  const app = await builtPage()
  const runs = await mkdtemp(join(tmpdir(), 'ldyn-viewer-'))
  const viewer = await serve({ root: runs, version: '0.0.0', app })
  const found = chromium()
  if (typeof found === 'string') throw new Error(found)
  const browser: Browser = await playwright.launch({
    executablePath: found.executablePath,
    args: [...found.args, '--disable-gpu', '--force-color-profile=srgb', '--hide-scrollbars'],
    env: { ...process.env, ...found.env } as Record<string, string>,
  })
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
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('pageerror', error => complaints.push(error.message))
      page.on('console', message => {
        // What the server answers is shown by the page; Chromium says it once more.
        const expected = message.text().startsWith('Failed to load resource')
        if (message.type() === 'error' && !expected) complaints.push(message.text())
      })
      await page.goto(`${viewer.url}${hash}`)
      return { page, complaints }
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await viewer[Symbol.asyncDispose]()
      await rm(runs, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
