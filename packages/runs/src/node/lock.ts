// One writer a run. run.lock says who: process, host, and on Linux when that process started, since process
// numbers come round again (in a container they often are the same every time). A lock whose process is dead
// is taken over; one of another host cannot be judged from here and is left to its owner.
import { readFileSync } from 'node:fs'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { RunError } from '../error.ts'
import { paths } from '../layout.ts'
import { diskError } from './disk.ts'

export interface LockOwner { readonly pid: number, readonly host: string, readonly start: string }

/**
 * Start time of a process in clock ticks since boot (proc_pid_stat(5), field 22), or '' where there is no
 * /proc.
 */
const startOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return ''
  }
}

const isAlive = ({ pid, start }: LockOwner): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and is somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return start === '' || startOf(pid) === '' || startOf(pid) === start
}

const parseOwner = (text: string): LockOwner | undefined => {
  try {
    const owner = JSON.parse(text) as Partial<LockOwner>
    if (!Number.isSafeInteger(owner.pid) || owner.pid! <= 0 || typeof owner.host !== 'string') return undefined
    return { pid: owner.pid!, host: owner.host, start: typeof owner.start === 'string' ? owner.start : '' }
  } catch {
    return undefined
  }
}

const readLock = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

/** Who holds the run now: its owner if that process lives (or may live, on another host), else undefined. */
export const lockHolder = async (directory: string): Promise<LockOwner | undefined> => {
  const owner = parseOwner(await readLock(join(directory, paths.lock)) ?? '')
  if (!owner) return undefined
  return owner.host !== hostname() || isAlive(owner) ? owner : undefined
}

const heldBy = (path: string, text: string): RunError | undefined => {
  const owner = parseOwner(text)
  const what = 'Cannot write the run'
  if (!owner) return undefined
  if (owner.host !== hostname()) {
    return new RunError({
      code: 'locked', what, where: path, why: `process ${owner.pid} on the host ${owner.host} writes it`,
      fix: `If that process is gone, delete ${path}`,
    })
  }
  if (!isAlive(owner)) return undefined
  const self = owner.pid === process.pid ? ', this very process,' : ''
  return new RunError({
    code: 'locked', what, where: path, why: `process ${owner.pid}${self} is writing it`,
    fix: 'Wait for it, stop it, or choose another --out',
  })
}

/** Takes the lock and gives the function that lets it go. Throws RunError `locked` naming the process. */
export const takeLock = async (directory: string): Promise<() => Promise<void>> => {
  const path = join(directory, paths.lock)
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
  const text = `${JSON.stringify({ pid: process.pid, host: hostname(), start: startOf(process.pid) })}\n`
  try {
    await writeFile(mine, text, { flag: 'wx' })
  } catch (cause) {
    // A file that could not be filled, on a full disk, must not stay behind.
    await unlink(mine).catch(() => {})
    throw diskError(path, cause)
  }
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      try {
        // A link appears with its content or not at all, and fails where the name is taken.
        await link(mine, path)
        return async () => {
          if (await readLock(path) === text) await unlink(path).catch(() => {})
        }
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(path, cause)
      }
      const found = await readLock(path)
      if (found === undefined) continue
      const held = heldBy(path, found)
      if (held) throw held
      // Stale. Move it aside; if another process was quicker and this is its fresh lock, put that back.
      const aside = `${mine}.stale`
      if (!await rename(path, aside).then(() => true, () => false)) continue
      if (await readLock(aside) !== found) await link(aside, path).catch(() => {})
      await unlink(aside)
    }
    throw new RunError({
      code: 'locked', what: 'Cannot write the run', where: path, why: 'other processes keep taking its lock',
      fix: 'Start one writer at a time',
    })
  } finally {
    await unlink(mine).catch(() => {})
  }
}
