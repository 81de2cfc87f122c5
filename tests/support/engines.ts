/**
 * Every backend that computes in f32, as tests open it here: ONNX Runtime, our WebGPU on whatever Vulkan driver there
 * is (SwiftShader from npm), TensorFlow.js on a libtensorflow linked into .cache. One that is not here is skipped with
 * the reason, and fails where LDYN_REQUIRE names it.
 */
import { fileURLToPath } from 'node:url'
import { onnxBackend } from '@ldyn/backend-onnx'
import { tfjsBackend } from '@ldyn/backend-tfjs'
import { linkTensorflow } from '@ldyn/backend-tfjs/link'
import { webgpuBackend } from '@ldyn/backend-webgpu'
import { useVulkan } from '@ldyn/software-gpu'
import type { Backend } from '@ldyn/tensor'

export interface Engine {
  readonly name: string
  readonly create: () => Promise<Backend>
  /** Why it is not here. */
  readonly missing?: string
}

const cache = fileURLToPath(new URL('../../.cache/libtensorflow', import.meta.url))

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Links TensorFlow.js first where that was not done yet: some seconds, and a download the very first time. */
export async function engines(): Promise<Engine[]> {
  const unlinked = await linkTensorflow({ cache, show: (text) => process.stderr.write(text) }).then(
    () => undefined,
    sentence,
  )
  const found: Engine[] = [
    { name: 'onnx', create: () => onnxBackend() },
    { name: 'tfjs', create: () => tfjsBackend({ variant: 'node' }), missing: unlinked },
    { name: 'webgpu', create: () => webgpuBackend(), missing: useVulkan() },
  ]
  const required = (process.env.LDYN_REQUIRE ?? '').split(',')
  for (const { name, missing } of found) {
    if (missing === undefined) continue
    if (required.includes(name)) throw new Error(`LDYN_REQUIRE names '${name}', which is not there: ${missing}`)
    console.warn(`the backend '${name}' is skipped, because ${missing}`)
  }
  return found
}
