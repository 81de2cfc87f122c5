/**
 * Does an execution provider start here? Asked of a process of its own: without an adapter ONNX Runtime only says so
 * when the first session is made, and some drivers abort whoever asks (SwiftShader under the WebGPU provider does).
 */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { encodeModel, type OnnxGraph } from '../proto/onnx.ts'
import type { ExecutionProvider } from './options.ts'

/** y = −x. */
export const PROBE: OnnxGraph = {
  name: 'probe',
  nodes: [{ op: 'Neg', name: 'neg', inputs: ['x'], outputs: ['y'], attributes: {} }],
  initializers: [],
  inputs: [{ name: 'x', type: 'f32', shape: [2] }],
  outputs: [{ name: 'y', type: 'f32', shape: [2] }],
}

const SCRIPT = `
const [path, provider, model] = process.argv.slice(1)
const ort = require(path)
const options = { executionProviders: [provider], logSeverityLevel: 4 }
ort.InferenceSession.create(Buffer.from(model, 'base64'), options)
  .then((session) => session.run({ x: new ort.Tensor('float32', Float32Array.of(3, -4), [2]) }))
  .then(({ y }) => process.stdout.write(y.data[0] === -3 && y.data[1] === 4 ? 'computes' : 'it computes −3 as ' + y.data[0]))
  .catch((error) => process.stdout.write(String(error.message)))
`

const SOFTWARE =
  'install the Vulkan driver of the card, or one in software: apt-get install mesa-vulkan-drivers libvulkan1 ' +
  '(on Debian 12 from bookworm-backports, with -t bookworm-backports)'

const asked = new Map<ExecutionProvider, Promise<string | undefined>>()

/** Why the provider does not start, in a sentence that says what to install; undefined where it does. */
export function whyNotStarting(provider: ExecutionProvider): Promise<string | undefined> {
  const known = asked.get(provider) ?? ask(provider)
  asked.set(provider, known)
  return known
}

/** Asks a process with that environment, where others may be known already. */
export function ask(
  provider: ExecutionProvider,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const path = createRequire(import.meta.url).resolve('onnxruntime-node')
  const model = Buffer.from(encodeModel(PROBE)).toString('base64')
  return new Promise((resolve) => {
    const args = ['-e', SCRIPT, path, provider, model]
    execFile(process.execPath, args, { timeout: 60_000, env }, (error, stdout) => {
      if (stdout === 'computes') return resolve(undefined)
      const died = error?.signal ? `its driver ends the process with ${error.signal}` : undefined
      resolve(sentence(provider, died ?? (stdout || error?.message || 'it says nothing')))
    })
  })
}

function sentence(provider: ExecutionProvider, reason: string): string {
  const start = `ONNX Runtime's execution provider '${provider}' does not start here: `
  if (provider !== 'webgpu') return start + reason
  if (/No supported adapters|WebGPU adapter/.test(reason)) return `${start}it finds no GPU adapter; ${SOFTWARE}`
  return `${start}${reason}; ${SOFTWARE}`
}
