/** A bare device for kernel tests, apart from the backend: runs a Lowering on arrays, or only checks its WGSL. */
import { create, globals } from 'webgpu'
import type { Element, Kernel, Limits, Lowering, Ref } from '../src/kernels/kernel.ts'

Object.assign(globalThis, globals)

/** Dawn's instances must outlive all that came from them: collected, they take the process along. */
const instances: GPU[] = []
const instance = (...flags: string[]): GPU => {
  instances.push(create(flags))
  return instances.at(-1)!
}

/** What a small card allows: WebGPU's defaults. */
export const plainLimits: Limits = {
  maxBindingBytes: 2 ** 27, maxBufferBytes: 2 ** 28, maxStorageBuffers: 8, maxWorkgroups: 65535, maxInvocations: 256,
  maxWorkgroupSize: 256, workgroupBytes: 16384, f16: false, subgroups: false, subgroupMin: 0, subgroupMax: 0,
  subgroupMatrices: [],
}

/** The WGSL that a plan would hand over: enables, bindings in order, then the kernel's own. */
export function moduleOf({ enables = [], bindings, wgsl }: Kernel): string {
  const declared = bindings.map(({ name, element, access }, i) =>
    `@group(0) @binding(${i}) var<storage, ${access === 'read' ? 'read' : 'read_write'}> ${name}: array<${element}>;`)
  return [...enables.map((e) => `enable ${e};`), ...declared, wgsl].join('\n')
}

/** Errors and warnings of a kernel's WGSL on a device; empty where it compiles. */
export async function diagnose(device: GPUDevice, kernel: Kernel): Promise<string[]> {
  device.pushErrorScope('validation')
  const module = device.createShaderModule({ code: moduleOf(kernel) })
  const { messages } = await module.getCompilationInfo()
  await device.popErrorScope()
  return messages.map((m) => `${kernel.label}: ${m.type} at ${m.lineNum}:${m.linePos}: ${m.message}`)
}

/** A device that computes nothing but takes every feature: it compiles what this machine cannot run. */
export async function nullDevice(): Promise<GPUDevice> {
  const adapter = await instance('backend=null', 'enable-dawn-features=allow_unsafe_apis').requestAdapter()
  const wanted = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[]
  return adapter!.requestDevice({ requiredFeatures: wanted.filter((f) => adapter!.features.has(f)) })
}

export async function softwareDevice(): Promise<GPUDevice> {
  const adapter = await instance().requestAdapter()
  const half = adapter!.features.has('shader-f16') ? ['shader-f16' as const] : []
  return adapter!.requestDevice({ requiredFeatures: half, requiredLimits: { maxComputeWorkgroupStorageSize: 32768 } })
}

const words: Partial<Record<Element, number>> = { 'vec4<f32>': 4, 'vec2<f32>': 2 }

/** Runs the dispatches over copies of `inputs`; gives `outputs[i]` words for every output, which start as rubbish. */
export async function run(
  device: GPUDevice, lowering: Lowering, inputs: readonly (Float32Array | Int32Array)[], outputs: readonly number[],
): Promise<Float32Array[]> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const buffers = new Map<string, { buffer: GPUBuffer; words: number }>()
  const put = (name: string, count: number, data?: Float32Array | Int32Array): void => {
    const buffer = device.createBuffer({ size: Math.max(256, Math.ceil(count / 64) * 256), usage })
    device.queue.writeBuffer(buffer, 0, (data ?? new Float32Array(count).fill(7e8)) as Float32Array<ArrayBuffer>)
    buffers.set(name, { buffer, words: count })
  }
  inputs.forEach((x, i) => put(`in${i}`, x.length, x))
  lowering.temporaries.forEach((n, i) => put(`temp${i}`, n))
  outputs.forEach((n, i) => put(`out${i}`, n))
  const encoder = device.createCommandEncoder()
  for (const kernel of lowering.kernels) {
    const found = await diagnose(device, kernel)
    if (found.length) throw new Error(`${found.join('\n')}\n${moduleOf(kernel)}`)
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ code: moduleOf(kernel) })
    const entries = kernel.bindings.map(({ access }, binding) => ({
      binding, visibility: GPUShaderStage.COMPUTE,
      buffer: { type: access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
    }))
    const layout = device.createBindGroupLayout({ entries })
    const pipeline = device.createComputePipeline({
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }), compute: { module },
    })
    const group = device.createBindGroup({
      layout,
      entries: kernel.bindings.map(({ of, window, element }, binding) => {
        const { buffer, words: all } = buffers.get(of satisfies Ref)!
        const part = window ?? { at: 0, words: all }
        const unit = 4 * (words[element] ?? 1)
        const size = Math.max(unit, Math.floor((part.words * 4) / unit) * unit)
        return { binding, resource: { buffer, offset: part.at * 4, size } }
      }),
    })
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(...kernel.workgroups)
    pass.end()
    const error = await device.popErrorScope()
    if (error) throw new Error(`${kernel.label}: ${error.message}\n${moduleOf(kernel)}`)
  }
  const copies = outputs.map((n, i) => {
    const size = Math.max(4, n * 4)
    const copy = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    encoder.copyBufferToBuffer(buffers.get(`out${i}`)!.buffer, 0, copy, 0, size)
    return copy
  })
  device.queue.submit([encoder.finish()])
  const results: Float32Array[] = []
  for (const [i, copy] of copies.entries()) {
    await copy.mapAsync(GPUMapMode.READ)
    results.push(new Float32Array(copy.getMappedRange().slice(0)).subarray(0, outputs[i]))
    copy.destroy()
  }
  for (const { buffer } of buffers.values()) buffer.destroy()
  return results
}
