// What npm would receive: each tarball alone is complete, and resolves for TypeScript and for Node.
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pack, published, run, scratch, tarball } from './packages.ts'
import type { Manifest } from './packages.ts'

const { path: folder, remove } = scratch()
const unpacked = (name: string) => join(folder, name.replace('/', '-'))

beforeAll(async () => {
  await pack(folder)
  for (const { manifest } of published) {
    mkdirSync(unpacked(manifest.name))
    await run('tar', ['-xzf', tarball(folder, manifest), '--strip-components', '1',
      '-C', unpacked(manifest.name)], { cwd: folder })
  }
})
afterAll(remove)

describe.each(published.map(one => [one.manifest.name, one] as const))('%s, packed', (name, { manifest }) => {
  const files = () => readdirSync(unpacked(name), { recursive: true, encoding: 'utf8' })
  const text = (file: string) => readFileSync(join(unpacked(name), file), 'utf8')
  const emitted = () => files().filter(file => file.startsWith('dist') && /(\.d\.ts|\.js)$/.test(file))

  it('brings its licence, a readme and code, and no tests or build state', () => {
    expect(files()).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    expect(text('README.md').split('\n').length).toBeGreaterThan(3)
    expect(emitted().length).toBeGreaterThan(0)
    expect(files().filter(file => /\.test\.|tsbuildinfo|\.turbo|\.cache/.test(file))).toEqual([])
  })

  it('names its dependencies by version ranges that any package manager takes', () => {
    const { dependencies, peerDependencies } = JSON.parse(text('package.json')) as Manifest
    const ranges = Object.values({ ...dependencies, ...peerDependencies })
    expect(ranges.filter(range => !/^[\^~>=]*\d/.test(range))).toEqual([])
  })

  it('holds every file that its exports, its bin and its imports point to', () => {
    const { exports = {}, bin = {} } = JSON.parse(text('package.json')) as Manifest
    const targets = [...Object.values(exports), bin].flatMap(target =>
      typeof target === 'string' ? [target] : Object.values(target))
    const missing = targets.filter(target => !existsSync(join(unpacked(name), target)))
    for (const file of emitted()) {
      for (const [, specifier] of text(file).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
        // Code is rewritten to name .js; declarations keep .ts, which TypeScript reads as the .d.ts beside it.
        const target = file.endsWith('.d.ts') ? specifier.replace(/\.ts$/, '.d.ts') : specifier
        const there = existsSync(join(unpacked(name), dirname(file), target))
        if (!there || !/\.(js|json|d\.ts)$/.test(target)) missing.push(`${file}: ${specifier}`)
      }
    }
    expect(missing).toEqual([])
  })

  it('maps its code to sources that are there', () => {
    const lost = files().filter(file => file.startsWith('dist') && file.endsWith('.map')).flatMap(file =>
      (JSON.parse(text(file)).sources as string[])
        .filter(source => !existsSync(join(unpacked(name), dirname(file), source)))
        .map(source => `${file}: ${source}`))
    expect(lost).toEqual([])
  })

  it('satisfies publint, strictly', async () => {
    const { messages, pkg } = await publint({
      pkgDir: unpacked(name), pack: false, strict: true, level: 'suggestion',
    })
    expect(messages.map(message => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  // The command line alone has nothing to import.
  if (manifest.exports) it('resolves, with its types, for Node and for bundlers (attw)', async () => {
    const attw = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')
    const { stdout } = await run(process.execPath, [join(dirname(attw), 'dist', 'index.js'),
      tarball(folder, manifest), '--profile', 'esm-only', '--format', 'json'], { cwd: folder })
    const { analysis } = JSON.parse(stdout)
    expect(Object.keys(analysis.entrypoints).sort()).toEqual(Object.keys(manifest.exports!).sort())
    expect(Object.values(analysis.entrypoints).map(one => resolved(one as Entry))).not.toContain(false)
  })
})

// attw exits with 1 for a problem; this makes sure that it looked, and resolved all that we promise.
type Entry = { resolutions: Record<string, { resolution?: unknown, visibleProblems?: number[] }> }
const resolved = ({ resolutions }: Entry) =>
  ['node16-esm', 'bundler'].every(kind => resolutions[kind]?.resolution !== undefined)
