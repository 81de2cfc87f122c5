/**
 * A Chromium whose WebGPU runs on SwiftShader, for playwright-core's `chromium.launch({executablePath, args, env})`.
 * It looks for the Vulkan driver beside its own binary, for NSS on the library path, and for fonts where fontconfig
 * says; pages must come from localhost, since WebGPU wants a secure context.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { refusal, unpacked } from './unpack.ts'

export interface Chromium {
  readonly executablePath: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Unpacked at the first call (a few seconds, 200 MB); a sentence where it cannot run. */
export function chromium(): Chromium | string {
  const reason = refusal()
  if (reason) return reason
  const archives = ['chromium', 'swiftshader.tar', 'al2023.tar', 'fonts.tar']
  const folder = unpacked('chromium', archives)
  const fonts = join(folder, 'local-fonts.conf')
  if (!existsSync(fonts)) writeFileSync(fonts, fontconfig(folder))
  return {
    executablePath: join(folder, 'chromium'),
    args: ['--no-sandbox', '--headless=old', '--enable-unsafe-webgpu', '--ignore-gpu-blocklist'],
    env: { LD_LIBRARY_PATH: `${join(folder, 'lib')}:${folder}`, FONTCONFIG_FILE: fonts, HOME: folder },
  }
}

const fontconfig = (folder: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>
`
