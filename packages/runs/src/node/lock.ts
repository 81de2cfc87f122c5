// One writer a run. run.lock says who: process, host, and on Linux when that process started, since process
// numbers come round again (in a container they often are the same every time). A lock whose process is dead
// is taken over; one of another host cannot be judged from here and is left to its owner.
//
// Files are only ever linked into place, which succeeds for one process, and never moved aside: between "it is
// stale" and "now it is away" another process may have put a fresh lock there. Who takes over a stale lock links
// a file named after that lock's text, its successor. So locks form a chain that begins at run.lock, and whoever
// lives at its end writes the run. The new owner then replaces run.lock by its own lock, in one rename, and only
// then deletes the chain behind it. A process that looked at the old run.lock may link into that deleted chain;
// it reads run.lock again afterwards, does not find itself on the chain from there, and starts over.
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
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

/** The file by which the lock with this text is taken over. Texts carry a nonce: no two locks are the same. */
const successorOf = (path: string, text: string): string =>
  `${path}.after-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`

/** The locks' texts from run.lock on to the newest, and where the next one would be linked. */
const readChain = async (path: string): Promise<{ texts: string[], links: string[], next: string }> => {
  const texts: string[] = []
  const links = [path]
  for (;;) {
    const text = await readLock(links[texts.length])
    if (text === undefined) return { texts, links: links.slice(0, -1), next: links[texts.length] }
    texts.push(text)
    links.push(successorOf(path, text))
  }
}

/**
 * Links `mine` to the end of a chain that nobody living holds. Gives the chain's files, the last of them the
 * new link. Throws RunError `locked`.
 */
const joinChain = async (path: string, mine: string, text: string): Promise<string[]> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { texts, links, next } = await readChain(path)
    const held = texts.length > 0 ? heldBy(path, texts[texts.length - 1]) : undefined
    if (held) throw held
    try {
      // A link appears with its content or not at all, and fails where the name is taken.
      await link(mine, next)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(path, cause)
      continue
    }
    if ((await readChain(path)).texts.includes(text)) return [...links, next]
    await rm(next, { force: true })
  }
  throw new RunError({
    code: 'locked', what: 'Cannot write the run', where: path, why: 'other processes keep taking its lock',
    fix: 'Start one writer at a time',
  })
}

/** Takes the lock and gives the function that lets it go. Throws RunError `locked` naming the process. */
export const takeLock = async (directory: string): Promise<() => Promise<void>> => {
  const path = join(directory, paths.lock)
  const nonce = randomUUID()
  const mine = `${path}.${nonce}`
  const owner = { pid: process.pid, host: hostname(), start: startOf(process.pid), nonce }
  const text = `${JSON.stringify(owner)}\n`
  try {
    await writeFile(mine, text, { flag: 'wx' })
  } catch (cause) {
    // A file that could not be filled, on a full disk, must not stay behind.
    await rm(mine, { force: true })
    throw diskError(path, cause)
  }
  try {
    const [, ...successors] = await joinChain(path, mine, text)
    try {
      if (successors.length > 0) await rename(mine, path)
    } catch (cause) {
      await rm(successors[successors.length - 1], { force: true })
      throw diskError(path, cause)
    }
    for (const successor of successors) await rm(successor, { force: true })
  } finally {
    await rm(mine, { force: true })
  }
  return async () => {
    if (await readLock(path) === text) await rm(path, { force: true })
  }
}
