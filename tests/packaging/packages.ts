// What is published, read from the manifests themselves: a new package is checked without being listed here.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export type Manifest = {
  name: string
  version: string
  private?: boolean
  packageManager?: string
  bin?: Record<string, string>
  exports?: Record<string, string | Record<string, string>>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export type Package = { dir: string, manifest: Manifest }

export const readManifest = (dir: string): Manifest =>
  JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))

export const published: Package[] = ['packages', 'apps']
  .flatMap(group => readdirSync(root + group).map(name => join(root, group, name)))
  .filter(dir => existsSync(join(dir, 'package.json')))
  .map(dir => ({ dir, manifest: readManifest(dir) }))
  .filter(({ manifest }) => !manifest.private)

/** What `import` may be given of a package: `@ldyn/tensor`, `@ldyn/tensor/reference`, … */
export const specifiers = ({ exports = {}, name }: Manifest): string[] =>
  Object.keys(exports).filter(path => path !== './package.json').map(path => name + path.slice(1))

/** Where `pnpm pack` puts a package: `@ldyn/core` 0.1.0 becomes `ldyn-core-0.1.0.tgz`. */
export const tarball = (folder: string, { name, version }: Manifest): string =>
  join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)

/** Packs every published package into `folder`, as `changeset publish` would. Throws if one is not built. */
export async function pack(folder: string): Promise<void> {
  for (const { dir, manifest } of published) {
    if (existsSync(join(dir, 'dist'))) continue
    throw new Error(`${manifest.name} has no dist to pack: run npm run build first.`)
  }
  const only = published.flatMap(({ manifest }) => ['--filter', manifest.name])
  const { packageManager } = readManifest(root)
  await run('npx', ['--yes', packageManager!, ...only, 'pack', '--pack-destination', folder], { cwd: root })
}

export type Output = { stdout: string, stderr: string }

/** Runs a program to its end. Throws what it printed, if it exits with another code than 0. */
export async function run(
  program: string, args: string[], { cwd, env = {} }: { cwd: string, env?: Record<string, string> },
): Promise<Output> {
  try {
    return await promisify(execFile)(program, args, {
      cwd, env: { ...clean(process.env), ...env }, maxBuffer: 1 << 26, shell: process.platform === 'win32',
    })
  } catch (error) {
    const { message, stdout, stderr } = error as Error & Output
    throw new Error([message, stdout, stderr].filter(Boolean).join('\n'))
  }
}

// A child must act as in a user's own shell: without what vitest and npm set for this process.
const theirs = /^(npm_(?!config_(registry|cache))|pnpm_|vitest|node_env|node_options|force_color)/i
const clean = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !theirs.test(name)))

/** A temporary folder, and what removes it: for vitest's afterAll. */
export function scratch(): { path: string, remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'ldyn-packaging-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) }
}
