/**
 * Row by row in one dispatch: softmax and its kin, and norms. A row belongs to a team of threads
 * that reduces through workgroup memory; rows of a few entries to one thread, and on a CPU always, where threads of a
 * team would take turns.
 */
import { fold, roundUp, type Binding, type Kernel, type Limits, type Lowering, type Ref } from './kernel.ts'
import { place } from './matmul.ts'

interface RowOp {
  readonly label: string
  /** Statements that reduce: `max_(expr)`, `sum_(expr)` stand for loops over x = entry i of the row. */
  readonly reduce: readonly { readonly name: string; readonly by: 'max' | 'sum'; readonly of: string; readonly then?: string }[]
  /** What is stored: for every entry, or once a row. */
  readonly store: string
  readonly once?: boolean
  /** Further operands [width], `gamma` and `beta`. */
  readonly weights?: readonly string[]
}

const SHIFTED = [
  { name: 'top', by: 'max', of: 'x' },
  { name: 'total', by: 'sum', of: 'exp(x - top)' },
] as const
const weight = (width: number, eps: number): string => `sqrt(square / ${width}.0 + ${eps})`

/** The ops. π = softmax; the norms as in @ldyn/tensor's composites/norms.ts. */
export const ROW_OPS = {
  softmax: (): RowOp => ({ label: 'softmax', reduce: SHIFTED, store: 'exp(x - top) / total' }),
  logSoftmax: (): RowOp => ({ label: 'logSoftmax', reduce: SHIFTED, store: '(x - top) - log(total)' }),
  logSumExp: (): RowOp => ({ label: 'logSumExp', reduce: SHIFTED, store: 'top + log(total)', once: true }),
  rmsNorm: (width: number, eps: number): RowOp => ({
    label: 'rmsNorm', weights: ['gamma'], store: 'x / root * gamma[i]',
    reduce: [{ name: 'square', by: 'sum', of: 'x * x', then: `let root = ${weight(width, eps)};` }],
  }),
  layerNorm: (width: number, eps: number): RowOp => ({
    label: 'layerNorm', weights: ['gamma', 'beta'], store: '(x - mean) / root * gamma[i] + beta[i]',
    reduce: [
      { name: 'plain', by: 'sum', of: 'x', then: `let mean = plain / ${width}.0;` },
      { name: 'square', by: 'sum', of: '(x - mean) * (x - mean)', then: `let root = ${weight(width, eps)};` },
    ],
  }),
}

/** x [rows, width], weights [width] → [rows, width] or [rows]. */
export function rowWise(op: RowOp, rows: number, width: number, limits: Limits): Lowering {
  const kernels: Kernel[] = []
  if (rows * width === 0) return { kernels, temporaries: [] }
  const quarter = 2 ** Math.max(0, Math.ceil(Math.log2(width / 4)))
  const team = limits.software ? 1 : Math.min(limits.maxInvocations, 256, quarter)
  const threads = Math.max(64, team)
  const together = threads / team
  const lot = roundUp(Math.max(1, Math.floor((limits.maxBindingBytes / 4 - 64) / width) - 63), 64)
  const outWidth = op.once ? 1 : width
  for (let row = 0; row < rows; row += lot) {
    const here = Math.min(lot, rows - row)
    const side = (of: Ref, w: number) =>
      ({ of, words: rows * w, at: row * w, stride: w, step: 0, repeat: 1 }) as const
    const x = place(side('in0', width), here * width, 'input', 'read', false, limits)
    const y = place(side('out0', outWidth), here * outWidth, 'y', 'write', false, limits)
    const weights = (op.weights ?? []).map((name, i): Binding => ({ name, of: `in${i + 1}`, element: 'f32', access: 'read' }))
    const groups = Math.ceil(here / together)
    const first = (by: 'max' | 'sum'): string => (by === 'max' ? '-3.4e38' : '0.0')
    const joined = (by: 'max' | 'sum', a: string, b: string): string => (by === 'max' ? `max(${a}, ${b})` : `${a} + ${b}`)
    const loop = (body: string): string => `
  for (var i = lane; i < ${width}u; i += ${team}u) { let x = input[start + i]; ${body} }`
    const reduced = op.reduce.map(({ name, by, of, then = '' }) => `
  var ${name} = ${first(by)};${loop(`${name} = ${joined(by, name, of)};`)}
  ${team === 1 ? '' : `team[tid] = ${name};
  for (var s = ${team / 2}u; s > 0u; s /= 2u) {
    workgroupBarrier();
    if (lane < s) { team[tid] = ${joined(by, 'team[tid]', 'team[tid + s]')}; }
  }
  workgroupBarrier();
  ${name} = team[tid - lane];
  workgroupBarrier();`}
  ${then}`)
    kernels.push({
      label: op.label,
      bindings: [x.binding, ...weights, y.binding],
      workgroups: fold(groups, limits),
      wgsl: `${team === 1 ? '' : `var<workgroup> team: array<f32, ${threads}>;`}
@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let group = wid.x + wid.y * grid.x;
  if (group >= ${groups}u) { return; }
  let row = group * ${together}u + tid / ${team}u;
  let lane = tid % ${team}u;
  let start = ${x.at}u + min(row, ${here - 1}u) * ${width}u;
${reduced.join('')}
  if (row < ${here}u) {
    ${op.once ? `if (lane == 0u) { y[${y.at}u + row] = ${op.store}; }` : loop(`y[${y.at}u + row * ${width}u + i] = ${op.store};`)}
  }
}`,
    })
  }
  return { kernels, temporaries: [] }
}
