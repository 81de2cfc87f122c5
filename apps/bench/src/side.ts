/**
 * One side of the comparison, seen from the bench: a process that answers a line with a line (protocol.ts).
 *
 * Both sides' threads spin for some milliseconds after their work (ONNX Runtime's about 30, PyTorch's OpenMP team's
 * fewer) and then sleep, so a pause before every job keeps them out of each other's way; `cpuSeconds` lets the bench
 * check that. A side that ends, or is silent for too long, gives one error that quotes the end of its stderr.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ready } from './protocol.ts'

/** Longer than either side spins. */
const PAUSE_MS = 150

export interface Side {
  readonly name: string
  readonly ready: Ready
  /** Sends a line after a pause and gives the answer. Rejects with an Error where the side failed. */
  ask<A>(job: string): Promise<A>
  /** CPU seconds used so far; undefined where the system does not say. */
  cpuSeconds(): number | undefined
  /** Ends the process and waits for it. */
  close(): Promise<void>
}

export interface SideOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** An answer that takes longer is an error. */
  readonly seconds: number
}

interface Waiting {
  resolve(line: string): void
  reject(error: Error): void
}

/** Starts a side and waits until it is ready. */
export async function openSide({ name, command, args, env, seconds }: SideOptions): Promise<Side> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const queue: Waiting[] = []
  let stderr = ''
  let ended: string | undefined
  const fail = (why: string): void => {
    ended ??= `${name} ${why}${stderr.trim() && `; the end of its stderr:\n${stderr.trim()}`}`
    for (const { reject } of queue.splice(0)) reject(new Error(ended))
  }
  const closed = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      fail(`does not start (${error.message})`)
      resolve()
    })
    child.on('close', (code, signal) => {
      fail(signal ? `was ended by ${signal}` : `ended with exit code ${code}`)
      resolve()
    })
  })
  child.stderr.on('data', (data: Buffer) => (stderr = (stderr + data.toString()).slice(-2000)))
  // A write to a side that has just ended: the end itself is what is reported.
  child.stdin.on('error', () => {})
  createInterface({ input: child.stdout }).on('line', (line) => queue.shift()?.resolve(line))
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)

  async function answer<A>(): Promise<A> {
    if (ended) throw new Error(ended)
    const timer = setTimeout(() => {
      fail(`did not answer within ${seconds} s`)
      kill()
    }, seconds * 1000)
    try {
      const line = await new Promise<string>((resolve, reject) => queue.push({ resolve, reject }))
      const value = JSON.parse(line) as A & { readonly error?: string }
      if (value.error) throw new Error(`${name}: ${value.error}`)
      return value
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    name,
    ready: await answer<Ready>(),
    async ask<A>(job: string) {
      await sleep(PAUSE_MS)
      child.stdin.write(`${job}\n`)
      return answer<A>()
    },
    cpuSeconds: () => (child.pid === undefined ? undefined : cpuSecondsOf(child.pid)),
    async close() {
      child.stdin.end('quit\n')
      const late = setTimeout(kill, 10_000)
      await closed
      clearTimeout(late)
      process.off('exit', kill)
    },
  }
}

/** utime + stime of /proc/<pid>/stat, in Linux's hundredths of a second. */
function cpuSecondsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return undefined
  }
}
