/**
 * The archives of `@sparticuz/chromium`, unpacked once into the repository's `.cache`: Chromium itself, SwiftShader
 * (a Vulkan driver that computes on the CPU, with its loader), the libraries that Chromium expects of a system, and
 * a font. A folder appears whole or not at all, so that test processes may all begin at once.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync } from 'node:zlib'

const resolve = createRequire(import.meta.url).resolve
/** `tests/software-gpu/{src,dist}` lies three folders below the repository's root. */
const cache = fileURLToPath(new URL('../../../.cache', import.meta.url))

export interface Entry {
  readonly path: string
  readonly mode: number
  readonly data: Uint8Array
}

/** The regular files of a tar archive (POSIX ustar: 512-byte headers, sizes in octal). */
export function filesOfTar(bytes: Uint8Array): Entry[] {
  const text = (at: number, length: number): string =>
    Buffer.from(bytes.subarray(at, at + length)).toString('latin1').replace(/\0.*$/s, '').trim()
  const entries: Entry[] = []
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8) || 0
    const kind = text(at + 156, 1)
    if (kind === '0' || kind === '') {
      const data = bytes.subarray(at + 512, at + 512 + size)
      entries.push({ path: text(at, 100), mode: parseInt(text(at + 100, 8), 8), data })
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return entries
}

/** Why nothing of this can run here, or undefined. */
export function refusal(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `the software GPU from npm is built for Linux on x64, and this is ${process.platform}-${process.arch}`
  try {
    resolve('@sparticuz/chromium')
  } catch {
    return '@sparticuz/chromium is not installed (it comes with the workspace: npm run setup)'
  }
  return undefined
}

/**
 * The folder that holds these archives' contents, in a folder of each one's name (`swiftshader.tar`) or as the one
 * file (`chromium`). Throws where the cache cannot be written.
 */
export function unpacked(name: string, archives: readonly string[]): string {
  const bin = join(dirname(resolve('@sparticuz/chromium')), '..', '..', 'bin')
  const { version } = JSON.parse(readFileSync(join(bin, '..', 'package.json'), 'utf8')) as { version: string }
  const folder = join(cache, `software-gpu-${version}`, name)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}`
  for (const archive of archives) {
    const bytes = brotliDecompressSync(readFileSync(join(bin, `${archive}.br`)))
    const files = archive.endsWith('.tar')
      ? filesOfTar(bytes)
      : [{ path: basename(archive), mode: 0o755, data: bytes }]
    for (const { path, mode, data } of files) {
      mkdirSync(dirname(join(unfinished, path)), { recursive: true })
      writeFileSync(join(unfinished, path), data, { mode })
    }
  }
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    // Another process was first; its folder is as good as ours.
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
