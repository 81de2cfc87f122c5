/** Numbers as the simulators' answers show them. */
import { RANK_BANDS, type MassReport } from '@ldyn/core'
import type { Output } from '../contract/output.ts'

/** A probability: four digits, or a power of ten where that would be 0.0000. */
export const probability = (p: number): string =>
  p < 0 ? `−${probability(-p)}` : p >= 1e-3 || p === 0 ? p.toFixed(4) : p.toExponential(1)

export const arrow = ({ before, after }: { readonly before: number; readonly after: number }): string =>
  `${probability(before)} → ${probability(after)}`

/** A change in nats, with its sign. */
export const nats = (x: number): string => `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(Math.abs(x) < 10 ? 2 : 1)}`

export const percent = (x: number): string => `${(100 * x).toFixed(x > 0.995 && x < 1 ? 1 : 0)} %`

/** Lines of a label and a text, the labels as wide as the widest. */
export function labelled(rows: readonly (readonly [string, string])[], output: Output): string[] {
  const wide = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `${output.style('dim', name.padEnd(wide))}  ${text}`)
}

export const bandsText = (bands: MassReport['bands']): string =>
  RANK_BANDS.map(({ name }) => ({ name, ...bands[name] }))
    .filter(({ before, after }) => before > 0 || after > 0)
    .map(({ name, before, after }) => `${name === 'rest' ? 'others' : name}: ${arrow({ before, after })}`)
    .join('   ')
