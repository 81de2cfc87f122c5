/**
 * Decompositions of runs in long form: a line for every update, response and direction, and two for predicted and
 * actual.
 */
import { csvText, type LongTable } from '@ldyn/figures'
import { openRun, type Run } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { findRun } from '../commands/find-run.ts'
import { learnedType } from '@ldyn/figures/paper'

const HEADER = ['run', 'stage', 'step', 'rows', 'probe', 'type', 'direction', 'learned', 'change_nats']

/** The table of all runs. Throws CliError and RunError. */
export async function decomposedTable(words: readonly string[], runsDir: string): Promise<LongTable> {
  const runs: Run[] = []
  for (const word of words) runs.push(await openRun(directoryFiles(await findRun(word, runsDir))))
  return {
    head: HEADER,
    *rows() {
      for (const { manifest, decompositions } of runs)
        for (const { s, stage, rows, probes } of decompositions)
          for (const { row, type, actual, predicted, directions } of probes)
            for (const [name, change] of Object.entries({ actual, predicted, ...directions })) {
              const learned = name === 'actual' || name === 'predicted' ? '' : learnedType(name)
              yield [manifest.id, stage, s, rows.join(' '), row, type, name, learned, change]
            }
    },
  }
}

// A spreadsheet takes a leading = + - @ of a text for a formula.
const plain = (value: string | number): string | number =>
  typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value

/** Throws CliError and RunError. */
export async function decomposedCsv(words: readonly string[], runsDir: string): Promise<string> {
  const { head, rows } = await decomposedTable(words, runsDir)
  return csvText({
    head,
    *rows() {
      for (const row of rows()) yield row.map(plain)
    },
  })
}
