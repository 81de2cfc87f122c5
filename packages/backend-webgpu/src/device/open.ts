/**
 * Adapter and device: `navigator.gpu` in a browser, Dawn from npm's `webgpu` in Node. All of the adapter's limits are
 * asked for, since the defaults (128 MiB a binding, 8 storage buffers) are what a phone has.
 */
import { DeviceError, UnsupportedError } from '@ldyn/tensor'
import type { Limits, SubgroupMatrix } from '../kernels/kernel.ts'
import type { WebgpuOptions } from './options.ts'

export interface Device {
  readonly gpu: GPUDevice
  readonly limits: Limits
  /** The adapter, in words. */
  readonly description: string
  /** What is underneath: `webgpu 0.6.2 (Dawn)`, or the browser. */
  readonly engine: string
  /** Throws DeviceError once the device is lost, out of memory, or disposed of. */
  check(): void
  /** Says that it ends here: `check` then throws that. */
  close(why: string): void
}

const WANTED: readonly string[] = [
  'shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix',
]
/** Kept for the life of the process: Dawn's objects must not outlive their instance. */
const instances = new Map<string, GPU>()

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The entry point of WebGPU, and what it is. Throws UnsupportedError where there is none. */
async function entryPoint({ dawn }: WebgpuOptions): Promise<{ gpu: GPU; engine: string }> {
  const browser = (globalThis as { navigator?: { gpu?: GPU; userAgent?: string } }).navigator
  if (browser?.gpu && !dawn) return { gpu: browser.gpu, engine: browser.userAgent ?? 'a browser' }
  if (typeof process === 'undefined' || !process.versions?.node)
    throw new UnsupportedError('this browser has no WebGPU (navigator.gpu); pages must come from https or localhost')
  // A name that no bundler follows: the package is Node's alone.
  const specifier = 'webgpu'
  const flags = dawn ?? ['enable-dawn-features=allow_unsafe_apis']
  try {
    const module = (await import(/* @vite-ignore */ specifier)) as { create(flags: readonly string[]): GPU }
    const key = flags.join(' ')
    const gpu = instances.get(key) ?? module.create([...flags])
    instances.set(key, gpu)
    return { gpu, engine: `webgpu ${await dawnVersion()} (Dawn)` }
  } catch (error) {
    throw new UnsupportedError(
      `WebGPU in Node needs the package 'webgpu' (npm install webgpu): ${message(error).split('\n')[0]}`,
      { cause: error },
    )
  }
}

async function dawnVersion(): Promise<string> {
  const { createRequire } = await import('node:module')
  const require = createRequire(import.meta.url)
  try {
    return (require('webgpu/package.json') as { version: string }).version
  } catch {
    return ''
  }
}

const NO_ADAPTER =
  'WebGPU finds no adapter: it needs a GPU with a Vulkan, Metal or Direct3D 12 driver (on Linux libvulkan1 and the ' +
  "card's driver, or mesa-vulkan-drivers ≥ 25 for a software one)"

async function adapterFor(options: WebgpuOptions): Promise<{ adapter: GPUAdapter; engine: string }> {
  if (options.adapter) return { adapter: options.adapter, engine: 'WebGPU (the given adapter)' }
  const { gpu, engine } = await entryPoint(options)
  const { powerPreference = 'high-performance' } = options
  const adapter = await gpu.requestAdapter({ powerPreference }).catch((error: unknown) => {
    throw new UnsupportedError(`${NO_ADAPTER}; it says: ${message(error)}`)
  })
  if (!adapter) throw new UnsupportedError(NO_ADAPTER)
  return { adapter, engine }
}

/** Undefined where a device can be had, else the sentence that says why not and what to install. */
export async function available(options: WebgpuOptions = {}): Promise<string | undefined> {
  try {
    const { adapter } = await adapterFor(options)
    const device = await adapter.requestDevice()
    device.destroy()
    return undefined
  } catch (error) {
    return message(error)
  }
}

/** Dawn's list of hardware matrix shapes; not in the standard yet. */
interface MatrixConfig {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}

const isFloat = (type: string): type is 'f16' | 'f32' => type === 'f16' || type === 'f32'

export function limitsOf(adapter: GPUAdapter, given: WebgpuOptions['limits'] = {}): Limits {
  const { limits, features, info } = adapter
  const extra = info as GPUAdapterInfo & { subgroupMatrixConfigs?: readonly MatrixConfig[] }
  const matrices = features.has('chromium-experimental-subgroup-matrix' as GPUFeatureName)
    ? (extra.subgroupMatrixConfigs ?? []) : []
  return {
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
    maxWorkgroups: limits.maxComputeWorkgroupsPerDimension,
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupSize: limits.maxComputeWorkgroupSizeX,
    workgroupBytes: limits.maxComputeWorkgroupStorageSize,
    software: /swiftshader|llvmpipe|lavapipe/i.test(`${info.architecture} ${info.device} ${info.description}`),
    f16: features.has('shader-f16'),
    subgroups: features.has('subgroups'),
    subgroupMin: info.subgroupMinSize ?? 0,
    subgroupMax: info.subgroupMaxSize ?? 0,
    subgroupMatrices: matrices.flatMap(({ componentType, resultComponentType, M, N, K }): SubgroupMatrix[] =>
      isFloat(componentType) && isFloat(resultComponentType)
        ? [{ component: componentType, result: resultComponentType, m: M, n: N, k: K }] : []),
    ...given,
  }
}

const ASKED = [
  'maxStorageBufferBindingSize', 'maxBufferSize', 'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupsPerDimension', 'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY', 'maxComputeWorkgroupStorageSize',
] as const

/** A device with all that its adapter has. Throws UnsupportedError (nothing there) or DeviceError (it fails). */
export async function openDevice(options: WebgpuOptions): Promise<Device> {
  const { adapter, engine } = await adapterFor(options)
  const { matmulPrecision = 'f32' } = options
  if (matmulPrecision !== 'f32' && !adapter.features.has('shader-f16')) {
    throw new UnsupportedError(
      `matmulPrecision '${matmulPrecision}' needs an adapter with shader-f16, which '${adapter.info.description}' is not`,
    )
  }
  const requiredFeatures = WANTED.filter((f) => adapter.features.has(f as GPUFeatureName)) as GPUFeatureName[]
  const requiredLimits = Object.fromEntries(ASKED.map((name) => [name, adapter.limits[name]]))
  const gpu = await adapter.requestDevice({ requiredFeatures, requiredLimits }).catch((error: unknown) => {
    throw new DeviceError(`the adapter gives no device: ${message(error)}`, { cause: error })
  })
  let ended: string | undefined
  void gpu.lost.then(({ message: why, reason }) => {
    ended ??= `the GPU device was lost (${reason}${why && `: ${why}`}); make the backend anew`
  })
  gpu.onuncapturederror = ({ error }) => {
    ended ??= `the GPU device failed: ${error.message}`
  }
  const { vendor, architecture, device, description } = adapter.info
  return {
    gpu,
    limits: limitsOf(adapter, options.limits),
    description: [description || device, `${vendor} ${architecture}`.trim()].filter(Boolean).join(', '),
    engine,
    check() {
      if (ended) throw new DeviceError(ended)
    },
    close(why) {
      ended = why
      gpu.destroy()
    },
  }
}
