// Runs the built CLI as its users do. `npm test` builds first; without a build this says so.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const golden = join(root, 'tests', 'golden')
const cli = join(root, 'apps', 'cli')

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly process: ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves when stderr has said this. */
  says(pattern: RegExp): Promise<void>
}

export const scratch = (): string => mkdtempSync(join(tmpdir(), 'ldyn-e2e-'))

export function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  if (!existsSync(join(cli, 'dist', 'main.js')))
    throw new Error('apps/cli is not built: run `npm run build` first')
  const child = spawn(process.execPath, [join(cli, 'bin', 'ldyn.js'), ...argv], {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (bytes: Buffer) => (said.out += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (said.err += bytes.toString()))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...said }))
  })
  const says = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(said.err)) {
      if (child.exitCode !== null) throw new Error(`it ended without saying ${String(pattern)}:\n${said.err}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return { process: child, finished, says }
}

export const ldyn = (...argv: readonly string[]): Promise<Finished> => start(argv).finished
