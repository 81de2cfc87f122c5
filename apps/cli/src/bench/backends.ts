/** Several backends at the same work, one after the other in one run: `ldyn bench backends`. */
import { openBackend } from '../backends.ts'
import { CliError, explain } from '../contract/errors.ts'
import type { Reporter } from '../progress/reporter.ts'
import { timeMatmul, timeStep, type MatmulTiming, type StepSize, type StepTiming } from './jobs.ts'
import type { ShapeName } from './shapes.ts'

export interface BenchRequest {
  readonly backends: readonly string[]
  readonly threads?: number
  readonly sizes: readonly number[]
  readonly shapes: readonly ShapeName[]
  readonly step: StepSize
  readonly repeat: number
  readonly progress: Reporter
  /** Says what each job gave as soon as it is done: what is cut short has said something. */
  readonly note?: (text: string) => void
}

export interface BackendTimings {
  readonly backend: string
  readonly device?: string
  readonly version?: string
  /** Until it is ready to compile. */
  readonly openMs?: number
  readonly matmuls: readonly MatmulTiming[]
  readonly steps: readonly StepTiming[]
  /** What could not be done, and why. */
  readonly failures: readonly { readonly job: string; readonly why: string }[]
}

/** A backend that is not here is in the result with the reason. */
export async function timeBackends(request: BenchRequest): Promise<BackendTimings[]> {
  const { backends, sizes, shapes, progress } = request
  const total = backends.length * (sizes.length + shapes.length)
  const results: BackendTimings[] = []
  let done = 0
  for (const name of backends) {
    const timed = await timeBackend(name, request, () =>
      progress.update({ task: name, done: done++, total, unit: 'jobs' }),
    )
    done = (results.length + 1) * (sizes.length + shapes.length)
    results.push(timed)
  }
  return results
}

async function timeBackend(
  name: string,
  { threads, sizes, shapes, step, repeat, note = () => {} }: BenchRequest,
  next: () => void,
): Promise<BackendTimings> {
  const matmuls: MatmulTiming[] = []
  const steps: StepTiming[] = []
  const failures: { job: string; why: string }[] = []
  const from = performance.now()
  try {
    await using backend = await openBackend(name, { threads })
    const openMs = performance.now() - from
    const attempt = async (job: string, work: () => Promise<string>): Promise<void> => {
      next()
      try {
        note(`${name}, ${job}: ${await work()}`)
      } catch (error) {
        failures.push({ job, why: reason(error) })
      }
    }
    for (const n of sizes)
      await attempt(`matmul ${n}`, async () => {
        const timing = await timeMatmul(backend, n, repeat)
        matmuls.push(timing)
        return `${timing.gflops.toFixed(1)} GFLOP/s`
      })
    for (const shape of shapes)
      await attempt(`step ${shape}`, async () => {
        const timing = await timeStep(backend, shape, step, repeat)
        steps.push(timing)
        return `${timing.ms.toFixed(1)} ms, compiled in ${timing.compileMs.toFixed(0)} ms`
      })
    const { device, version } = backend.capabilities
    return { backend: name, device, version, openMs, matmuls, steps, failures }
  } catch (error) {
    if (!(error instanceof CliError && error.code === 'LD5001') || error.what.startsWith('there is no')) throw error
    return { backend: name, matmuls, steps, failures: [{ job: 'open', why: error.why }] }
  }
}

const reason = (error: unknown): string => {
  const known = explain(error)
  if (!known) throw error
  return known.why || known.what
}
