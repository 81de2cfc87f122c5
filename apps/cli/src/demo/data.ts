/**
 * What the demo learns from: the embedded model and preference file (demo/README.md), and the probe set made of it.
 * Rephrasings go under the names that the released probe format has for them (paper.md §3).
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { DataError, makeProbes, normalise, type DataRecord, type Row } from '@ldyn/lab'

const embedded = (name: string): string => fileURLToPath(new URL(`../../demo/${name}`, import.meta.url))
export const MODEL = embedded('model')
export const PREFERENCES = embedded('preferences.jsonl')

/** The types that are watched: every one that needs neither sampling nor another model. */
export const PROBE_TYPES = [
  'chosen',
  'chosen_gptsemantic',
  'rejected',
  'reject_gptsemantic',
  'irr_train',
  'irr_test',
  'random_permute',
  'random_nonhum',
] as const

export interface DemoData {
  /** The rows to train on. */
  readonly train: readonly Row[]
  /** Some of them, with the responses of `PROBE_TYPES`. */
  readonly probes: readonly Row[]
  /** Rows whose answers are never trained on. */
  readonly heldOut: readonly Row[]
}

const paperNames = ({ chosen_rephrase, rejected_rephrase, ...rest }: DataRecord): DataRecord =>
  ({ ...rest, chosen_gptsemantic: chosen_rephrase, reject_gptsemantic: rejected_rephrase })

/** Evenly spaced over the file, which is sorted by topic: as many of each. */
function spread<T>(items: readonly T[], wanted: number): T[] {
  const count = Math.min(wanted, items.length)
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)])
}

function parse(line: string, where: string): DataRecord {
  try {
    return JSON.parse(line) as DataRecord
  } catch (cause) {
    const why = (cause as Error).message
    throw new DataError('the embedded preference file is damaged', { where, why, fix: 'install ldyn again' })
  }
}

/** Reads the preference file; `probes` of its training rows are watched. Throws DataError where it is damaged. */
export async function demoData(probes: number, seed: number): Promise<DemoData> {
  const lines = (await readFile(PREFERENCES, 'utf8')).trim().split('\n')
  const rows = lines.map((line, i) => {
    const where = `preferences.jsonl:${i + 1}`
    const record = parse(line, where)
    return { split: record.split, row: normalise(paperNames(record), i, where) }
  })
  const of = (split: string): Row[] => rows.filter((r) => r.split === split).map((r) => r.row)
  const [train, heldOut] = [of('train'), of('test')]
  const made = await makeProbes(spread(train, probes), { heldOut, seed })
  return { train, heldOut, probes: made.map((record, i) => normalise(record, i, `probe ${i}`)) }
}
