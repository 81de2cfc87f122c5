/**
 * A plan on a device: pipelines and bind groups made once, every run one command buffer and one submit.
 *
 * Bind groups that touch only arenas and constants are made once; those of inputs and outputs are kept by the buffers
 * that they bind. Donated buffers become the outputs of the run after the next, path by path, so that two sets
 * alternate and their groups are soon all known. Nothing of a donated input is overwritten before its run's `finite`
 * was read: outputs are always other buffers than inputs.
 */
import {
  DeviceError, leaves, matches, NonFiniteError, sameShape, show, sizeOf, TraceError, unflatten,
  type CompileOptions, type CompileStats, type DeviceTensor, type Executable, type Program, type RunInput, type Tree,
} from '@ldyn/tensor'
import { hosted, own, WebgpuTensor, type Buffer, type Memory } from '../device/memory.ts'
import type { BoundKernel, Home, Plan, PlanBytes, Port } from '../plan/plan.ts'
import type { Pipeline, Pipelines } from './pipelines.ts'

/** What is known of a program besides its nodes. */
export interface WebgpuStats extends CompileStats {
  /** Kernels a run dispatches, in one submit, and different pipelines among them. */
  readonly dispatches: number
  readonly pipelines: number
  /** Planned bytes on the device, by purpose. */
  readonly plan: PlanBytes
  /** Milliseconds that the last run took the host: bind groups, encoding and submitting. */
  readonly encodeMs: number
}

export interface WebgpuExecutable extends Executable { readonly stats: WebgpuStats }

/** `moving`: inputs and outputs that it binds, on which its group depends. */
interface Dispatch extends BoundKernel {
  readonly pipeline: Pipeline; readonly moving: readonly Home[]; readonly groups: Map<string, GPUBindGroup>
}

/** Groups kept for each dispatch: enough for the two sets of a training step, and a few strays. */
const KEPT = 8

/** What `cache` has under this key, else made and kept, with no more than KEPT others. */
function cached<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const known = cache.get(key)
  if (known) return known
  if (cache.size >= KEPT) cache.clear()
  const made = make()
  cache.set(key, made)
  return made
}

/** Of every binding whether it must be declared writable: where its buffer is written anywhere in the dispatch. */
function writableOf({ kernel, at }: BoundKernel): boolean[] {
  const key = (h: Home): string => (h.kind === 'empty' ? 'empty' : `${h.kind}${h.index}`)
  const written = new Set(at.filter((_, i) => kernel.bindings[i].access === 'write').map(({ home }) => key(home)))
  return at.map(({ home }) => written.has(key(home)))
}

interface Fed { readonly buffer: Buffer; readonly tensor?: WebgpuTensor }

/** The buffer of a run's input, held for the run. Throws TraceError where it is not what the program takes. */
function feed(memory: Memory, { path, spec }: Port, given: RunInput | undefined): Fed {
  const name = `input '${path}'`
  if (given === undefined) throw new TraceError(`${name} (${show(spec)}) is missing`)
  if (typeof given === 'number') {
    if (sizeOf(spec.shape) !== 1) throw new TraceError(`${name} is a number where the program takes ${show(spec)}`)
    const data = Float64Array.of(spec.dtype === 'i32' ? Math.trunc(given) : given)
    return { buffer: hosted(memory, name, { ...spec, data }) }
  }
  if (given.dtype !== spec.dtype || !sameShape(given.shape, spec.shape))
    throw new TraceError(`${name} is ${show(given)} where the program takes ${show(spec)}`)
  if (!('alive' in given)) return { buffer: hosted(memory, name, given) }
  const tensor = own(memory, given, name)
  return { buffer: memory.hold(tensor.buffer), tensor }
}

