/** Pipelines by their WGSL: equal kernels (all layers of a model) share one, across all programs of a backend. */
import { DeviceError } from '@ldyn/tensor'
import type { Device } from '../device/open.ts'
import type { Kernel } from '../kernels/kernel.ts'

export interface Pipeline { readonly gpu: GPUComputePipeline; readonly layout: GPUBindGroupLayout }
/** Which bindings are written to: a buffer that is written anywhere in a dispatch is `read_write` in all of it. */
export type Writable = readonly boolean[]
export type Pipelines = (kernel: Kernel, writable: Writable) => Promise<Pipeline>
const COMPUTE = 4

/** The kernel's WGSL with its extensions and binding declarations in front. */
function source({ enables = [], bindings, wgsl }: Kernel, writable: Writable): string {
  const declared = bindings.map(({ name, element }, i) =>
    `@group(0) @binding(${i}) var<storage, ${writable[i] ? 'read_write' : 'read'}> ${name}: array<${element}>;`)
  return [...enables.map((name) => `enable ${name};`), ...declared, wgsl].join('\n')
}

export function pipelines(device: Device): Pipelines {
  const { gpu } = device
  const cache = new Map<string, Promise<Pipeline>>()

  async function compiled({ label }: Kernel, code: string, writable: Writable): Promise<Pipeline> {
    const entries = writable.map((w, binding): GPUBindGroupLayoutEntry =>
      ({ binding, visibility: COMPUTE, buffer: { type: w ? 'storage' : 'read-only-storage' } }))
    const layout = gpu.createBindGroupLayout({ entries })
    gpu.pushErrorScope('validation')
    const module = gpu.createShaderModule({ code, label })
    const scope = gpu.popErrorScope()
    const pipeline = await gpu.createComputePipelineAsync({
      label, layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }), compute: { module, entryPoint: 'main' },
    }).catch(async (error: unknown) => {
      await scope
      device.check()
      throw await diagnosed(label, module, code, error)
    })
    const invalid = await scope
    if (invalid) throw await diagnosed(label, module, code, invalid)
    return { gpu: pipeline, layout }
  }

  return (kernel, writable) => {
    const code = source(kernel, writable)
    const known = cache.get(code)
    if (known) return known
    const made = compiled(kernel, code, writable)
    cache.set(code, made)
    made.catch(() => cache.delete(code))
    return made
  }
}

/** All that the compiler says, with the lines that it says it of. */
async function diagnosed(label: string, module: GPUShaderModule, code: string, error: unknown): Promise<DeviceError> {
  const { messages } = await module.getCompilationInfo()
  const lines = code.split('\n')
  const said = messages.map(({ type, lineNum, linePos, message }) =>
    `${type} at ${lineNum}:${linePos}: ${message}${lineNum > 0 ? `\n  ${lines[lineNum - 1]?.trim()}` : ''}`)
  const why = said.join('\n') || (error as Error).message
  return new DeviceError(`the kernel '${label}' does not compile: ${why}\n--- WGSL ---\n${code}`)
}
