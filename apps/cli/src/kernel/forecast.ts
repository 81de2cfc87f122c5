/**
 * `--dry-run` of the kernel commands: the work itself is begun, timed for as long as its first units take, and left.
 * So the estimate holds for this model, these rows, this backend and this machine, and nothing is written.
 */
import type { Context } from '../context.ts'
import { duration } from '../progress/pace.ts'
import { memoryText } from './open.ts'

export interface Forecast {
  /** What is counted: columns, pairs, products. */
  readonly unit: string
  readonly units: number
  /** Of these, how many were done to measure. */
  readonly measured: number
  /** Loading the model is not in it. */
  readonly seconds: number
  /** The most memory that the process held while it was measured. */
  readonly memory_bytes: number
}

/** So long is measured after the first unit, which has the compiling in it, and at least one unit more. */
const LONG_ENOUGH_MS = 2_000

class Enough extends Error {}

/** What work takes that counts its units as it goes. Whatever the work throws. */
export async function forecast(
  unit: string,
  work: (progress: (done: number, total: number) => void) => Promise<unknown>,
  clock: () => number = () => performance.now(),
): Promise<Forecast> {
  const began = clock()
  let first: { readonly done: number; readonly at: number } | undefined
  let last: { readonly done: number; readonly total: number; readonly at: number } = { done: 0, total: 1, at: began }
  const progress = (done: number, total: number): void => {
    last = { done, total, at: clock() }
    if (done === 0) return
    first ??= last
    if (done > first.done && last.at - first.at >= LONG_ENOUGH_MS) throw new Enough()
  }
  const ended = await work(progress).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Enough) return false
      throw error
    },
  )
  // In KiB.
  const memory_bytes = process.resourceUsage().maxRSS * 1024
  const { total } = last
  if (ended) return { unit, units: total, measured: total, seconds: (clock() - began) / 1000, memory_bytes }
  const start = first ?? last
  const each = (last.at - start.at) / (last.done - start.done)
  const seconds = (last.at - began + (total - last.done) * each) / 1000
  return { unit, units: total, measured: last.done, seconds, memory_bytes }
}

const told = ({ unit, units, measured, seconds, memory_bytes }: Forecast): string =>
  `${units} ${unit}: ${duration(seconds * 1000)}${measured < units ? `, by the first ${measured}` : ''}; ${memoryText(memory_bytes)} of memory`

/** The end of a command that was asked with --dry-run. */
export function tellForecast(command: string, parts: readonly Forecast[], { output }: Context): void {
  output.result(
    command,
    {
      dryRun: true,
      seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
      memory_bytes: Math.max(...parts.map(({ memory_bytes }) => memory_bytes)),
      parts,
    },
    () => [...parts.map(told), 'nothing was written: --dry-run'].join('\n'),
  )
}
