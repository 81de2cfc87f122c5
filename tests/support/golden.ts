/** What the golden tests share: reading golden files, opening tiny models, and backends to compare. */
import { readFileSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onnxBackend } from '@ldyn/backend-onnx'
import { uploadAll, type DeviceTree, type Row, type Sequence } from '@ldyn/lab'
import { openModel, type Checkpoint } from '@ldyn/models/node'
import type { Backend } from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'

const tests = dirname(dirname(fileURLToPath(import.meta.url)))
export const goldenPath = (...parts: string[]): string => join(tests, 'golden', ...parts)
export const golden = <T>(name: string): T => JSON.parse(readFileSync(goldenPath(name), 'utf8')) as T

/** Real data and the pretrained model lie beside the repository, or where LDYN_SHARED says. */
const shared = process.env.LDYN_SHARED ?? join(dirname(tests), '..', 'shared')
export const sharedPath = (...parts: string[]): string => join(shared, ...parts)
/** A reason to skip where a shared file is not there; undefined where it is. */
export const withoutShared = (...parts: string[]): string | undefined =>
  existsSync(sharedPath(...parts))
    ? undefined
    : `${sharedPath(...parts)} is not there (set LDYN_SHARED to the folder that has it)`

export const goldenModel = (name: string): Promise<Checkpoint> => openModel(goldenPath('models', name))
export const paramsOf = (backend: Backend, checkpoint: Checkpoint): Promise<DeviceTree> =>
  uploadAll(backend, checkpoint.tensors())

/** The backends that every golden is compared on, with the relative tolerance of contracts.md §5. */
export const backends: readonly { name: string; create: () => Promise<Backend>; tolerance: number }[] = [
  { name: 'reference (f64)', create: async () => referenceBackend(), tolerance: 1e-9 },
  { name: 'onnx (cpu)', create: () => onnxBackend(), tolerance: 1e-4 },
]

export const sequence = (type: string, prompt: readonly number[], response: readonly number[]): Sequence => ({
  type,
  prompt: Int32Array.from(prompt),
  response: Int32Array.from(response),
  truncated: 0,
})

/** A row that exists only as token ids. */
export const idRow = (row: number): Row => ({
  row,
  where: `golden row ${row}`,
  prompt: '',
  responses: {},
  templated: false,
})

/** |a − b| ≤ tolerance · max(|b|, floor); returns a sentence where it is not. */
export function deviation(what: string, a: number, b: number, tolerance: number, floor = 1e-3): string | undefined {
  const error = Math.abs(a - b) / Math.max(Math.abs(b), floor)
  return error <= tolerance
    ? undefined
    : `${what}: ${a} instead of ${b} (relative error ${error.toExponential(2)} > ${tolerance})`
}
