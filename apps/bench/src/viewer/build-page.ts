// The page and the single-file template, built from the sources as they are published.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const web = fileURLToPath(new URL('../../../web', import.meta.url))

const built = async (config: string, outDir: string): Promise<void> => {
  const configFile = join(web, config)
  // What is published, also where a test runner says otherwise.
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    await build({ root: web, configFile, logLevel: 'error', build: { outDir, emptyOutDir: true } })
  } finally {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  }
}

/** Directory of the page, made below `into`. */
export const buildPage = async (into: string): Promise<string> => {
  const outDir = join(into, 'app')
  await built('vite.config.ts', outDir)
  return outDir
}

/** The template of a snapshot and the parts that it may carry, made below `into`. */
export const buildSnapshot = async (
  into: string,
): Promise<{ readonly template: string; readonly parts: ReadonlyMap<string, string> }> => {
  const outDir = join(into, 'template')
  await built('vite.snapshot.config.ts', outDir)
  const parts = (await readdir(outDir)).flatMap(name => {
    const part = /^snapshot-(\w+)\.html$/.exec(name)?.[1]
    return part === undefined ? [] : [[part, join(outDir, name)] as const]
  })
  return { template: join(outDir, 'snapshot.html'), parts: new Map(parts) }
}
