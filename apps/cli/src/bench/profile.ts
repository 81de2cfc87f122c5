/**
 * Where a step's time goes on a card: every dispatch in a pass of its own between two timestamps, summed by kernel.
 * `ldyn bench gpu --profile`. Passes of one dispatch run a little slower than a step's single pass does, so shares
 * are what to read here, and times of whole steps are taken without it.
 */
import { webgpuBackend, type MatmulPrecision } from '@ldyn/backend-webgpu'
import { UnsupportedError } from '@ldyn/tensor'
import { timeStep, type StepSize } from './jobs.ts'
import type { ShapeName } from './shapes.ts'

/** What the dispatches of one pipeline took together, in one update. */
export interface KernelTime {
  /** The first kernel that had this pipeline: all layers share it. */
  readonly kernel: string
  readonly dispatches: number
  readonly ms: number
}

export interface StepProfile {
  readonly shape: ShapeName
  readonly precision: MatmulPrecision
  readonly device: string
  /** Of an update: the sum of its kernels, and from the first one's begin to the last one's end. */
  readonly kernelMs: number
  readonly spanMs: number
  /** The longest first. */
  readonly kernels: readonly KernelTime[]
}

/** Dawn rounds timestamps to 0.1 ms unless it is told not to; the rest is what the backend asks for by itself. */
const FLAGS = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,disable_robustness',
  'disable-dawn-features=timestamp_quantization',
]
/** The most that a query set holds. */
const QUERIES = 4096
/** GPUBufferUsage and GPUMapMode by their values: Node has no global of them. */
const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, QUERY_RESOLVE: 512 } as const

interface Recorded {
  readonly labels: readonly string[]
  readonly copy: GPUBuffer
}

/** From now on every dispatch of the device is timed; `take` gives what was recorded since. */
function timed(device: GPUDevice): { take(): Promise<{ label: string; from: number; to: number }[][]> } {
  const recorded: Recorded[] = []
  const sets: GPUQuerySet[] = []
  const plain = device.createCommandEncoder.bind(device)
  device.createCommandEncoder = (descriptor) => {
    const encoder = plain(descriptor)
    const begin = encoder.beginComputePass.bind(encoder)
    encoder.beginComputePass = () => {
      const labels: string[] = []
      let [pipeline, group]: [GPUComputePipeline?, GPUBindGroup?] = []
      const setOf = (i: number): GPUQuerySet =>
        (sets[i] ??= device.createQuerySet({ type: 'timestamp', count: QUERIES }))
      const pass = {
        setPipeline: (given: GPUComputePipeline) => void (pipeline = given),
        setBindGroup: (_: number, given: GPUBindGroup) => void (group = given),
        dispatchWorkgroups(x: number, y = 1) {
          const n = 2 * (labels.push(pipeline!.label) - 1)
          const at = { beginningOfPassWriteIndex: n % QUERIES, endOfPassWriteIndex: (n + 1) % QUERIES }
          const one = begin({ timestampWrites: { querySet: setOf(Math.floor(n / QUERIES)), ...at } })
          one.setPipeline(pipeline!)
          one.setBindGroup(0, group)
          one.dispatchWorkgroups(x, y)
          one.end()
        },
        end() {
          const bytes = 16 * labels.length
          const resolved = device.createBuffer({ size: bytes, usage: USAGE.QUERY_RESOLVE | USAGE.COPY_SRC })
          const copy = device.createBuffer({ size: bytes, usage: USAGE.MAP_READ | USAGE.COPY_DST })
          for (let n = 0; n < 2 * labels.length; n += QUERIES)
            encoder.resolveQuerySet(setOf(n / QUERIES), 0, Math.min(QUERIES, 2 * labels.length - n), resolved, n * 8)
          encoder.copyBufferToBuffer(resolved, 0, copy, 0, bytes)
          recorded.push({ labels, copy })
        },
      }
      return pass as unknown as GPUComputePassEncoder
    }
    return encoder
  }
  return {
    take: () =>
      Promise.all(
        recorded.splice(0).map(async ({ labels, copy }) => {
          await copy.mapAsync(1)
          const times = new BigInt64Array(copy.getMappedRange().slice(0))
          copy.destroy()
          const ms = (i: number): number => Number(times[i] - times[0]) / 1e6
          return labels.map((label, i) => ({ label, from: ms(2 * i), to: ms(2 * i + 1) }))
        }),
      ),
  }
}

/** One update of a model on the webgpu backend, kernel by kernel. Throws UnsupportedError without timestamps. */
export async function profileStep(shape: ShapeName, step: StepSize, precision: MatmulPrecision): Promise<StepProfile> {
  await using backend = await webgpuBackend({ matmulPrecision: precision, dawn: FLAGS })
  if (!backend.device.features.has('timestamp-query'))
    throw new UnsupportedError(`${backend.capabilities.device} has no timestamps to time kernels by`)
  const { take } = timed(backend.device)
  await timeStep(backend, shape, step, 2)
  const passes = await take()
  const longest = Math.max(...passes.map((pass) => pass.length))
  // The update's own program, warm: what runs before it is a few small ones.
  const last = passes.findLast((pass) => pass.length === longest)!
  const sums = new Map<string, { dispatches: number; ms: number }>()
  for (const { label, from, to } of last) {
    const sum = sums.get(label) ?? { dispatches: 0, ms: 0 }
    sums.set(label, { dispatches: sum.dispatches + 1, ms: sum.ms + to - from })
  }
  const kernels = [...sums].map(([kernel, sum]) => ({ kernel, ...sum })).sort((a, b) => b.ms - a.ms)
  return {
    shape, precision, kernels,
    device: backend.capabilities.device,
    kernelMs: kernels.reduce((n, { ms }) => n + ms, 0),
    spanMs: last.at(-1)!.to,
  }
}

/** The longest kernels of a step with their shares, as lines. */
export function renderProfile({ shape, precision, kernelMs, spanMs, kernels }: StepProfile, most = 25): string[] {
  const rest = kernels.slice(most)
  const line = (ms: number, dispatches: number, text: string): string =>
    `  ${ms.toFixed(3).padStart(9)}  ${((100 * ms) / kernelMs).toFixed(1).padStart(5)} %  ${String(dispatches).padStart(5)}×  ${text}`
  return [
    `${shape}, ${precision}: ${kernelMs.toFixed(2)} ms in kernels, ${spanMs.toFixed(2)} ms from the first to the last; ms, share, dispatches:`,
    ...kernels.slice(0, most).map(({ kernel, ms, dispatches }) => line(ms, dispatches, kernel)),
    ...(rest.length > 0
      ? [line(rest.reduce((n, k) => n + k.ms, 0), rest.reduce((n, k) => n + k.dispatches, 0), `${rest.length} others`)]
      : []),
  ]
}
