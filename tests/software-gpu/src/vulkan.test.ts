import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { create, globals } from 'webgpu'
import { filesOfTar } from './unpack.ts'
import { useVulkan, vulkan } from './vulkan.ts'

const found = vulkan()
const reason = useVulkan()

describe.skipIf(reason !== undefined)(`Dawn on software Vulkan ${reason ? `(skipped: ${reason})` : ''}`, () => {
  it('finds an adapter in this process and computes right values', async () => {
    Object.assign(globalThis, globals)
    // Kept for good: without, this process ended now and then (two times in twelve; with it, never in 36).
    const gpu = Object.assign(globalThis, { gpuOfThisTest: create([]) }).gpuOfThisTest
    const adapter = await gpu.requestAdapter()
    const device = await adapter!.requestDevice()
    const code = `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = id.x * id.x; }`
    const pipeline = device.createComputePipeline({
      layout: 'auto', compute: { module: device.createShaderModule({ code }) },
    })
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC
    const y = device.createBuffer({ size: 16, usage })
    const copy = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: y } }],
    })
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(1)
    pass.end()
    encoder.copyBufferToBuffer(y, 0, copy, 0, 16)
    device.queue.submit([encoder.finish()])
    await copy.mapAsync(GPUMapMode.READ)
    expect([...new Uint32Array(copy.getMappedRange())]).toEqual([0, 1, 4, 9])
    device.destroy()
  })

  it('is found by a worker thread of a child process through the environment alone', () => {
    const inWorker =
      "import('webgpu').then(async ({ create }) => " +
      'console.log((await (globalThis.kept = create([])).requestAdapter()).info.vendor))'
    const main = `new (require('node:worker_threads').Worker)(${JSON.stringify(inWorker)}, { eval: true })`
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', main], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, ...(typeof found === 'string' ? {} : found.env) },
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(stdout.trim()).not.toBe('')
  })
})

describe('filesOfTar', () => {
  it('reads names, modes and contents, and stops at the first empty header', () => {
    const header = Buffer.alloc(512)
    header.write('lib/a.txt', 0)
    header.write('0000755', 100)
    header.write('00000000003', 124)
    header.write('0', 156)
    const archive = Buffer.concat([header, Buffer.from('abc'.padEnd(512, '\0')), Buffer.alloc(1024)])
    expect(filesOfTar(archive)).toEqual([{ path: 'lib/a.txt', mode: 0o755, data: Buffer.from('abc') }])
  })
})
