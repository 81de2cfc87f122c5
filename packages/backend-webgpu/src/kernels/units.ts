/**
 * Products on hardware matrix units (WGSL subgroup matrices, an experimental extension of Chromium and Dawn): f16
 * operands, f32 sums. Four subgroups share a tile, each keeps a few fragments of it.
 *
 * 'f16' rounds the operands to 11 bits. 'split-f16' takes x = hi + lo·2⁻¹¹ and three products, hi·hi + (hi·lo +
 * lo·hi)·2⁻¹¹, which keeps 21–22 bits (Ootomo & Yokota 2022, arXiv 2203.03341). Both have f16's range: beyond ±65504
 * operands are clamped, below 2⁻²⁴ they vanish. Where an adapter has no such units, 'split-f16' means the f32 kernels.
 */
import { each, type Kernel, type Limits, type MatmulPrecision, type SubgroupMatrix } from './kernel.ts'
import { operands, storeEntry, type MatmulOptions, type Piece } from './matmul.ts'
import { blockReader, gridOf } from './tile.ts'

/** Fragments of a subgroup, rows and columns, and inner entries staged at once. */
const SHAPES = { f16: { rows: 4, columns: 2, inner: 32 }, 'split-f16': { rows: 2, columns: 2, inner: 16 } } as const

/** The unit that serves a product, if any: 16×16×16 first. Rows need a subgroup of one fixed size. */
export function matrixUnits(
  { m, n, k }: Pick<Piece, 'm' | 'n' | 'k'>, limits: Limits, precision: MatmulPrecision = 'f32',
): SubgroupMatrix | undefined {
  if (precision === 'f32' || !limits.f16 || !limits.subgroups || limits.subgroupMin !== limits.subgroupMax)
    return undefined
  if (Math.min(m, n) < 32 || k < 16 || limits.maxInvocations < 4 * limits.subgroupMax) return undefined
  const { rows, columns, inner } = SHAPES[precision]
  const fitting = limits.subgroupMatrices.filter((u) => 16 % u.k === 0)
  const u = fitting.find((f) => f.m === 16 && f.n === 16) ?? fitting.find((f) => f.m >= 8 && f.n >= 8)
  const copies = precision === 'f16' ? 1 : 2
  const bytes = u ? copies * (2 * inner * 2 * (rows * u.m + columns * u.n) + 4 * 4 * u.m * u.n) : 0
  return bytes <= limits.workgroupBytes ? u : undefined
}

