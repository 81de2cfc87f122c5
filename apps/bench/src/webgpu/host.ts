/**
 * What the host spends on a dispatch of our training step, beside the floor: the very same calls of WebGPU in a bare
 * loop. On the adapter, and on Dawn's null backend, which computes nothing: there the host has its caches to itself, as
 * beside a card, and submitting costs no driver's time.
 */
import { openOurs } from './ours.ts'
import type { Shape } from './model.ts'

/** Microseconds a dispatch, the least of all turns: recording, submitting, and the whole of the call. */
interface Spent { readonly record: number; readonly submit: number; readonly call: number }
interface HostTimes { readonly ours: Spent; readonly bare: Spent; readonly dispatches: number }

interface Call {
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly workgroups: [number, number?]
}

/** The dispatches that a run records. */
async function callsOf(run: () => Promise<number>): Promise<Call[]> {
  const pass = GPUComputePassEncoder.prototype
  const { setPipeline, setBindGroup, dispatchWorkgroups } = pass
  const calls: Call[] = []
  let [pipeline, group]: [GPUComputePipeline?, GPUBindGroup?] = []
  pass.setPipeline = function (given) {
    setPipeline.call(this, (pipeline = given))
  }
  pass.setBindGroup = function (this: GPUComputePassEncoder, index: number, given: GPUBindGroup) {
    const plain: (index: number, group: GPUBindGroup) => undefined = setBindGroup
    plain.call(this, index, (group = given))
  }
  pass.dispatchWorkgroups = function (x, y) {
    calls.push({ pipeline: pipeline!, group: group!, workgroups: [x, y] })
    if (y === undefined) dispatchWorkgroups.call(this, x)
    else dispatchWorkgroups.call(this, x, y)
  }
  await run()
  Object.assign(pass, { setPipeline, setBindGroup, dispatchWorkgroups })
  return calls
}

const now = (): number => performance.now() * 1000

function bareLoop(device: GPUDevice, calls: readonly Call[]): Spent {
  const began = now()
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  let last: GPUComputePipeline | undefined
  for (const { pipeline, group, workgroups: [x, y] } of calls) {
    if (pipeline !== last) pass.setPipeline((last = pipeline))
    pass.setBindGroup(0, group)
    if (y === undefined) pass.dispatchWorkgroups(x)
    else pass.dispatchWorkgroups(x, y)
  }
  pass.end()
  const commands = encoder.finish()
  const recorded = now()
  device.queue.submit([commands])
  const submitted = now()
  return { record: recorded - began, submit: submitted - recorded, call: submitted - began }
}

/** Turn by turn, after enough runs that all code is compiled and all bind groups are known. */
async function hostTimes(shape: Shape, dawn?: readonly string[]): Promise<HostTimes> {
  const side = await openOurs({ dawn })
  const job = await side.step(shape)
  for (let i = 0; i < 10; i++) await job.run()
  const calls = await callsOf(() => job.run())
  const [ours, bare]: [Spent[], Spent[]] = [[], []]
  for (let i = 0; i < 50; i++) {
    const began = now()
    const running = job.run()
    const call = now() - began
    await running
    ours.push({ record: job.stats.encodeMs * 1000, submit: job.stats.submitMs * 1000, call })
    bare.push(bareLoop(side.gpu, calls))
    await side.gpu.queue.onSubmittedWorkDone()
  }
  await side.close()
  const least = (of: readonly Spent[], part: keyof Spent): number => Math.min(...of.map((s) => s[part])) / calls.length
  const parts = (of: readonly Spent[]): Spent =>
    ({ record: least(of, 'record'), submit: least(of, 'submit'), call: least(of, 'call') })
  return { ours: parts(ours), bare: parts(bare), dispatches: calls.length }
}

/** The rows of a table: on the adapter, then where nothing is computed. */
export async function hostTable(shape: Shape): Promise<string> {
  const rows: string[] = []
  const nothing = ['backend=null', 'enable-dawn-features=allow_unsafe_apis']
  for (const [device, dawn] of [['the adapter', undefined], ["Dawn's null backend", nothing]] as const) {
    const { ours, bare, dispatches } = await hostTimes(shape, dawn)
    for (const [side, s] of [['ldyn', ours], ['the same calls, bare', bare]] as const)
      rows.push(`| ${[`${device}, ${dispatches}`, side, ...[s.record, s.submit, s.call].map((n) => n.toFixed(2))].join(' | ')} |`)
  }
  return `| step on, dispatches | side | µs to record | to submit | whole call |
|---|---|---|---|---|
${rows.join('\n')}
`
}
