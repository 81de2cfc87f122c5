// How much script a page loads before it draws anything: the entry and what it imports at once, each compressed.
// Chunks that are fetched later do not count.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const importsOf = (code: string): readonly string[] =>
  [...code.matchAll(/(?:^|[;\n}])\s*import\s*(?:[^'"()]*?from\s*)?["']\.\/([\w.-]+\.js)["']/g)].map(
    ([, name]) => name,
  )

/** Kilobytes of script, gzipped, that index.html of a built page loads at once. */
export const startSize = (app: string): number => {
  const assets = join(app, 'assets')
  const names = new Set(readdirSync(assets))
  const entry = /<script[^>]*src="\.\/assets\/([^"]+)"/.exec(readFileSync(join(app, 'index.html'), 'utf8'))?.[1]
  if (entry === undefined) throw new Error(`${app}/index.html names no script`)
  const loaded = new Set<string>()
  const load = (name: string): void => {
    if (loaded.has(name) || !names.has(name)) return
    loaded.add(name)
    for (const next of importsOf(readFileSync(join(assets, name), 'utf8'))) load(next)
  }
  load(entry)
  const bytes = [...loaded].map(name => gzipSync(readFileSync(join(assets, name)), { level: 9 }).length)
  return bytes.reduce((sum, length) => sum + length, 0) / 1000
}

/** Kilobytes of a file, gzipped. */
export const fileSize = (path: string): number => gzipSync(readFileSync(path), { level: 9 }).length / 1000
