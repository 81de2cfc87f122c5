// What is written, as bytes: lines and documents of JSON, rows of float32. A run holds finite numbers only, and rows of
// the width that its manifest says.
import { RunError } from '../error.ts'
import type { RunStorage } from './storage.ts'

/** A line of a log. */
export const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`)

export const writeJson = (storage: RunStorage, path: string, value: unknown): Promise<void> =>
  storage.replace(path, new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`))

export const refuseNonFinite = (where: string, value: number) => new RunError({
  code: 'non-finite', what: 'Cannot write a number of the run', where, why: `it is ${value}`,
  fix: 'Lower the learning rate or find the step that made it; a run holds finite numbers only',
})

/** The bytes of one binary row, checked. */
export const rowBytes = (
  where: string, values: Float32Array | undefined, width: number, absent: readonly number[],
  name: (i: number) => string,
): Uint8Array => {
  if (values?.length !== width) {
    throw new RunError({
      code: 'wrong-shape', what: 'Cannot write an evaluation', where,
      why: `it takes ${width} values and was given ${values?.length ?? 'none'}`,
      fix: 'Give every metric that the manifest lists, one value a column',
    })
  }
  const row = values.slice()
  for (const column of absent) row[column] = 0
  const bad = row.findIndex(value => !Number.isFinite(value))
  if (bad >= 0) throw refuseNonFinite(`${where}, ${name(bad)}`, row[bad])
  return new Uint8Array(row.buffer)
}