export async function executable(
  memory: Memory, pipelines: Pipelines, program: Program, plan: Plan, { donate }: CompileOptions, alive: () => void,
): Promise<WebgpuExecutable> {
  const { device } = memory
  const started = performance.now()
  const dispatches = await Promise.all(plan.kernels.map(async (bound): Promise<Dispatch> => ({
    ...bound,
    pipeline: await pipelines.get(bound.kernel, writableOf(bound)),
    moving: bound.at.map(({ home }) => home).filter(({ kind }) => kind === 'input' || kind === 'output'),
    groups: new Map(),
  })))
  const estimate = `, and this program was planned to take ${plan.bytes.total}`
  memory.reserve(plan.arenas)
  const constants = plan.constants.map(({ spec, values }) => hosted(memory, 'a constant', { ...spec, data: values }))
  await memory.settled(estimate).catch((error: unknown) => {
    memory.clearArenas()
    for (const b of constants) memory.release(b)
    throw error
  })
  const stats = {
    simplifyMs: plan.simplifyMs, lowerMs: plan.lowerMs, engineMs: performance.now() - started, nodes: plan.nodes,
    dispatches: dispatches.length, pipelines: new Set(dispatches.map((d) => d.pipeline)).size, plan: plan.bytes,
    bytes: plan.bytes.arenas + plan.bytes.constants, encodeMs: 0,
  }
  /** Of every output that owns its buffer: one that a donated input of the same path and size left behind. */
  const spares: (Buffer | undefined)[] = plan.owned.map(() => undefined)
  /** All groups of a run, by the buffers that it was given: steps that alternate between two sets find theirs. */
  const known = new Map<string, readonly GPUBindGroup[]>()
  const finite = plan.outputs.find(
    ({ path, spec }) => path === 'finite' && spec.dtype === 'bool' && spec.shape.length === 0)
  let closed = false

  function bufferOf(home: Home, inputs: readonly Fed[], outputs: readonly Buffer[]): Buffer {
    switch (home.kind) {
      case 'input': return inputs[home.index].buffer
      case 'constant': return constants[home.index]
      case 'output': return outputs[home.index]
      case 'arena': return memory.arenas[home.index]
      case 'empty': throw new Error('a kernel binds an empty tensor')
    }
  }

  function groupOf({ at, groups, moving, pipeline }: Dispatch, inputs: readonly Fed[], outputs: readonly Buffer[]) {
    const key = `${memory.generation}:${moving.map((home) => bufferOf(home, inputs, outputs).id).join()}`
    const entry = ({ home, offset, bytes }: BoundKernel['at'][number], binding: number): GPUBindGroupEntry => ({
      binding, resource: { buffer: bufferOf(home, inputs, outputs).gpu, offset, size: bytes },
    })
    return cached(groups, key, () => device.gpu.createBindGroup({ layout: pipeline.layout, entries: at.map(entry) }))
  }

  function groupsOf(inputs: readonly Fed[], outputs: readonly Buffer[]): readonly GPUBindGroup[] {
    let key = `${memory.generation}`
    for (const { buffer } of inputs) key += `,${buffer.id}`
    for (const { id } of outputs) key += `,${id}`
    return cached(known, key, () => dispatches.map((d) => groupOf(d, inputs, outputs)))
  }

  /** Records and submits all of it, and a copy of `finite` where there is one. */
  function submit(inputs: readonly Fed[], outputs: readonly Buffer[]): GPUBuffer | undefined {
    const begun = performance.now()
    const encoder = device.gpu.createCommandEncoder()
    if (dispatches.length > 0) {
      const pass = encoder.beginComputePass()
      const groups = groupsOf(inputs, outputs)
      let last: Pipeline | undefined
      for (let i = 0; i < dispatches.length; i++) {
        const { pipeline, kernel: { workgroups: [x, y, z] } } = dispatches[i]
        if (pipeline !== last) pass.setPipeline((last = pipeline).gpu)
        pass.setBindGroup(0, groups[i])
        pass.dispatchWorkgroups(x, y, z)
      }
      pass.end()
    }
    const staging = finite && memory.takeStaging(16)
    if (staging) encoder.copyBufferToBuffer(bufferOf(finite.home, inputs, outputs).gpu, 0, staging, 0, 16)
    device.gpu.queue.submit([encoder.finish()])
    stats.encodeMs = performance.now() - begun
    return staging
  }

  async function runOnce(given: Tree<RunInput>): Promise<Tree<DeviceTensor>> {
    const byPath = new Map(leaves(given).map(({ path, value }) => [path, value]))
    const inputs: Fed[] = []
    const outputs: Buffer[] = []
    try {
      for (const port of plan.inputs) inputs.push(feed(memory, port, byPath.get(port.path)))
      plan.owned.forEach((bytes, i) => {
        outputs.push(spares[i] ?? memory.take(bytes))
        spares[i] = undefined
      })
      await memory.settled(estimate)
      device.check()
      const staging = submit(inputs, outputs)
      if (staging) {
        const holds = new Uint32Array(await memory.mapped(staging))[0] !== 0
        memory.returnStaging(staging)
        if (!holds) throw new NonFiniteError("the program's output 'finite' is false; donated inputs are unchanged")
      }
      const homeOf = (home: Home): Buffer =>
        home.kind === 'empty' ? memory.take(16) : memory.hold(bufferOf(home, inputs, outputs))
      const result = unflatten(plan.outputs.map(({ path, spec, home }) =>
        ({ path, value: new WebgpuTensor(memory, spec, homeOf(home)) as DeviceTensor })))
      if (donate !== undefined) plan.inputs.forEach(({ path }, i) => matches(donate, path) && consume(path, inputs[i]))
      return result
    } finally {
      for (const { buffer } of inputs) memory.release(buffer)
      for (const buffer of outputs) memory.release(buffer)
    }
  }

  /** A donated input's buffer, if nobody else holds it, waits for the next run's output of the same path. */
  function consume(path: string, { tensor }: Fed): void {
    if (!tensor?.alive) return
    const { buffer } = tensor
    const home = plan.outputs.find((o) => o.path === path)?.home
    const slot = home?.kind === 'output' ? home.index : -1
    tensor.end('donated to a run')
    // Two holders are left: what was the tensor's, and this run's.
    if (!closed && slot >= 0 && plan.owned[slot] === buffer.bytes && !spares[slot] && buffer.holders === 2)
      spares[slot] = buffer
    else memory.release(buffer)
  }

  const running = new Set<Promise<unknown>>()
  const close = (): void => {
    if (closed) return
    closed = true
    void Promise.allSettled([...running]).then(() => {
      for (const b of [...constants, ...spares.splice(0)]) if (b) memory.release(b)
    })
  }
  return {
    program,
    stats,
    async run(inputs) {
      alive()
      if (closed) throw new DeviceError('the executable was disposed of')
      const run = runOnce(inputs)
      running.add(run)
      const done = (): void => void running.delete(run)
      run.then(done, done)
      return run
    },
    dispose: close,
    [Symbol.dispose]: close,
  }
}
