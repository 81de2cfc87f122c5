/** What the demo would take, arm by arm (`--dry-run`). */
import { estimate, type Estimate } from '@ldyn/lab'
import { duration } from '../progress/pace.ts'
import { renderEstimate } from '../train/estimate.ts'
import type { ArmJob } from './run.ts'

export interface ArmEstimate extends Estimate {
  readonly name: string
}

/** Measures an update and an evaluation of every arm; writes nothing. */
export async function estimateArms(
  jobs: readonly ArmJob[],
  progress: (what: string) => void,
): Promise<readonly ArmEstimate[]> {
  const found: ArmEstimate[] = []
  for (const { arm, job } of jobs) {
    found.push({ name: arm.name, ...(await estimate(job, (what) => progress(`${arm.name}: ${what}`))) })
  }
  return found
}

export function renderEstimates(found: readonly ArmEstimate[]): string {
  const seconds = found.reduce((n, e) => n + e.seconds, 0)
  return [
    ...found.map((e) => `${e.name}\n${renderEstimate(e)}`),
    `both ${duration(seconds * 1000)}`,
  ].join('\n\n')
}
