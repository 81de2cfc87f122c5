/** Loading onnxruntime-node, which may be missing or lack what was asked for; both are said in one sentence. */
import { UnsupportedError } from '@ldyn/tensor'
import type { OnnxOptions } from './options.ts'
import { whyNotStarting } from './probe.ts'

export type Engine = typeof import('onnxruntime-node')

const INSTALL = 'install it with: npm install onnxruntime-node'

/** ONNX Runtime and its version. Throws UnsupportedError. */
export async function loadEngine(options: OnnxOptions): Promise<{ ort: Engine; version: string }> {
  let ort: Engine
  try {
    ort = await import('onnxruntime-node')
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    const missing =
      reason.includes('onnxruntime-node') && (error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND'
    throw new UnsupportedError(
      missing
        ? `onnxruntime-node is not installed; ${INSTALL}`
        : `onnxruntime-node does not load (${reason}); ${INSTALL}`,
    )
  }
  const provider = options.executionProvider ?? 'cpu'
  const offered = ort.listSupportedBackends().map((b) => b.name)
  if (!offered.includes(provider)) {
    const hint =
      provider === 'cuda'
        ? 'install the CUDA build: npm install onnxruntime-node with ONNXRUNTIME_NODE_INSTALL=cuda12, on Linux x64'
        : 'install an onnxruntime-node build that has it'
    throw new UnsupportedError(
      `this onnxruntime-node has no execution provider '${provider}' (it has ${offered.join(', ')}); ${hint}, or choose one of those`,
    )
  }
  const why = provider === 'cpu' ? undefined : await whyNotStarting(provider)
  if (why !== undefined) throw new UnsupportedError(why)
  return { ort, version: ort.env.versions.node ?? 'unknown' }
}

/** Why the backend cannot be had with these options, in a sentence that says what to install; undefined if it can. */
export async function available(options: OnnxOptions = {}): Promise<string | undefined> {
  try {
    await loadEngine(options)
    return undefined
  } catch (error) {
    if (error instanceof UnsupportedError) return error.message
    throw error
  }
}
