/** Decompositions of runs as CSV: a line for every update, response and direction, and two for predicted and actual. */
import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { findRun } from '../commands/find-run.ts'
import { learnedType } from './influence.ts'

const HEADER = ['run', 'stage', 'step', 'rows', 'probe', 'type', 'direction', 'learned', 'change_nats']

/** Quoted where a comma, a quote or a line end asks for it; a leading = + - @ of a text is no formula. */
const cell = (value: string | number): string => {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Throws CliError and RunError. */
export async function decomposedCsv(words: readonly string[], runsDir: string): Promise<string> {
  const lines = [HEADER.join(',')]
  for (const word of words) {
    const run = await openRun(directoryFiles(await findRun(word, runsDir)))
    for (const { s, stage, rows, probes } of run.decompositions)
      for (const { row, type, actual, predicted, directions } of probes)
        for (const [name, change] of Object.entries({ actual, predicted, ...directions })) {
          const learned = name === 'actual' || name === 'predicted' ? '' : learnedType(name)
          lines.push(
            [run.manifest.id, stage, s, rows.join(' '), row, type, name, learned, change].map(cell).join(','),
          )
        }
  }
  return `${lines.join('\n')}\n`
}
