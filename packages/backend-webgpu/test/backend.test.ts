/** What the conformance suite does not ask: the plain twin, small limits, a card's kernels, errors, and counts. */
import { useVulkan } from '@ldyn/software-gpu'
import {
  add, call, concat, f32, grad, hostTensor, i32, leaves, mapTree, matmul, mul, scatterAdd, softmax, sub, sum, take,
  trace, transpose, unflatten, DeviceError, type Branch, type DeviceTensor, type HostTensor, type Program, type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { drawLike, randomProgram, tinyTransformer } from '@ldyn/tensor/cases'
import { loadBackend } from '@ldyn/tensor/node'
import { evaluate } from '@ldyn/tensor/reference'
import { conformance } from '@ldyn/testkit'
import { afterAll, describe, expect, it } from 'vitest'
import { available, webgpuBackend, type WebgpuBackend, type WebgpuExecutable, type WebgpuOptions } from '../src/index.ts'
import { pipelines } from '../src/run/pipelines.ts'

const reason = useVulkan()
if (reason) console.warn(`@ldyn/backend-webgpu: skipped, because ${reason}`)
if (reason && (process.env.LDYN_REQUIRE ?? '').split(',').includes('webgpu')) throw new Error(reason)

const opened: WebgpuBackend[] = []
const open = async (options: WebgpuOptions = {}): Promise<WebgpuBackend> => {
  const backend = await webgpuBackend(options)
  opened.push(backend)
  return backend
}
afterAll(async () => {
  for (const backend of opened) await backend.dispose()
})

async function values(backend: WebgpuBackend, program: Program, inputs: Tree<HostTensor>): Promise<Float64Array> {
  using executable = await backend.compile(program)
  const out: number[] = []
  for (const { value } of leaves(await executable.run(inputs))) {
    out.push(...(await backend.read(value)).data)
    value.dispose()
  }
  return Float64Array.from(out)
}
const flat = (tree: Tree<HostTensor>): Float64Array =>
  Float64Array.from(leaves(tree).flatMap(({ value }) => [...value.data]))
/** Random values for the inputs of a program. */
const drawn = (program: Program): Branch<HostTensor> => {
  const specs = unflatten(program.inputs.map(({ path, value }) => ({ path, value: program.values[value] })))
  return drawLike(specs, 3) as Branch<HostTensor>
}
function near(actual: Float64Array, expected: Float64Array, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  const scale = expected.reduce((n, v) => Math.max(n, Math.abs(v)), 1)
  actual.forEach((v, i) => {
    if (!(Math.abs(v - expected[i]) <= tolerance * scale)) throw new Error(`element ${i} is ${v} and not ${expected[i]}`)
  })
}

/** One step of SGD on all parameters, with their tree. */
function sgd(program: Program): Program {
  const gradient = grad(program, { wrt: 'params', of: 'loss' })
  const specs = unflatten(program.inputs.map(({ path, value }) => ({ path, value: program.values[value] })))
  return trace((inputs: Record<string, Tree<Tensor>>) => {
    const made = call(gradient, inputs as Tree<Tensor>)
    const { primal, grads } = made as { primal: { loss: Tensor }; grads: Branch<Tensor> }
    const slopes = new Map(leaves(grads['params']).map(({ path, value }) => [path, value]))
    return { params: mapTree(inputs['params'], (w, path) => sub(w, mul(slopes.get(path)!, 0.02))), loss: primal.loss }
  }, specs as never)
}

describe.skipIf(reason !== undefined)('the webgpu backend', () => {
  it('stays within its buffers where an index does not: it reads the last row, and adds nothing', async () => {
    const read = ({ x, idx }: Record<'x' | 'idx', Tensor>): Tensor[] => [take(x, idx), scatterAdd(idx, take(x, idx), 3)]
    const program = trace(read, { x: f32(3, 2), idx: i32(4) })
    const x = hostTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2])
    const idx: HostTensor = { shape: [4], dtype: 'i32', data: Int32Array.of(0, -1, 2_000_000_000, 3) }
    expect([...(await values(await open(), program, { x, idx }))]).toEqual([1, 2, 5, 6, 5, 6, 5, 6, 1, 2, 0, 0, 0, 0])
  })
  it('is found by its name', async () => {
    expect(await available()).toBeUndefined()
    await using backend = await loadBackend('webgpu', {}, { load: () => import('../src/index.ts') })
    expect(backend.name).toBe('webgpu')
    expect(backend.capabilities.limits?.maxBindingBytes).toBeGreaterThan(2 ** 20)
  })

  it('computes the same fused as op by op, in fewer dispatches', async () => {
    const [fused, plain] = [await open(), await open({ fusion: false })]
    const { program, inputs } = tinyTransformer()
    const step = sgd(program)
    const [a, b] = [await fused.compile(step), await plain.compile(step)]
    expect(a.stats.dispatches).toBeLessThan(b.stats.dispatches / 2)
    near(await values(fused, step, inputs), await values(plain, step, inputs), 1e-6)
    for (const seed of [101, 102, 103]) {
      const random = randomProgram(seed)
      near(await values(fused, random.program, random.inputs), await values(plain, random.program, random.inputs), 1e-5)
    }
  })

  it('reads and writes through windows where a binding cannot take the whole', async () => {
    const small = await open({ limits: { maxBindingBytes: 1024, maxStorageBuffers: 10 } })
    const program = trace(({ x, y }) => ({
      sum: add(transpose(x, [1, 0]), 1), rows: sum(x, 1), long: concat([x, transpose(y, [1, 0])], 0), soft: softmax(y),
    }), { x: f32(20, 30), y: f32(30, 20) })
    const inputs = drawn(program)
    near(await values(small, program, inputs), flat(evaluate(program, inputs)), 1e-5)
  })

  it('folds grids of more workgroups than a dimension takes', async () => {
    const small = await open({ limits: { maxWorkgroups: 3 } })
    const specs = { x: f32(70, 50), w: f32(50, 40) }
    const program = trace(({ x, w }) => ({ y: mul(x, 2), z: matmul(x, w), s: softmax(x) }), specs)
    const inputs = drawn(program)
    near(await values(small, program, inputs), flat(evaluate(program, inputs)), 1e-5)
  })

  it("computes a transformer's training step with a card's kernels too", async () => {
    const card = await open({ limits: { software: false } })
    expect(card.capabilities.composites).toContain('attentionBackward')
    const { program, inputs } = tinyTransformer()
    const step = sgd(program)
    near(await values(card, step, inputs), flat(evaluate(step, inputs)), 2e-5)
  }, 300_000)

  it('reuses buffers and bind groups from the third step on, and encodes a dispatch in microseconds', async () => {
    const backend = await open()
    const { program, inputs } = tinyTransformer()
    const { params, ...batch } = inputs as { params: Tree<HostTensor> }
    using executable = (await backend.compile(sgd(program), { donate: 'params' })) as WebgpuExecutable
    let weights: Tree<DeviceTensor> | Tree<HostTensor> = params
    let groups = 0
    const { device } = backend
    const original = device.createBindGroup.bind(device)
    device.createBindGroup = (descriptor) => {
      groups++
      return original(descriptor)
    }
    const made: number[] = []
    const memory: number[] = []
    const times: number[] = []
    for (let i = 0; i < 8; i++) {
      const out = (await executable.run({ ...batch, params: weights } as never)) as Record<string, DeviceTensor>
      out.loss.dispose()
      weights = out.params
      made.push(groups)
      times.push(executable.stats.encodeMs)
      const { bytes, pooled } = backend.memory()
      memory.push(bytes + pooled)
    }
    device.createBindGroup = original
    expect(made.at(-1)! - made[3]).toBe(0)
    expect(new Set(memory.slice(3)).size).toBe(1)
    // Both sets of donated weights count as outputs of one and inputs of the next step.
    expect(memory.at(-1)!).toBeLessThanOrEqual(1.2 * executable.stats.plan.total + 8 * 256)
    const { dispatches } = executable.stats
    console.info(`${dispatches} dispatches, ${((1000 * Math.min(...times)) / dispatches).toFixed(2)} µs of the host each`)
    for (const { value } of leaves(weights as Tree<DeviceTensor>)) value.dispose()
    expect(backend.memory()).toMatchObject({ tensors: 0, bytes: 0 })
  })

  it('refuses a program that needs more than memoryLimit, with the estimate and what to lower', async () => {
    const backend = await open({ memoryLimit: 2 ** 20 })
    const program = trace(({ x }) => softmax(matmul(x, x)), { x: f32(512, 512) })
    await expect(backend.compile(program)).rejects.toThrow(/needs 3\.0 MiB .* memoryLimit is 1\.0 MiB: use a smaller batch/)
  })

  it('says that the device is out of memory, and goes on where there is enough', async () => {
    const backend = await open()
    const { device } = backend
    const popped = device.popErrorScope.bind(device)
    device.popErrorScope = async () => ({ ...(await popped()), message: 'no more' }) as GPUError
    const value = hostTensor(new Float32Array(5000), [5000])
    await expect(backend.upload(value)).rejects.toThrow(/out of memory: 20000 bytes are allocated .* It says: no more/)
    device.popErrorScope = popped
    expect(backend.memory()).toEqual({ tensors: 0, bytes: 0, pooled: 0 })
    const t = await backend.upload(value)
    t.dispose()
  })

  it('refuses a tensor that no buffer of the device holds', async () => {
    const backend = await open()
    const program = trace(({ x }) => ({ y: add(x, transpose(x, [1, 0])) }), { x: f32(1 << 15, 1 << 15) })
    await expect(backend.compile(program)).rejects.toThrow(/a tensor of 4096\.0 MiB where a buffer of this device holds/)
  })

  it('says what the shader compiler says, and where', async () => {
    const backend = await open()
    const kernel = {
      label: 'a wrong kernel', bindings: [], workgroups: [1, 1, 1] as const,
      wgsl: '@compute @workgroup_size(1) fn main() {\n  let x = undeclared;\n}',
    }
    const device = { gpu: backend.device, check: () => undefined } as never
    const error = await pipelines(device)(kernel, []).catch((e: unknown) => e as Error)
    expect(error).toBeInstanceOf(DeviceError)
    const said = /'a wrong kernel' does not compile: error at 2:11: .*undeclared.*\n {2}let x = undeclared;/
    expect((error as Error).message).toMatch(said)
  })

  it('passes the contract without fusion too', async () => {
    const plain = await open({ fusion: false })
    for (const { run } of conformance(0)['the contract']) await run(plain, 1)
  })

  it('keeps values of scalars given as host tensors and numbers', async () => {
    const backend = await open()
    const program = trace(({ a, b }) => mul(a, b), { a: f32(), b: f32() })
    using executable = await backend.compile(program)
    const y = (await executable.run({ a: 3, b: hostTensor([0.5], []) })) as DeviceTensor
    expect([...(await backend.read(y)).data]).toEqual([1.5])
    y.dispose()
  })
})
