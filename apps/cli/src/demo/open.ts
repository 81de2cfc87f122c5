/** Opens a file in what the desktop opens it with, where there is a desktop. */
import { spawn } from 'node:child_process'

export type Env = Readonly<Record<string, string | undefined>>

/** The program that opens a file, and its arguments; undefined where there is no display. */
export function opener(
  platform: NodeJS.Platform,
  env: Env,
  path: string,
): readonly [string, readonly string[]] | undefined {
  if (platform === 'darwin') return ['open', [path]]
  // explorer, and not cmd's `start`, which would read & and % in a path as its own.
  if (platform === 'win32') return ['explorer.exe', [path]]
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open', [path]] : undefined
}

/** Starts the program and does not wait for it. False where there is none, or it cannot be started. */
export async function openFile(path: string, platform: NodeJS.Platform, env: Env): Promise<boolean> {
  const found = opener(platform, env, path)
  if (!found) return false
  return new Promise((resolve) => {
    const child = spawn(found[0], found[1], { detached: true, stdio: 'ignore' })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
