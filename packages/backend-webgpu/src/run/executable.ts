/**
 * A plan on a device: pipelines and bind groups made once, every run one command buffer and one submit.
 *
 * Bind groups are kept for the sets of buffers that the last runs had: what binds none but arenas, constants and
 * weights finds its group in any of them. A donated buffer becomes the output of the same path in the run after, so
 * that a training alternates between two sets and soon makes no group any more. Nothing of a donated input is
 * overwritten before its run's `finite` was read: outputs are always other buffers than inputs.
 */
import { finiteOf, type Compiled, type CompileStats, type Executable } from '@ldyn/tensor'
import type { Buffer, Memory } from '../device/memory.ts'
import type { BoundKernel, Plan, PlanBytes } from '../plan/plan.ts'
import type { Pipeline, Pipelines } from './pipelines.ts'

/** What is known of a program besides its nodes. */
export interface WebgpuStats extends CompileStats {
  /** Kernels a run dispatches, in one submit, and different pipelines among them. */
  readonly dispatches: number; readonly pipelines: number
  /** Planned bytes on the device, by purpose. */
  readonly plan: PlanBytes
  /** Milliseconds that the last run took the host to record its commands, and to submit them. */
  readonly encodeMs: number; readonly submitMs: number
}

export interface WebgpuExecutable extends Executable { readonly stats: WebgpuStats }
interface Dispatch extends BoundKernel { readonly pipeline: Pipeline }

/** The groups of all dispatches over one set of buffers. */
interface Bound { readonly buffers: readonly Buffer[]; readonly groups: readonly GPUBindGroup[] }

/** Sets that are kept: enough for the two of a training step, and a few strays. */
const KEPT = 8

/** Of every binding whether it must be declared writable: where its buffer is written anywhere in the dispatch. */
function writableOf({ kernel, at }: BoundKernel): boolean[] {
  const written = new Set(at.filter((_, i) => kernel.bindings[i].access === 'write').map(({ buffer }) => buffer))
  return at.map(({ buffer }) => written.has(buffer))
}

/** Compiles the plan's kernels and puts its constants on the device. */
export async function executable(
  memory: Memory, pipelines: Pipelines, plan: Plan,
): Promise<Compiled<Buffer, WebgpuStats>> {
  const { device } = memory
  const { queue } = device.gpu
  const started = performance.now()
  const dispatches = await Promise.all(plan.kernels.map(async (bound): Promise<Dispatch> =>
    ({ ...bound, pipeline: await pipelines(bound.kernel, writableOf(bound)) })))
  const estimate = `, and this program was planned to take ${plan.bytes.total}`
  memory.reserve(plan.arenas, plan.bytes.outputs)
  const constants = plan.constants.map((value) => memory.put(value))
  await memory.settled(estimate).catch((error: unknown) => {
    memory.clearArenas()
    for (const b of constants) memory.release(b)
    throw error
  })
  const stats = {
    simplifyMs: plan.simplifyMs, lowerMs: plan.lowerMs, engineMs: performance.now() - started, nodes: plan.nodes,
    dispatches: dispatches.length, pipelines: new Set(dispatches.map((d) => d.pipeline)).size, plan: plan.bytes,
    bytes: plan.bytes.arenas + plan.bytes.constants, encodeMs: 0, submitMs: 0,
  }
  const finite = finiteOf(plan.outputs)
  const sets: Bound[] = []
  /** Of every output that owns its buffer: the input of the same path, and the buffer that it had in the run before. */
  const partners = plan.owned.map((_, i) => {
    const output = plan.outputs.find(({ buffer }) => buffer === plan.inputs.length + i)!
    return plan.inputs.findIndex(({ path }) => path === output.path)
  })
  let before: readonly Buffer[] = []
  // Those that have a buffer to return to choose first.
  const order = partners.map((_, i) => i).sort((a, b) => partners[b] - partners[a])

  function groupsOf(buffers: readonly Buffer[]): readonly GPUBindGroup[] {
    const known = sets.find((set) => set.buffers.every((b, i) => b === buffers[i]))
    if (known) return known.groups
    const groups = dispatches.map(({ at, pipeline: { layout } }, d) => {
      const same = sets.find((set) => at.every(({ buffer }) => set.buffers[buffer] === buffers[buffer]))
      return same?.groups[d] ?? device.gpu.createBindGroup({
        layout,
        entries: at.map(({ buffer, offset, bytes: size }, binding) =>
          ({ binding, resource: { buffer: buffers[buffer].gpu, offset, size } })),
      })
    })
    sets.unshift({ buffers, groups })
    sets.splice(KEPT)
    return groups
  }

  /** Records and submits all of it, and a copy of `finite` where there is one. */
  function submit(buffers: readonly Buffer[]): (() => Promise<ArrayBuffer>) | undefined {
    const begun = performance.now()
    const encoder = device.gpu.createCommandEncoder()
    if (dispatches.length > 0) {
      const groups = groupsOf(buffers)
      const pass = encoder.beginComputePass()
      let last: Pipeline | undefined
      for (let i = 0; i < dispatches.length; i++) {
        const { pipeline, kernel: { workgroups: [x, y] } } = dispatches[i]
        if (pipeline !== last) pass.setPipeline((last = pipeline).gpu)
        pass.setBindGroup(0, groups[i])
        pass.dispatchWorkgroups(x, y)
      }
      pass.end()
    }
    const holds = finite < 0 ? undefined : memory.copied(encoder, buffers[plan.outputs[finite].buffer], 16)
    const commands = encoder.finish()
    const recorded = performance.now()
    queue.submit([commands])
    Object.assign(stats, { encodeMs: recorded - begun, submitMs: performance.now() - recorded })
    return holds
  }

  return {
    inputs: plan.inputs, outputs: plan.outputs, stats,
    async run(inputs) {
      const outputs: Buffer[] = []
      for (const b of inputs) memory.hold(b)
      try {
        for (const i of order) outputs[i] = memory.take(plan.owned[i], before[partners[i]])
        if (memory.doubtful) await memory.settled(estimate)
        device.check()
        const buffers = [...inputs, ...outputs, ...memory.arenas.slice(0, plan.arenas.length), ...constants]
        const holds = submit(buffers)
        if (holds && new Uint32Array(await holds())[0] === 0) return undefined
        before = inputs
        return plan.outputs.map(({ buffer }) => (buffer < 0 ? memory.take(16) : memory.hold(buffers[buffer])))
      } finally {
        for (const b of inputs) memory.release(b)
        for (const b of outputs) if (b) memory.release(b)
      }
    },
    release: () => constants.forEach((b) => memory.release(b)),
  }
}
