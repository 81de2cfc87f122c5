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
