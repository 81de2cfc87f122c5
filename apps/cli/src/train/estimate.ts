/** What `ldyn train --dry-run` prints. */
import type { Estimate } from '@ldyn/lab'
import { duration } from '../progress/pace.ts'

const size = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`

export function renderEstimate(e: Estimate): string {
  const stages = e.stages.map(
    (s) =>
      `${s.name.padEnd(12)} ${s.updates} updates, ${s.tokens} tokens, ${(100 * s.padding).toFixed(0)}% padding, ` +
      `${s.secondsPerUpdate.toFixed(2)} s an update, ${duration(s.seconds * 1000)}`,
  )
  return [
    ...stages,
    `${'probes'.padEnd(12)} ${e.evaluations} evaluations of ${e.probeTokens} tokens, ${e.secondsPerEvaluation.toFixed(2)} s each`,
    `${'checkpoints'.padEnd(12)} ${e.checkpoints} written`,
    `${'compiling'.padEnd(12)} ${e.compileSeconds.toFixed(1)} s`,
    `${'in all'.padEnd(12)} ${e.steps} updates, ${duration(e.seconds * 1000)}, ${size(e.memoryBytes)} of memory, ${size(e.diskBytes)} on disk`,
  ].join('\n')
}
