/**
 * A Vulkan driver for Dawn (`webgpu` from npm) where the machine has none.
 *
 * Dawn asks the system for `libvulkan.so.1` when it looks for adapters. LD_LIBRARY_PATH is read when a process
 * starts, so it serves child processes (`env`); in a process that already runs, `useVulkan` opens the loader by its
 * path instead, after which glibc answers every request for that name with it. The driver is named by an environment
 * variable, which the loader reads with getenv: Node hands such changes on from its main thread alone, so in a worker
 * thread only `env` given to the process works.
 */
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { join } from 'node:path'
import { refusal, unpacked } from './unpack.ts'

export interface Vulkan {
  /** The driver, in words. */
  readonly driver: string
  /** For a child process: `{...process.env, ...env}`. */
  readonly env: Readonly<Record<string, string>>
}

/** glibc's RTLD_NODELETE: the library stays, although Node closes it again for not being an addon. */
const RTLD_NODELETE = 0x1000

/**
 * What a process needs in order to find a Vulkan driver: the one that VK_ICD_FILENAMES or VK_DRIVER_FILES already
 * names (lavapipe in CI, a card's own), else SwiftShader, unpacked at the first call (0.2 s). A sentence where there
 * can be none.
 */
export function vulkan(): Vulkan | string {
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES
  if (named !== undefined && !named.includes('vk_swiftshader')) return { driver: named, env: {} }
  const reason = refusal()
  if (reason) return reason
  const folder = unpacked('swiftshader', ['swiftshader.tar'])
  const path = process.env.LD_LIBRARY_PATH
  return {
    driver: 'SwiftShader',
    env: {
      LD_LIBRARY_PATH: path && !path.split(':').includes(folder) ? `${folder}:${path}` : (path ?? folder),
      VK_DRIVER_FILES: join(folder, 'vk_swiftshader_icd.json'),
      XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? folder,
    },
  }
}

/**
 * Makes `vulkan()` the driver of this process; call it before the first adapter is asked for, as often as you like.
 * Undefined when done, else the sentence that says why not.
 */
export function useVulkan(): string | undefined {
  const found = vulkan()
  if (typeof found === 'string') return found
  if (process.env.VK_DRIVER_FILES === found.env.VK_DRIVER_FILES || !found.env.VK_DRIVER_FILES) return undefined
  if (!isMainThread) return 'a worker thread cannot set the process up for Vulkan: start the process with vulkan().env'
  Object.assign(process.env, found.env)
  const loader = join(found.env.VK_DRIVER_FILES, '..', 'libvulkan.so.1')
  try {
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | RTLD_NODELETE)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (!message.includes('did not self-register')) return `the Vulkan loader ${loader} does not load: ${message}`
  }
  return undefined
}
