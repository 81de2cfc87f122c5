// A file shows runs that lie elsewhere, and says neither where nor with which data: the lines that make more of them
// (panels/making.ts) have places to fill in here, and a viewer of the run itself writes them out.
import type { Command, Made } from '../../panels/making.ts'

export const commandText = (command: Command, root: string): string =>
  typeof command === 'string' ? command : command(root)

const kernel =
  (kind: string) =>
  (_run: Made): Command =>
    `ldyn kernel ${kind} --model <checkpoint> ${
      /gram|norm/.test(kind) ? '--probe <probes.jsonl>' : '--update <prefs.jsonl>#0 --observe <prefs.jsonl>#1'
    } --out <run>`

export const gramCommand = kernel('gram')
export const normCommand = kernel('norm')
export const blockCommand = kernel('block')
export const tokensCommand = kernel('tokens')
export const screenCommand = (_run: Made): Command => 'ldyn kernel screen --model <model> --data <prefs.jsonl> --run <run>'
export const driftCommand = (_run: Made): undefined => undefined
export const resumeCommand = (_run: Made): Command => 'ldyn train --out <run> --resume'
export const hasCheckpoint = (_run: Made): boolean => false
/** This and the next are asked of runs that have a checkpoint alone, and a file knows of none. */
export const observeAfter = (_run: Made): Command => ''
export const explainAfter = observeAfter

export const trainAgain = (
  { manifest }: Made,
  name: string,
  settings: readonly string[],
): Command | undefined =>
  manifest.imported
    ? undefined
    : `ldyn train --config <run>/run.json --out <run>-${name} ${settings.map(one => `--set ${one}`).join(' ')}`
