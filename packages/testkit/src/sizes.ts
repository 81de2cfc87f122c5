/**
 * Sizes at which devices have limits: more elements than 65 535 workgroups of 256 take, tensors above 128 MiB (the
 * storage binding that WebGPU promises), long reductions. Values are known in closed form, so that no reference has to
 * loop over them.
 */
import {
  add, constant, f32, hostTensor, i32, logSumExp, matmul, mul, reshape, scatterAdd, sum, take, trace,
  type HostTensor,
} from '@ldyn/tensor'
import { must } from './asserting.ts'
import { once, type ConformanceTest } from './session.ts'

/** f32 elements of 136 MiB: above 128 MiB, and above 65 535 · 256. */
const MANY = 34 * 2 ** 20
const [ROWS, WIDTH] = [49_152, 704]

const near = (what: string, actual: number, expected: number, tolerance: number): void =>
  must(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what} is ${actual} where it should be ${expected}`,
  )

/** Values that every f32 holds exactly, of any period that is no power of 2. */
const patterned = (length: number, period = 1021): Float32Array => {
  const data = new Float32Array(length)
  for (let i = 0; i < length; i++) data[i] = (i % period) / 1024
  return data
}
const some = (length: number): number[] => [0, 1, 255, 65_535, 65_536, 16_776_960, length - 2, length - 1]

export const sizes: readonly ConformanceTest[] = [
  {
    name: 'more than 65 535 workgroups and more than 128 MiB: pointwise and sum',
    run: async (backend, slack) => {
      const program = trace(({ x }) => ({ y: add(mul(x, 2), 1), total: sum(x) }), { x: f32(MANY) })
      const data = patterned(MANY)
      const out = (await once(backend, program, { x: hostTensor(data, [MANY]) })) as Record<string, HostTensor>
      for (const i of some(MANY)) near(`element ${i}`, out.y.data[i], 2 * data[i] + 1, 1e-6)
      near('the sum', out.total.data[0], data.reduce((a, b) => a + b, 0), slack * 1e-4)
    },
  },
  {
    name: 'a table above 128 MiB: rows taken, rows added to, and a product with all of it',
    run: async (backend, slack) => {
      const program = trace(
        ({ table, rows, h }) => ({
          taken: take(table, rows),
          added: sum(scatterAdd(rows, h, ROWS), 1),
          product: matmul(h, table, false, true),
        }),
        { table: f32(ROWS, WIDTH), rows: i32(3), h: f32(3, WIDTH) },
      )
      const [table, h] = [patterned(ROWS * WIDTH), patterned(3 * WIDTH, 37)]
      const rows = [7, ROWS - 1, 7]
      const inputs = {
        table: hostTensor(table, [ROWS, WIDTH]),
        rows: hostTensor(rows, [3], 'i32'),
        h: hostTensor(h, [3, WIDTH]),
      }
      const { taken, added, product } = (await once(backend, program, inputs)) as Record<string, HostTensor>
      const rowSum = (r: number): number => h.subarray(r * WIDTH, (r + 1) * WIDTH).reduce((a, b) => a + b, 0)
      rows.forEach((row, r) =>
        [0, WIDTH - 1].forEach((c) =>
          near(`row ${row}, column ${c}`, taken.data[r * WIDTH + c], table[row * WIDTH + c], 1e-6),
        ),
      )
      near('a row that is added to twice', added.data[7], rowSum(0) + rowSum(2), slack * 1e-5)
      near('the last row', added.data[ROWS - 1], rowSum(1), slack * 1e-5)
      near('a row in between', added.data[1000], 0, 0)
      for (const [r, row] of [[0, 0], [2, 40_000], [1, ROWS - 1]]) {
        let dot = 0
        for (let c = 0; c < WIDTH; c++) dot += h[r * WIDTH + c] * table[row * WIDTH + c]
        near(`product ${r}, ${row}`, product.data[r * ROWS + row], dot, slack * 1e-5)
      }
    },
  },
  {
    name: 'long reductions keep their digits',
    run: async (backend, slack) => {
      const n = 2 ** 20
      const program = trace(
        ({ x }) => ({ total: sum(x), rows: sum(reshape(x, [4, n / 4]), 1), lse: logSumExp(x) }),
        { x: f32(n) },
      )
      const x = hostTensor(new Float32Array(n).fill(0.1), [n])
      const { total, rows, lse } = (await once(backend, program, { x })) as Record<string, HostTensor>
      const tenth = Math.fround(0.1)
      near('the sum of 2²⁰ tenths', total.data[0], n * tenth, slack * 1e-4)
      near('a row of 2¹⁸', rows.data[3], (n / 4) * tenth, slack * 1e-4)
      near('log Σ exp', lse.data[0], Math.log(n) + tenth, slack * 1e-5)
    },
  },
  {
    name: 'many additions to one place are all counted',
    run: async (backend, slack) => {
      const n = 100_000
      const program = trace(({ x }) => ({ y: scatterAdd(constant(new Int32Array(n), [n], 'i32'), x, 2) }), { x: f32(n) })
      const x = hostTensor(new Float32Array(n).fill(0.25), [n])
      const { y } = (await once(backend, program, { x })) as { y: HostTensor }
      near('the sum', y.data[0], n / 4, slack * 1e-4)
      near('an untouched place', y.data[1], 0, 0)
    },
  },
]
