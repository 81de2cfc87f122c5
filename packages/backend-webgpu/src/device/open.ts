/**
 * Adapter and device: `navigator.gpu` in a browser, Dawn from npm's `webgpu` in Node. All of the adapter's limits are
 * asked for, since the defaults (128 MiB a binding, 8 storage buffers) are what a phone has.
 */
import { DeviceError, UnsupportedError } from '@ldyn/tensor'
import type { Limits, MatmulPrecision } from '../kernels/kernel.ts'

/** What a caller may choose. */
export interface WebgpuOptions {
  /** How products multiply: see MatmulPrecision and kernels/units.ts. All but `f32`, the default, need `shader-f16`. */
  readonly matmulPrecision?: MatmulPrecision; readonly powerPreference?: 'low-power' | 'high-performance'
  /** An adapter that the caller asked for. */
  readonly adapter?: GPUAdapter
  /** Flags for Dawn in Node (`adapter=…`, `backend=vulkan`, `enable-dawn-features=…`). */
  readonly dawn?: readonly string[]
  /** Bytes that plan and live tensors may take together; a program that needs more is refused. Default: no limit. */
  readonly memoryLimit?: number
  /** Fuse pointwise ops and reductions into generated kernels (default), or not: the plain twin for comparison. */
  readonly fusion?: boolean
  /** Try what a smaller device would do, or, with `software: false`, a card's kernels on a CPU. */
  readonly limits?: Partial<Pick<Limits, 'maxBindingBytes' | 'maxStorageBuffers' | 'maxWorkgroups' | 'software'>>
}

export interface Device {
  readonly gpu: GPUDevice; readonly limits: Limits
  /** The adapter, in words, and what is underneath: `webgpu 0.6.2 (Dawn)`, or the browser. */
  readonly description: string; readonly engine: string
  /** Throws DeviceError once the device is lost or has failed. */
  check(): void
}

/** Kept for the life of the process: Dawn's objects must not outlive their instance. */
const instances = new Map<string, GPU>()
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Subgroup matrices are experimental; shader-f16 is off on NVIDIA's Vulkan; checked indices cost products a sixth of a
 * card's speed, on matrix units half: kernels keep within their buffers by themselves, and clamp indices from the data.
 */
const FLAGS = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,disable_robustness']

/** The entry point of WebGPU, and what it is. Throws UnsupportedError where there is none. */
async function entryPoint({ dawn = FLAGS }: WebgpuOptions): Promise<{ gpu: GPU; engine: string }> {
  const browser = (globalThis as { navigator?: { gpu?: GPU; userAgent?: string } }).navigator
  if (browser?.gpu && dawn === FLAGS) return { gpu: browser.gpu, engine: browser.userAgent ?? 'a browser' }
  if (typeof process === 'undefined' || !process.versions?.node)
    throw new UnsupportedError('this browser has no WebGPU (navigator.gpu); pages must come from https or localhost')
  // A name that no bundler follows: the package is Node's alone.
  const specifier = 'webgpu'
  try {
    const module = (await import(/* @vite-ignore */ specifier)) as { create(flags: readonly string[]): GPU }
    const gpu = instances.get(dawn.join(' ')) ?? module.create(dawn)
    instances.set(dawn.join(' '), gpu)
    return { gpu, engine: `webgpu ${await dawnVersion()} (Dawn)` }
  } catch (error) {
    const said = message(error).split('\n')[0]
    throw new UnsupportedError(`WebGPU in Node needs the package 'webgpu' (npm install webgpu): ${said}`, { cause: error })
  }
}

const dawnVersion = (): Promise<string> => import('node:module').then(({ createRequire }) =>
  (createRequire(import.meta.url)('webgpu/package.json') as { version: string }).version).catch(() => '')

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
export const available = (options: WebgpuOptions = {}): Promise<string | undefined> =>
  adapterFor(options).then(({ adapter }) => adapter.requestDevice()).then((device) => device.destroy(), message)

