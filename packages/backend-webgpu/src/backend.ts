/** The Backend contract on WebGPU: a program is planned, compiled into pipelines, and run in one submit. */
import {
  composites, DeviceError, holdings, type Backend, type CompileOptions, type CompositeName, type HostTensor,
  type Program,
} from '@ldyn/tensor'
import { Memory, type Buffer } from './device/memory.ts'
import { openDevice, type WebgpuOptions } from './device/open.ts'
import { nativeOn } from './kernels/table.ts'
import { deviceBytes, planOf, type Plan } from './plan/plan.ts'
import { executable, type WebgpuExecutable } from './run/executable.ts'
import { pipelines } from './run/pipelines.ts'

export interface WebgpuBackend extends Backend {
  readonly name: 'webgpu'
  compile(program: Program, options?: CompileOptions): Promise<WebgpuExecutable>
  /** The device beneath, for tests and tools. */
  readonly device: GPUDevice
}

/** Throws DeviceError where a plan cannot run in so much memory: the estimate, the limit, and what to lower. */
function mustFit({ bytes, inputs, owned, arenas }: Plan, maxBufferBytes: number, memoryLimit: number): void {
  const mebibytes = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`
  const advice = 'use a smaller batch, shorter rows, checkpointing or a smaller chunkRows'
  const largest = Math.max(0, ...inputs.map(({ spec }) => deviceBytes(spec)), ...owned, ...arenas)
  if (largest > maxBufferBytes)
    throw new DeviceError(`the program has a tensor of ${mebibytes(largest)} where a buffer of this device holds ` +
      `${mebibytes(maxBufferBytes)}: ${advice}`)
  if (bytes.total > memoryLimit)
    throw new DeviceError(`the program needs ${mebibytes(bytes.total)} on the device (inputs ${mebibytes(bytes.inputs)}, ` +
      `outputs ${mebibytes(bytes.outputs)}, intermediates ${mebibytes(bytes.arenas)}, ` +
      `constants ${mebibytes(bytes.constants)}) where memoryLimit is ${mebibytes(memoryLimit)}: ${advice}`)
}

/**
 * WebGPU as a Backend. Rejects with UnsupportedError, in a sentence that says what to install, where there is no
 * adapter (`available` asks without trying).
 */
export async function webgpuBackend(options: WebgpuOptions = {}): Promise<WebgpuBackend> {
  const device = await openDevice(options)
  const memory = new Memory(device)
  const compiled = pipelines(device)
  const { matmulPrecision = 'f32', fusion = true, memoryLimit = Infinity } = options
  const store = { put: (v: HostTensor) => memory.put(v), free: (b: Buffer) => memory.release(b) }
  const held = holdings<Buffer>('webgpu', store, () => device.check())
  const dispose = async (): Promise<void> => {
    await held.close()
    memory.clear()
    device.gpu.destroy()
  }
  return {
    name: 'webgpu',
    capabilities: {
      device: device.description,
      version: device.engine,
      composites: (Object.keys(composites) as CompositeName[]).filter((op) => nativeOn(device.limits).has(op)),
      f64: false,
      limits: Object.fromEntries(
        Object.entries(device.limits).filter((entry): entry is [string, number] => typeof entry[1] === 'number')),
    },
    device: device.gpu,
    async upload(value) {
      held.check()
      const tensor = held.handle(value, held.put(value, 'the uploaded tensor'))
      await memory.settled().catch((error: unknown) => {
        tensor.dispose()
        throw error
      })
      return tensor
    },
    async read(tensor) {
      held.check()
      const { shape, dtype } = tensor
      return { shape, dtype, data: await memory.read(held.valueOf(tensor, 'tensor'), { shape, dtype }) }
    },
    async compile(program, compileOptions = {}) {
      held.check()
      const plan = planOf(program, device.limits, { matmulPrecision, fusion })
      mustFit(plan, device.limits.maxBufferBytes, memoryLimit)
      return held.executable(program, await executable(memory, compiled, plan), compileOptions)
    },
    memory() {
      const live = new Set([...held.live].map(({ value }) => value))
      return { ...held.memory(), pooled: [...live].reduce((n, { bytes }) => n - bytes, memory.held) }
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
