/**
 * Our WebGPU backend beside jax-js and TensorFlow.js, on the same Dawn adapter in one process, turn by turn: products,
 * a transformer block forward and backward, a training step. stdout is one table of times, ratios, dispatches and host
 * microseconds a dispatch; a second one, what of the latter is Dawn's own. The exit code is 1 where the sides disagree
 * by more than 1e-3 or ours is behind.
 *
 *   node dist/webgpu/main.js [--repeat 3] [--sizes 256,512,1024] [--only matmul,block,step]
 */
import { useVulkan } from '@ldyn/software-gpu'
import { parseArgs } from 'node:util'
import { create, globals } from 'webgpu'
import { type Job, type Shape, type Side } from './model.ts'

const { values: options } = parseArgs({
  options: {
    repeat: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '256,512,1024' },
    only: { type: 'string', default: 'matmul,block,step' },
  },
})
const say = (text: string): boolean => process.stderr.write(`${text}\n`)
const reason = useVulkan()
if (reason) say(`No software Vulkan: ${reason}. A card's own driver is tried.`)

// The peers look for a browser's globals. Dispatches are counted where all of them pass.
Object.assign(globalThis, globals)
const gpu = create(['enable-dawn-features=allow_unsafe_apis'])
Object.defineProperty(globalThis, 'navigator', {
  value: { gpu, userAgent: 'Node.js', hardwareConcurrency: 1 }, configurable: true,
})
const counts = { dispatches: 0, submits: 0 }
const counting = (prototype: object, name: string, what: keyof typeof counts): void => {
  const own = prototype as Record<string, (...given: unknown[]) => unknown>
  const plain = own[name]
  own[name] = function (...given) {
    counts[what]++
    return plain.apply(this, given)
  }
}
counting(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches')
counting(GPUQueue.prototype, 'submit', 'submits')

interface Result {
  readonly seconds: number
  /** Of all threads: on a software adapter it is the work itself, and other processes disturb it little. */
  readonly cpuSeconds: number
  readonly value: number
  readonly dispatches: number
  readonly submits: number
  /** Until the call gave its thread back, a dispatch: planning, recording, submitting. */
  readonly hostMicros: number
}

/** Least of each time, of several runs of the same work. */
const faster = (a: Result, b: Result): Result => ({
  ...b,
  seconds: Math.min(a.seconds, b.seconds),
  cpuSeconds: Math.min(a.cpuSeconds, b.cpuSeconds),
  hostMicros: Math.min(a.hostMicros, b.hostMicros),
})

async function timed(job: Job): Promise<Result> {
  Object.assign(counts, { dispatches: 0, submits: 0 })
  const cpu = process.cpuUsage()
  const began = performance.now()
  const running = job.run()
  const host = performance.now() - began
  const value = await running
  const seconds = (performance.now() - began) / 1000
  const used = process.cpuUsage(cpu)
  const cpuSeconds = (used.user + used.system) / 1e6
  const { dispatches, submits } = counts
  const hostMicros = (host * 1000) / Math.max(1, dispatches)
  return { seconds, cpuSeconds, value, dispatches, submits, hostMicros }
}

const SMALL: Shape = { length: 64, width: 128, heads: 4, layers: 2, vocabulary: 512 }
const { openOurs } = await import('./ours.ts')
const { hostTable } = await import('./host.ts')
const ours = await openOurs()
const sides: Side[] = [ours]
const peers = [async () => (await import('./jax.ts')).openJax(), async () => (await import('./tfjs.ts')).openTfjs()]
for (const open of peers) {
  try {
    sides.push(await open())
  } catch (error) {
    say(`A peer does not start: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const work: { readonly name: string; open(side: Side): Promise<Job> }[] = [
  ...options.sizes.split(',').map(Number).map((n) => ({ name: `matmul ${n}`, open: (side: Side) => side.matmul(n) })),
  { name: 'block', open: (side: Side) => side.block({ ...SMALL, layers: 1 }) },
  { name: 'step', open: (side: Side) => side.step(SMALL) },
].filter(({ name }) => options.only.split(',').includes(name.split(' ')[0]))

const rows: string[] = []
let wrong = 0
for (const { name, open } of work) {
  const best = new Map<string, Result>()
  const jobs: [string, Job][] = []
  for (const side of sides) {
    try {
      const job = await open(side)
      const { value } = await timed(job)
      say(`${name}: ${side.name} gives ${value}`)
      jobs.push([side.name, job])
    } catch (error) {
      say(`${name}: ${side.name} fails: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
    }
  }
  for (let i = 0; i < Number(options.repeat); i++)
    for (const [side, job] of jobs) {
      const result = await timed(job)
      const known = best.get(side)
      best.set(side, known ? faster(known, result) : result)
    }
  const mine = best.get(ours.name)
  for (const [side, r] of best) {
    const ratio = mine ? r.seconds / mine.seconds : NaN
    if (side !== ours.name && mine) {
      if (ratio < 1) wrong++
      if (Math.abs(r.value - mine.value) > 1e-3 * Math.max(1, Math.abs(mine.value))) {
        wrong++
        say(`${name}: ${side} gives ${r.value}, ldyn ${mine.value}`)
      }
    }
    const times = side === ours.name ? '' : `${ratio.toFixed(2)} ×`
    const cpuRatio = side === ours.name || !mine ? '' : `${(r.cpuSeconds / mine.cpuSeconds).toFixed(2)} ×`
    rows.push(`| ${name} | ${side} | ${(r.seconds * 1000).toFixed(1)} | ${times} | ${(r.cpuSeconds * 1000).toFixed(1)} | ${cpuRatio} | ${r.dispatches} | ${r.submits} | ${r.hostMicros.toFixed(1)} |`)
  }
}
process.stdout.write(`On ${ours.device}; fastest of ${options.repeat}, turn by turn; block and step: ${JSON.stringify(SMALL)}.

| work | side | ms | ldyn is faster by | CPU ms | by CPU | dispatches | submits | host µs a dispatch |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`)
if (options.only.includes('step')) process.stdout.write(`\n${await hostTable(SMALL)}`)
await ours.close()
process.exit(wrong === 0 ? 0 : 1)
