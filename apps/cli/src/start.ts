/**
 * The program's entry. Commands that compute are run in a child process whose allocator is set for large tensors
 * (@ldyn/backend-onnx/environment says what that is worth): glibc reads these settings only when a process starts.
 *
 * The child has a session of its own, so that a Ctrl-C in the terminal reaches it once, through here, and it ends when
 * this process is gone.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { allocatorEnvironment } from '@ldyn/backend-onnx/environment'

const COMPUTES = new Set([
  'train', 'demo', 'observe', 'probe', 'verify', 'bench', 'doctor', 'explain', 'diagnose', 'kernel', 'sim',
])
/** TensorFlow's notes on what it found, which would stand among our own lines; its warnings still come. */
const environment = { TF_CPP_MIN_LOG_LEVEL: '1', ...process.env, ...allocatorEnvironment }
const MARK = 'LDYN_CHILD'
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const isChild = process.env[MARK] !== undefined
const chosenByUser = Object.keys(allocatorEnvironment).some((name) => name in process.env)
const computes = process.argv.slice(2).some((word) => COMPUTES.has(word))

if (isChild || chosenByUser || !computes || process.platform !== 'linux') {
  if (isChild) {
    delete process.env[MARK]
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
    process.channel?.unref()
  }
  await import('./main.ts')
} else {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const child = spawn(process.execPath, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
    env: { ...environment, [MARK]: '1' },
  })
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`error: cannot start ${process.execPath}: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const name of FORWARDED) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}
