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
import { hosted, mapped, own, WebgpuTensor, type Buffer, type Memory } from '../device/memory.ts'
import type { BoundKernel, Home, Plan, PlanBytes, PlanTimes, Port } from '../plan/plan.ts'
import type { Arenas } from './arenas.ts'
import type { Pipeline, Pipelines } from './pipelines.ts'

/** What is known of a program besides its nodes. */
export interface WebgpuStats extends CompileStats {
  /** Kernels a run dispatches, in one submit. */
  readonly dispatches: number
  /** Different pipelines among them. */
  readonly pipelines: number
  /** Planned bytes on the device, by purpose. */
  readonly plan: PlanBytes
  /** Milliseconds that the last run took the host: bind groups, encoding and submitting. */
  readonly encodeMs: number
}

export interface WebgpuExecutable extends Executable {
  readonly stats: WebgpuStats
}

interface Dispatch {
  readonly kernel: BoundKernel
  readonly pipeline: Pipeline
  /** Inputs and outputs that it binds: what its group depends on. */
  readonly moving: readonly Home[]
  readonly groups: Map<string, GPUBindGroup>
}

/** Of every binding whether it must be declared writable: where its buffer is written anywhere in the dispatch. */
export function writableOf({ kernel, at }: BoundKernel): boolean[] {
  const key = (h: Home): string => (h.kind === 'empty' ? 'empty' : `${h.kind}${h.index}`)
  const written = new Set(at.filter((_, i) => kernel.bindings[i].access === 'write').map(({ home }) => key(home)))
  return at.map(({ home }) => written.has(key(home)))
}

/** Groups kept for each dispatch: enough for the two sets of a training step, and a few strays. */
const KEPT = 8

interface Fed {
  readonly buffer: Buffer
  readonly tensor?: WebgpuTensor
}

export interface Machine {
  readonly memory: Memory
  readonly arenas: Arenas
  readonly pipelines: Pipelines
}

