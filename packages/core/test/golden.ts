/** The repository's golden files (tests/golden, made by PyTorch in float64). */
import { readFileSync } from 'node:fs'

const folder = new URL('../../../tests/golden/', import.meta.url)

/** Parsed; the caller states its form. */
export const golden = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T

/** Largest |got − want| over the largest |want|. */
export function distance(got: readonly number[], want: readonly number[]): number {
  if (got.length !== want.length)
    throw new RangeError(`${got.length} numbers are compared with ${want.length}`)
  const scale = Math.max(...want.map(Math.abs), Number.MIN_VALUE)
  return Math.max(...got.map((g, i) => Math.abs(g - want[i]))) / scale
}