const MATRICES = 'chromium-experimental-subgroup-matrix' as GPUFeatureName
const WANTED = ['shader-f16', 'subgroups', 'timestamp-query', MATRICES] as GPUFeatureName[]
const WANTED_LIMITS = {
  maxBindingBytes: 'maxStorageBufferBindingSize', maxBufferBytes: 'maxBufferSize',
  maxStorageBuffers: 'maxStorageBuffersPerShaderStage', maxWorkgroups: 'maxComputeWorkgroupsPerDimension',
  maxInvocations: 'maxComputeInvocationsPerWorkgroup', maxWorkgroupSize: 'maxComputeWorkgroupSizeX',
  workgroupBytes: 'maxComputeWorkgroupStorageSize',
} as const
type Numbers = Record<keyof typeof WANTED_LIMITS, number>

/** Dawn's entry for a hardware matrix shape; not in the standard yet. */
type MatrixConfig = { readonly [K in 'componentType' | 'resultComponentType']: string } & Record<'M' | 'N' | 'K', number>

function limitsOf({ limits, features, info }: GPUAdapter, given: WebgpuOptions['limits'] = {}): Limits {
  const { subgroupMatrixConfigs = [] } = info as GPUAdapterInfo & { subgroupMatrixConfigs?: readonly MatrixConfig[] }
  const numbers = Object.entries(WANTED_LIMITS).map(([ours, theirs]) => [ours, limits[theirs]])
  return {
    ...(Object.fromEntries(numbers) as Numbers),
    software: /swiftshader|llvmpipe|lavapipe/i.test(`${info.architecture} ${info.device} ${info.description}`),
    f16: features.has('shader-f16'), subgroups: features.has('subgroups'),
    subgroupMin: info.subgroupMinSize ?? 0, subgroupMax: info.subgroupMaxSize ?? 0,
    subgroupMatrices: (features.has(MATRICES) ? subgroupMatrixConfigs : [])
      .filter(({ componentType, resultComponentType }) => componentType === 'f16' && resultComponentType === 'f32')
      .map(({ M: m, N: n, K: k }) => ({ m, n, k })),
    ...given,
  }
}

/** A device with all that its adapter has. Throws UnsupportedError (nothing there) or DeviceError (it fails). */
export async function openDevice(options: WebgpuOptions): Promise<Device> {
  const { adapter, engine } = await adapterFor(options)
  const { vendor, architecture, device, description } = adapter.info
  const { matmulPrecision = 'f32' } = options
  const { features, limits } = adapter
  if (matmulPrecision !== 'f32' && !features.has('shader-f16'))
    throw new UnsupportedError(
      `matmulPrecision '${matmulPrecision}' needs an adapter with shader-f16, which '${description}' is not`)
  const asked = [...Object.values(WANTED_LIMITS), 'maxComputeWorkgroupSizeY' as const]
  const requiredLimits = Object.fromEntries(asked.map((name) => [name, limits[name]]))
  const requiredFeatures = WANTED.filter((f) => features.has(f))
  const gpu = await adapter.requestDevice({ requiredFeatures, requiredLimits }).catch((error: unknown) => {
    throw new DeviceError(`the adapter gives no device: ${message(error)}`, { cause: error })
  })
  let ended: string | undefined
  void gpu.lost.then(({ message: why, reason }) =>
    (ended ??= `the GPU device was lost (${reason}${why && `: ${why}`}); make the backend anew`))
  gpu.onuncapturederror = ({ error }) => (ended ??= `the GPU device failed: ${error.message}`)
  const check = (): void => {
    if (ended) throw new DeviceError(ended)
  }
  // A card's description is its driver.
  const names = [description.includes(':') ? device : '', description || device, `${vendor} ${architecture}`.trim()]
  return { gpu, engine, limits: limitsOf(adapter, options.limits), description: names.filter(Boolean).join(', '), check }
}