/** The kernel of a piece on a unit. */
export function multiplyByUnits(p: Piece, u: SubgroupMatrix, limits: Limits, options: MatmulOptions): Kernel {
  const split = options.precision === 'split-f16'
  const { rows, columns, inner } = SHAPES[split ? 'split-f16' : 'f16']
  const [high, wide, threads] = [2 * rows * u.m, 2 * columns * u.n, 4 * limits.subgroupMax]
  const { a, b, y } = operands(p, limits, true)
  const epilogue = p.last ? options.epilogue : undefined
  const { opening, workgroups } = gridOf({ a, b, batch: p.batch, split: 1 }, high, wide, threads, limits)
  const parts = split ? ['hi', 'lo'] : ['hi']
  const entries = u.m * u.n
  const fragments = (f: (r: number, c: number) => string): string => each(rows, (r) => each(columns, (c) => f(r, c)))

  /** Blocks of one operand, staged as rows of `across` entries: a by [row][k], b by [k][column]. */
  const stage = (x: 'A' | 'B', outer: number): string => {
    const quads = outer / 4
    const along = (x === 'A' ? a : b).along
    const [o, k] = along === 'inner' ? [`i / ${inner / 4}u`, `i % ${inner / 4}u`] : [`i % ${quads}u`, `i / ${quads}u`]
    const at = x === 'A' ? `((o + e) * ${inner}u + k + j)` : `((k + j) * ${outer}u + o + e)`
    return `
    for (var i = tid; i < ${quads * (inner / 4)}u; i += ${threads}u) {
      let o = (${o}) * 4u; let k = (${k}) * 4u;
      let block = read${x}(at${x}, ${x === 'A' ? 'm0' : 'n0'} + o, k0 + k);
      for (var j = 0u; j < 4u; j++) { for (var e = 0u; e < 4u; e++) {
        let v = clamp(block[j][e], -65504.0, 65504.0);
        hi${x}[${at}] = f16(v);
        ${split ? `lo${x}[${at}] = f16((v - f32(f16(v))) * 2048.0);` : ''}
      } }
    }`
  }
  const load = (x: 'A' | 'B', f: number): string => parts.map((part) => {
    const type = x === 'A' ? `left<f16, ${u.k}, ${u.m}>` : `right<f16, ${u.n}, ${u.k}>`
    const at = x === 'A' ? `(sr + ${f * u.m}u) * ${inner}u + kk` : `kk * ${wide}u + sc + ${f * u.n}u`
    const from = `(&${part}${x}, ${at}, ${x === 'A' ? inner : wide}u)`
    return `      let ${part}${x}${f} = subgroupMatrixLoad<subgroup_matrix_${type}, row_major>${from};`
  }).join('\n')
  const multiply = (into: string, left: string, right: string): string => fragments((r, c) =>
    `      ${into}${r}_${c} = subgroupMatrixMultiplyAccumulate(${left}A${r}, ${right}B${c}, ${into}${r}_${c});`)
  const scratch = (name: string, from: string): string =>
    `  subgroupMatrixStore<row_major>(&${name}, sub * ${entries}u, ${from}, ${u.n}u);`
  const cross = `var<workgroup> cross_: array<f32, ${4 * entries}>;`

  const wgsl = `
${parts.map((part) => `var<workgroup> ${part}A: array<f16, ${high * inner}>;
var<workgroup> ${part}B: array<f16, ${wide * inner}>;`).join('\n')}
var<workgroup> main_: array<f32, ${4 * entries}>;
${split ? cross : ''}
${blockReader('readA', a, { outer: high, inner })}
${blockReader('readB', b, { outer: wide, inner })}
${epilogue?.wgsl ?? ''}
@diagnostic(off, chromium.subgroup_matrix_uniformity)
${opening}
  let sub = tid / ${limits.subgroupMax}u;
  let lane = tid % ${limits.subgroupMax}u;
  let sr = (sub / 2u) * ${rows * u.m}u;
  let sc = (sub % 2u) * ${columns * u.n}u;
${fragments((r, c) => (split ? ['m', 'x'] : ['m']).map((name) =>
    `  var ${name}${r}_${c}: subgroup_matrix_result<f32, ${u.n}, ${u.m}>;`).join('\n'))}
  for (var k0 = begin; k0 < end; k0 += ${inner}u) {
${stage('A', high)}
${stage('B', wide)}
    workgroupBarrier();
    for (var kk = 0u; kk < ${inner}u; kk += ${u.k}u) {
${each(rows, (r) => load('A', r))}
${each(columns, (c) => load('B', c))}
${multiply('m', 'hi', 'hi')}
${split ? `${multiply('x', 'hi', 'lo')}\n${multiply('x', 'lo', 'hi')}` : ''}
    }
    workgroupBarrier();
  }
${fragments((r, c) => `
${scratch('main_', `m${r}_${c}`)}
${split ? scratch('cross_', `x${r}_${c}`) : ''}
  workgroupBarrier();
  for (var e = lane; e < ${entries}u; e += ${limits.subgroupMax}u) {
    let row = m0 + sr + ${r * u.m}u + e / ${u.n}u;
    let column = n0 + sc + ${c * u.n}u + e % ${u.n}u;
    let v = main_[sub * ${entries}u + e]${split ? ` + cross_[sub * ${entries}u + e] * ${2 ** -11}` : ''};
    ${storeEntry(p, y, epilogue !== undefined)}
  }
  workgroupBarrier();`)}
}`
  return {
    label: `matmul ${p.ta ? 't' : 'n'}${p.tb ? 't' : 'n'} ${options.precision} on ${u.m}×${u.n}×${u.k} units`,
    wgsl, workgroups,
    enables: ['f16', 'subgroups', 'chromium_experimental_subgroup_matrix'],
    bindings: [a.binding, b.binding, y.binding, ...(epilogue?.bindings ?? [])],
  }
}
