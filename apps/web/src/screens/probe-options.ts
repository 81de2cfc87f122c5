// Probes to choose from, each with the beginning of its prompt.
import type { LiveData } from '../data/live-run.ts'

/** The prompt on one line. */
export const promptLine = (run: Pick<LiveData, 'probes'>, row: number): string =>
  run.probes?.rows[row]?.prompt.trim().replace(/\s+/g, ' ') ?? ''

/** Each row once, in the order in which they come first, with so many letters of its prompt. */
export const probeOptions = (
  run: Pick<LiveData, 'probes'>,
  rows: readonly number[],
  letters = 60,
): readonly (readonly [row: number, name: string])[] =>
  [...new Set(rows)].map(row => [row, `#${row} ${promptLine(run, row).slice(0, letters)}`])
