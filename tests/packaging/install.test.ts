// What a user does: an empty project, `npm install` of the packed packages, import them, run `npx ldyn`; on
// each Node that we promise to run on. No scripts run on installing: every native part is in its package.
// The registry is needed for the dependencies of others. Where it cannot be reached this is skipped and says
// so, but not in CI.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestContext } from 'vitest'
import { nodeOf } from './node.ts'
import { pack, published, readManifest, root, run, scratch, specifiers, tarball } from './packages.ts'

const minutes = 60_000
const { path: folder, remove } = scratch()
const project = join(folder, 'project')
const imports = published.flatMap(({ manifest }) => specifiers(manifest))
let unreachable: string | undefined

beforeAll(async () => {
  await pack(folder)
  mkdirSync(project)
  // Vitest is a peer of the testkit; the version that we test with, since later ones do not run on Node 20.
  const vitest = readManifest(join(root, 'node_modules', 'vitest')).version
  const dependencies = Object.fromEntries(
    published.map(({ manifest }) => [manifest.name, `file:${tarball(folder, manifest)}`]))
  writeFileSync(join(project, 'package.json'), JSON.stringify({
    name: 'consumer', private: true, type: 'module', dependencies: { ...dependencies, vitest },
  }))
  writeFileSync(join(project, 'imports.js'), `
    const found = {}
    for (const name of ${JSON.stringify(imports)}) found[name] = Object.keys(await import(name)).sort()
    console.log(JSON.stringify({ node: process.versions.node, found }))
  `)
  await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'],
    { cwd: project }).catch(noteUnreachable)
}, 8 * minutes)
afterAll(remove)

describe('the packed packages, installed with npm in an empty project', () => {
  it('type-check, every export, in strict TypeScript without skipLibCheck', async context => {
    skipUnreachable(context)
    const lines = imports.map((name, i) => `import * as m${i} from '${name}'`)
    const all = `export const all = [${imports.map((_, i) => `m${i}`)}]`
    writeFileSync(join(project, 'imports.ts'), [...lines, all].join('\n'))
    const modules = join(root, 'node_modules')
    const ours = await run(process.execPath, [join(modules, 'typescript', 'bin', 'tsc'), 'imports.ts',
      '--noEmit', '--strict', '--target', 'es2023', '--lib', 'es2023,esnext.disposable',
      '--module', 'nodenext', '--types', 'node', '--typeRoots', join(modules, '@types')], { cwd: project })
      .then(() => [], error => complaintsOfOurs(String(error)))
    expect(ours).toEqual([])
  }, 2 * minutes)

  it.for([20, 22, 24, 26])('import and run on Node %i', { timeout: 8 * minutes }, async (major, context) => {
    skipUnreachable(context)
    const here = Number(process.versions.node.split('.')[0])
    const node = here === major ? process.execPath : await nodeOf(major).catch(noteUnreachable)
    skipUnreachable(context)

    const { stdout } = await run(node!, ['imports.js'], { cwd: project })
    const { node: version, found } = JSON.parse(stdout) as { node: string, found: Record<string, string[]> }
    expect(version.split('.')[0]).toBe(String(major))
    expect(Object.keys(found).sort()).toEqual([...imports].sort())
    expect(Object.entries(found).filter(([, names]) => names.length === 0)).toEqual([])

    const env = { PATH: `${dirname(node!)}${delimiter}${process.env.PATH}` }
    const cli = await run('npx', ['--no-install', 'ldyn', '--version'], { cwd: project, env })
    expect(cli.stdout.trim()).toContain(published.find(one => one.manifest.name === 'ldyn')!.manifest.version)
  })
})

/** Remembers why npm failed where that was the network, outside CI; anything else is thrown on. */
function noteUnreachable(error: unknown): undefined {
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED/.test(String(error))
  if (!offline || process.env.CI) throw error
  unreachable = String(error).split('\n').find(line => /error/i.test(line)) ?? String(error)
}

function skipUnreachable(context: TestContext) {
  if (!unreachable) return
  console.log(`skipped: the npm registry cannot be reached (${unreachable})`)
  context.skip(`the npm registry cannot be reached (${unreachable})`)
}

// Others' declarations are not ours to answer for.
const complaintsOfOurs = (output: string) =>
  output.split('\n').filter(line => /error TS/.test(line) && !/^node_modules\/(?!@ldyn\/|ldyn\/)/.test(line))
