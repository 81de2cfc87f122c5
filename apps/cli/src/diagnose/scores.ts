/** Scores of probe rows from a file, one object a line: {"row": 3, "ches": -12.5, …}. */
import { readFile } from 'node:fs/promises'
import type { Scores } from '@ldyn/lab'
import { CliError } from '../contract/errors.ts'

/** Throws CliError LD3101 naming the line, and what reading the file throws. */
export async function readScores(path: string): Promise<Scores> {
  const scores = new Map<string, Map<number, number>>()
  const bad = (line: number, why: string): CliError =>
    new CliError({
      code: 'LD3101',
      what: 'a line of the scores cannot be used',
      where: `${path}:${line}`,
      why,
      fix: 'give one JSON object a line: {"row": 0, "<score>": <number>, …}',
    })
  const lines = (await readFile(path, 'utf8')).split('\n')
  lines.forEach((text, i) => {
    if (text.trim() === '') return
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      throw bad(i + 1, 'it is not JSON')
    }
    const { row, ...rest } = (typeof value === 'object' && value !== null ? value : {}) as Record<
      string,
      unknown
    >
    if (!Number.isSafeInteger(row) || (row as number) < 0)
      throw bad(i + 1, 'it has no "row", a whole number from 0')
    for (const [name, score] of Object.entries(rest)) {
      if (typeof score !== 'number' || !Number.isFinite(score)) continue
      const own = scores.get(name) ?? new Map<number, number>()
      scores.set(name, own.set(row as number, score))
    }
  })
  if (scores.size === 0) throw bad(1, 'no line has a score that is a number')
  return scores
}
