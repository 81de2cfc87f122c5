// A resumed run does some steps again. What it gets must be what is on file, bit for bit (contracts.md §5,
// "Crash"): otherwise the file would tell of two different runs.
import { RunError } from '../error.ts'
import { bodyOf } from '../decomposition.ts'
import type { Decomposition, DecompositionLine } from '../decomposition.ts'
import type { Probes } from '../probes.ts'
import type { Watched, WatchedLine } from '../watched.ts'

const differs = (where: string, why: string) => new RunError({
  code: 'differs', what: 'Cannot go on with the run', where, why,
  fix: 'Resume with the machine, data and options as before, or start a new run',
})

/** Throws `differs`, naming step and field, unless both hold the same numbers under the same names. */
export const compareScalars = (
  where: string, step: number, found: Readonly<Record<string, number>>, given: Readonly<Record<string, number>>,
): void => {
  for (const name of new Set([...Object.keys(found), ...Object.keys(given)])) {
    // JSON has no negative zero, so 0 and -0 are the same on file.
    if (found[name] === given[name]) continue
    const was = name in found ? `is ${found[name]}` : 'is not there'
    const now = name in given ? `gave ${given[name]}` : 'did not give it'
    throw differs(`${where}, step ${step}, field "${name}"`, `on file it ${was}, and doing the step again ${now}`)
  }
}

/** Throws `differs` unless the line on file holds the same decomposition. */
export const compareDecompositions = (where: string, found: DecompositionLine, given: Decomposition): void =>
  compareBodies(where, bodyOf(found), given)

/** Throws `differs` unless the line on file holds the same distributions. */
export const compareWatched = (where: string, { positions }: WatchedLine, given: Watched): void =>
  compareBodies(where, positions, given.positions)

const compareBodies = (where: string, found: unknown, given: unknown): void => {
  const [was, now] = [found, given].map(body => JSON.stringify(body))
  if (was === now) return
  const at = [...was].findIndex((letter, i) => letter !== now[i])
  throw differs(where, `on file it goes on with ${was.slice(at, at + 40)}, and doing the step again gave ${now.slice(at, at + 40)}`)
}

/** Throws `differs`, naming step, metric and column, unless both rows have the same bits. */
export const compareRows = (
  where: string, step: number, metric: string, found: Uint8Array, given: Uint8Array, columnName: (i: number) => string,
): void => {
  const wrong = found.findIndex((byte, i) => byte !== given[i])
  if (wrong < 0) return
  const column = Math.floor(wrong / 4)
  const at = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getFloat32(column * 4, true)
  throw differs(`${where}, step ${step}, field "${metric}", ${columnName(column)}`,
    `on file it is ${at(found)}, and doing the step again gave ${at(given)}`)
}

export const missingStep = (where: string, step: number, stage: string, last: number): RunError => differs(
  `${where}, step ${step}, stage "${stage}"`, `it is not on file although step ${last} is`)

/** Names a probe column for a message: "probe row 3, chosen". */
export const probeColumnName = (probes: Probes) => (i: number): string => {
  const column = probes.columns[i]
  return `probe row ${column.row}, ${column.type}`
}

/** Names a place of a token row for a message: "probe row 3, chosen, token 5". */
export const probeTokenName = (probes: Probes) => (i: number): string => {
  const at = probes.columns.findLastIndex(({ offset, tokens }) => offset <= i && tokens > 0)
  return `${probeColumnName(probes)(at)}, token ${i - probes.columns[at].offset}`
}