function feed(memory: Memory, { path, spec }: Port, given: RunInput | undefined): Fed {
  const name = `input '${path}'`
  if (given === undefined) throw new TraceError(`${name} (${show(spec)}) is missing`)
  if (typeof given === 'number') {
    if (sizeOf(spec.shape) !== 1)
      throw new TraceError(`${name} is a number where the program takes ${show(spec)}`)
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
  machine: Machine, program: Program, plan: Plan & PlanTimes, { donate }: CompileOptions,
  alive: () => void,
): Promise<WebgpuExecutable> {
  const { memory, arenas } = machine
  const { device } = memory
  const started = performance.now()
  const dispatches = await Promise.all(plan.kernels.map(async (kernel): Promise<Dispatch> => ({
    kernel,
    pipeline: await machine.pipelines.get(kernel.kernel, writableOf(kernel)),
    moving: kernel.at.map(({ home }) => home).filter(({ kind }) => kind === 'input' || kind === 'output'),
    groups: new Map(),
  })))
  const estimate = `, and this program was planned to take ${plan.bytes.total}`
  arenas.reserve(plan.arenas)
  const constants = plan.constants.map(({ spec, values }) => hosted(memory, 'a constant', { ...spec, data: values }))
  await memory.settled(estimate).catch((error: unknown) => {
    arenas.clear()
    for (const b of constants) memory.release(b)
    throw error
  })
  let encodeMs = 0
  const stats = {
    simplifyMs: plan.simplifyMs, lowerMs: plan.lowerMs, engineMs: performance.now() - started, nodes: plan.nodes,
    dispatches: dispatches.length, pipelines: new Set(dispatches.map((d) => d.pipeline)).size, plan: plan.bytes,
    bytes: plan.bytes.arenas + plan.bytes.constants,
    get encodeMs() {
      return encodeMs
    },
  }
  /** Of every output that owns its buffer: one that a donated input of the same path and size left behind. */
  const spares: (Buffer | undefined)[] = plan.owned.map(() => undefined)
  let closed = false

  function bufferOf(home: Home, inputs: readonly Fed[], outputs: readonly Buffer[]): Buffer {
    switch (home.kind) {
      case 'input': return inputs[home.index].buffer
      case 'constant': return constants[home.index]
      case 'output': return outputs[home.index]
      case 'arena': return arenas.buffers[home.index]
      case 'empty': throw new Error('a kernel binds an empty tensor')
    }
  }

  function groupOf(d: Dispatch, inputs: readonly Fed[], outputs: readonly Buffer[]): GPUBindGroup {
    const moving = d.moving.map((home) => bufferOf(home, inputs, outputs).id).join()
    const key = `${arenas.generation}:${moving}`
    const known = d.groups.get(key)
    if (known) return known
    if (d.groups.size >= KEPT) d.groups.clear()
    const group = device.gpu.createBindGroup({
      layout: d.pipeline.layout,
      entries: d.kernel.at.map(({ home, offset, bytes }, binding) => ({
        binding,
        resource: {
          buffer: bufferOf(home, inputs, outputs).gpu,
          offset: offset + (home.kind === 'arena' ? home.offset : 0),
          size: bytes,
        },
      })),
    })
    d.groups.set(key, group)
    return group
  }

  /** All groups of a run, by the buffers that it was given: steps that alternate between two sets find theirs. */
  const known = new Map<string, readonly GPUBindGroup[]>()
  function groupsOf(inputs: readonly Fed[], outputs: readonly Buffer[]): readonly GPUBindGroup[] {
    let key = `${arenas.generation}`
    for (const { buffer } of inputs) key += `,${buffer.id}`
    for (const { id } of outputs) key += `,${id}`
    const found = known.get(key)
    if (found) return found
    if (known.size >= KEPT) known.clear()
    const groups = dispatches.map((d) => groupOf(d, inputs, outputs))
    known.set(key, groups)
    return groups
  }

  /** Records and submits all of it, and a copy of `finite` where there is one. */
  function submit(inputs: readonly Fed[], outputs: readonly Buffer[], finite?: Buffer): GPUBuffer | undefined {
    const begun = performance.now()
    const encoder = device.gpu.createCommandEncoder()
    if (dispatches.length > 0) {
      const pass = encoder.beginComputePass()
      const groups = groupsOf(inputs, outputs)
      let last: Pipeline | undefined
      for (let i = 0; i < dispatches.length; i++) {
        const { pipeline, kernel } = dispatches[i]
        if (pipeline !== last) pass.setPipeline((last = pipeline).gpu)
        pass.setBindGroup(0, groups[i])
        const [x, y, z] = kernel.kernel.workgroups
        pass.dispatchWorkgroups(x, y, z)
      }
      pass.end()
    }
    const staging = finite && memory.takeStaging(16)
    if (staging) encoder.copyBufferToBuffer(finite.gpu, 0, staging, 0, 16)
    device.gpu.queue.submit([encoder.finish()])
    encodeMs = performance.now() - begun
    return staging
  }

  const finiteAt = plan.outputs.findIndex(
    ({ path, spec }) => path === 'finite' && spec.dtype === 'bool' && spec.shape.length === 0)

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
      const homeOf = (home: Home): Buffer =>
        home.kind === 'empty' ? memory.take(16) : memory.hold(bufferOf(home, inputs, outputs))
      const finite = finiteAt < 0 ? undefined : plan.outputs[finiteAt].home
      const staging = submit(inputs, outputs, finite && bufferOf(finite, inputs, outputs))
      if (staging) {
        const holds = new Uint32Array(await mapped(staging, device))[0] !== 0
        memory.returnStaging(staging)
        if (!holds) throw new NonFiniteError("the program's output 'finite' is false; donated inputs are unchanged")
      }
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
    const port = plan.outputs.find((o) => o.path === path)
    const slot = port?.home.kind === 'output' ? port.home.index : -1
    tensor.donate()
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
      for (const b of constants) memory.release(b)
      spares.forEach((b, i) => {
        if (b) memory.release(b)
        spares[i] = undefined
      })
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
