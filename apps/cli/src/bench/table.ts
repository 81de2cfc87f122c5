/** Timings as one table: a column a backend, the first is what ratios are of. */
import type { Output } from '../contract/output.ts'
import type { BackendTimings } from './backends.ts'
import type { StepTiming } from './jobs.ts'

type Cells = readonly (string | undefined)[]

const ratio = (value: number, first: number | undefined): string =>
  first === undefined ? '' : ` ${(value / first).toFixed(2)}×`

export function renderTimings(timings: readonly BackendTimings[], output: Output): string {
  const there = timings.filter(({ device }) => device !== undefined)
  const sizes = [...new Set(there.flatMap(({ matmuls }) => matmuls.map(({ size }) => size)))]
  const shapes = [...new Set(there.flatMap(({ steps }) => steps.map(({ shape }) => shape)))]
  const rows: [string, Cells][] = []
  const row = (label: string, cell: (t: BackendTimings, first: BackendTimings) => string | undefined): void => {
    const cells = there.map((t) => cell(t, there[0]))
    if (cells.some((text) => text !== undefined)) rows.push([label, cells])
  }
  row('open, ms', ({ openMs }) => openMs?.toFixed(0))
  for (const n of sizes) {
    const of = (t: BackendTimings): number | undefined => t.matmuls.find(({ size }) => size === n)?.gflops
    row(`matmul ${n}, GFLOP/s`, (t, first) => rated(of(t), of(first), 1))
  }
  for (const shape of shapes) {
    const of = (t: BackendTimings): StepTiming | undefined => t.steps.find((s) => s.shape === shape)
    row(`${shape} step, ms`, (t, first) => rated(of(t)?.ms, of(first)?.ms, 1))
    row('  compile, ms', (t) => of(t)?.compileMs.toFixed(0))
    row('  GFLOP/s', (t) => of(t)?.gflops.toFixed(1))
    row('  of its largest matmul', (t) => share(of(t)?.gflops, Math.max(...t.matmuls.map((m) => m.gflops))))
    row('  dispatches', (t) => of(t)?.dispatches?.toString())
    row('  planned, MiB', (t) => mebibytes(of(t)?.plannedBytes))
    row('  loss', (t) => of(t)?.loss.toFixed(6))
  }
  const wide = Math.max(...rows.map(([label]) => label.length))
  const columns = there.map(({ backend }, i) => Math.max(backend.length, ...rows.map(([, c]) => (c[i] ?? '–').length)))
  const line = (label: string, cells: Cells): string =>
    [label.padEnd(wide), ...cells.map((text, i) => (text ?? '–').padStart(columns[i]))].join('  ')
  return [
    ...there.map((t) => `${t.backend.padEnd(12)} ${t.device}   ${t.version}`),
    '',
    ...(there.length === 0 ? [] : [output.style('dim', line('', there.map(({ backend }) => backend)))]),
    ...rows.map(([label, cells]) => line(label, cells)),
    ...timings.flatMap((t) => t.failures.map(({ job, why }) => `${output.style('yellow', '--')} ${t.backend}, ${job}: ${why}`)),
    '',
    'Ratios are of the first column: GFLOP/s above 1× is faster, ms below 1× is faster. A step is one DPO update.',
  ].join('\n')
}

const rated = (value: number | undefined, first: number | undefined, digits: number): string | undefined =>
  value === undefined ? undefined : `${value.toFixed(digits)}${ratio(value, first)}`
const share = (value: number | undefined, peak: number): string | undefined =>
  value === undefined || !Number.isFinite(peak) ? undefined : `${((100 * value) / peak).toFixed(0)} %`
const mebibytes = (bytes: number | undefined): string | undefined =>
  bytes === undefined ? undefined : (bytes / 2 ** 20).toFixed(1)
