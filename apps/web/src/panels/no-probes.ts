// What is said where a run watches no probes. The log of another trainer has none, and no training here would change
// that: its checkpoints can still be asked.
import type { LiveData } from '../data/live-run.ts'
import { trainAgain, type Made } from './making.ts'
import type { Missing } from './panel.ts'

export const noProbes = (run: Pick<LiveData, 'manifest'> & Partial<Made>): Missing =>
  run.manifest.imported
    ? {
        what: 'The imported log follows no fixed set of responses. Checkpoints that its trainer saved can be asked for them.',
        command: 'ldyn observe --model <checkpoint…> --probe <probes.jsonl>',
      }
    : {
        what: 'This run watches no probes. Trained again, with the settings that it keeps, it can.',
        command: trainAgain({ events: [], stages: [], ...run }, 'probed', ['probe=<probes.jsonl>']),
      }
