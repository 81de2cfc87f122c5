/** What linking needs of the machine, each missing thing as a sentence that says why and how to get it. */
import { spawn } from 'node:child_process'

/** Linking cannot go on here; the message says why and what to do. */
export class LinkError extends Error {
  override name = 'LinkError'
}

export interface Ran {
  readonly status: number
  readonly output: string
}

/**
 * Runs a command to its end; `show` sees its output as it comes, or it writes to this terminal itself, progress bar
 * and all. Status 127 where there is no such command.
 */
export function run(
  command: string,
  args: readonly string[],
  { show, terminal, env }: { show?: (text: string) => void; terminal?: boolean; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: terminal ? ['ignore', process.stderr, process.stderr] : ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
        show?.(text)
      })
    }
    child.on('error', (error) => resolve({ status: 127, output: error.message }))
    child.on('close', (status) => resolve({ status: status ?? 1, output }))
  })
}

export interface Tools {
  readonly python: string
  readonly compiler: string
}

/** The wheels' platform here. Throws LinkError where TensorFlow's wheels hold no library that we know how to use. */
export function wheelPlatform(
  platform: string = process.platform,
  arch: string = process.arch,
): 'x86_64' | 'aarch64' {
  if (platform === 'linux' && arch === 'x64') return 'x86_64'
  if (platform === 'linux' && arch === 'arm64') return 'aarch64'
  throw new LinkError(
    `linking is for Linux on x64 and arm64, and this is ${platform} on ${arch}; ` +
      'let tfjs-node fetch its own library instead: npm rebuild @tensorflow/tfjs-node --build-addon-from-source',
  )
}

/** Python with pip, and a C++ compiler. `LDYN_PYTHON` and `CXX` name others than python3 and c++. */
export async function findTools(env: NodeJS.ProcessEnv = process.env): Promise<Tools> {
  const python = env['LDYN_PYTHON'] || 'python3'
  const compiler = env['CXX'] || 'c++'
  if ((await run(python, ['--version'])).status !== 0)
    throw new LinkError(
      `no Python (${python}), whose pip fetches TensorFlow's wheel: apt-get install python3 python3-pip`,
    )
  if ((await run(python, ['-m', 'pip', '--version'])).status !== 0)
    throw new LinkError(
      `${python} has no pip, which fetches TensorFlow's wheel: apt-get install python3-pip, or ${python} -m ensurepip`,
    )
  if ((await run(compiler, ['--version'])).status !== 0)
    throw new LinkError(
      `no C++ compiler (${compiler}), which builds tfjs-node's binding: apt-get install g++`,
    )
  return { python, compiler }
}
