// What is said where a run watches no probes. The log of another trainer has none, and no training here would change
// that: its checkpoints can still be asked.
import type { LiveData } from '../data/live-run.ts'
import type { Missing } from './panel.ts'

export const noProbes = ({ manifest }: Pick<LiveData, 'manifest'>): Missing =>
  manifest.imported
    ? {
        what: 'The imported log follows no fixed set of responses. Checkpoints that its trainer saved can be asked for them.',
        command: 'ldyn observe --model <checkpoint…> --probe probes.jsonl',
      }
    : { what: 'This run watches no probes.', command: 'ldyn train … --probe probes.jsonl' }
