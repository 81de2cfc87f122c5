/** Builds the page with Vite, serves it from localhost and opens it in Chromium with a software adapter. */
import { createServer, type Server } from 'node:http'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from '@ldyn/software-gpu'
import { chromium as playwright, type Browser, type Page } from 'playwright-core'
import { build } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))
const built = join(here, '../.cache/browser')
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' }

/** Why there is no browser here; undefined where there is one. */
export const withoutBrowser = (): string | undefined => {
  const found = chromium()
  return typeof found === 'string' ? found : undefined
}

async function serve(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const file = join(folder, path === '/' ? 'index.html' : path)
    readFile(file).then(
      (bytes) => response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream').end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

export interface OpenedPage extends AsyncDisposable {
  readonly page: Page
  /** Bytes of the bundle's JavaScript. */
  readonly bytes: number
}

/** Throws what the bundler says where a package does not bundle for a browser. */
export async function openPage(): Promise<OpenedPage> {
  const result = await build({
    root: join(here, 'page'),
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@ldyn/source', 'browser', 'import', 'default'] },
    build: { outDir: built, emptyOutDir: true, target: 'es2024' },
  })
  const { output } = result as { output: readonly { type: string; code?: string }[] }
  const server = await serve(built)
  const found = chromium()
  if (typeof found === 'string') throw new Error(found)
  const { executablePath, args, env } = found
  const browser: Browser = await playwright.launch({
    executablePath,
    args: [...args],
    env: { ...process.env, ...env } as Record<string, string>,
  })
  const page = await browser.newPage()
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
  await page.waitForFunction('globalThis.ldyn !== undefined')
  return {
    page,
    bytes: output.reduce((n, { code = '' }) => n + code.length, 0),
    [Symbol.asyncDispose]: async () => {
      await browser.close()
      server.close()
    },
  }
}
