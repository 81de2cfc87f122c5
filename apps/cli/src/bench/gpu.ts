/** What somebody with a card runs once: does the backend compute right there, and how fast. `ldyn bench gpu`. */
import { conformance, runConformance, type Outcome } from '@ldyn/testkit/suite'
import { openBackend } from '../backends.ts'
import type { Reporter } from '../progress/reporter.ts'

export interface ConformanceResult {
  readonly backend: string
  readonly device: string
  readonly version: string
  readonly passed: number
  readonly failed: readonly Outcome[]
  readonly skipped: readonly Outcome[]
  readonly seconds: number
}

/** Least milliseconds of square products on named cards, by our kernels' counts: what the timings compare with. */
export async function renderRoofline(sizes: readonly number[]): Promise<string[]> {
  const { leastTimes } = await import('./roofline.ts')
  const times = leastTimes(sizes, ['f32', 'f16'])
  const lines = ['', `least ms of a product at ${sizes.join(', ')} (f32; f16 on matrix units), by the makers' figures:`]
  for (const name of new Set(times.map(({ card }) => card))) {
    const of = (precision: string): string =>
      times
        .filter(({ card, precision: p }) => card === name && p === precision)
        .map(({ seconds }) => (seconds * 1000).toPrecision(3))
        .join(', ')
    lines.push(`  ${name}: ${of('f32')}; ${of('f16')}`)
  }
  return lines
}

/** The suite of @ldyn/testkit on one backend, with so many random programs. Throws where the backend is not here. */
export async function conformanceOf(
  name: string,
  programs: number,
  progress: Reporter,
): Promise<ConformanceResult> {
  await using backend = await openBackend(name)
  const from = performance.now()
  const outcomes: Outcome[] = []
  const total = Object.values(conformance(programs)).flat().length
  for await (const outcome of runConformance(backend, { programs })) {
    outcomes.push(outcome)
    progress.update({ task: `conformance of ${name}`, done: outcomes.length, total, unit: 'tests' })
  }
  const of = (result: Outcome['result']): Outcome[] => outcomes.filter((o) => o.result === result)
  return {
    backend: name,
    ...{ device: backend.capabilities.device, version: backend.capabilities.version },
    passed: of('passed').length,
    failed: of('failed'),
    skipped: of('skipped'),
    seconds: (performance.now() - from) / 1000,
  }
}
