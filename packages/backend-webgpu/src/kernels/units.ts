/**
 * Products on hardware matrix units (WGSL subgroup matrices, an experimental extension of Chromium and Dawn): f16
 * operands, f32 sums. Four or eight subgroups share a tile, each keeps a few fragments of it; operands are staged as
 * they lie, and a unit reads them by rows or by columns.
 *
 * 'f16' rounds the operands to 11 bits. 'split-f16' takes x = hi + lo·2⁻¹¹ and three products, hi·hi + (hi·lo +
 * lo·hi)·2⁻¹¹, which keeps 21–22 bits (Ootomo & Yokota 2022, arXiv 2203.03341). Both have f16's range: beyond ±65504
 * operands are clamped, below 2⁻²⁴ they vanish. Where an adapter has no such units, 'split-f16' means the f32 kernels.
 */
import { each, type Kernel, type Limits, type MatmulPrecision, type SubgroupMatrix } from './kernel.ts'
import { operands, storeEntry, type MatmulOptions, type Piece } from './matmul.ts'
import { blockReader, gridOf } from './tile.ts'

/** Fragments of a subgroup, rows and columns; subgroups of a tile, down and across. */
interface Shape { readonly rows: number; readonly columns: number; readonly down: number; readonly across: number }
const SMALL: Shape = { rows: 2, columns: 2, down: 2, across: 2 }
const LARGE = { f16: { rows: 4, columns: 2, down: 2, across: 4 }, 'split-f16': { ...SMALL, across: 4 } } as const
/** Inner entries staged at once; entries between two staged lines, for their banks; tiles that keep a card busy. */
const [INNER, APART, BUSY] = [32, 8, 128]

/** A unit with the tile that it serves a product in. */
export interface Units { readonly unit: SubgroupMatrix; readonly shape: Shape }
const sizesOf = ({ m, n }: SubgroupMatrix, s: Shape): number[] => [s.down * s.rows * m, s.across * s.columns * n]

/** The unit that serves a product, if any: 16×16×16 first. Rows need a subgroup of one fixed size. */
export function matrixUnits(
  { m, n, k, batch }: Pick<Piece, 'm' | 'n' | 'k' | 'batch'>, limits: Limits, precision: MatmulPrecision = 'f32',
): Units | undefined {
  const able = limits.f16 && limits.subgroups && limits.subgroupMin === limits.subgroupMax
  if (precision === 'f32' || !able || Math.min(m, n) < 32 || k < 16) return undefined
  const fitting = limits.subgroupMatrices.filter((u) => INNER % u.k === 0)
  const unit = fitting.find((f) => f.m === 16 && f.n === 16) ?? fitting.find((f) => f.m >= 8 && f.n >= 8)
  if (!unit) return undefined
  const fits = (s: Shape): boolean => {
    const [[high, wide], groups] = [sizesOf(unit, s), s.down * s.across]
    const threads = groups * limits.subgroupMax
    const bytes = (precision === 'f16' ? 1 : 2) * (2 * (INNER + APART) * (high + wide) + 4 * groups * unit.m * unit.n)
    // A thread brings one block of each operand at most.
    const brought = Math.max(high, wide) * INNER <= 16 * threads
    return brought && threads <= limits.maxInvocations && bytes <= limits.workgroupBytes
  }
  const [high, wide] = sizesOf(unit, LARGE[precision])
  const large = Math.ceil(m / high) * Math.ceil(n / wide) * batch >= BUSY && fits(LARGE[precision])
  return large ? { unit, shape: LARGE[precision] } : fits(SMALL) ? { unit, shape: SMALL } : undefined
}

// v to 11 bits, and 0 where f16 has fewer. By its bits, since NVIDIA's driver folds f32(f16(v)) to v, and
// unpack2x16float(pack2x16float(v)) too, which leaves nothing for the lower half.
const ROUNDED = `fn rounded(v: vec4<f32>) -> vec4<f32> {
  let h = bitcast<vec4<f32>>((bitcast<vec4<u32>>(v) + vec4<u32>(0x1000u)) & vec4<u32>(0xffffe000u));
  return select(h, vec4<f32>(), abs(v) < vec4<f32>(6.1035156e-5));
}`

/** The kernel of a piece on a unit. */
export function multiplyByUnits(p: Piece, { unit: u, shape }: Units, limits: Limits, options: MatmulOptions): Kernel {
  const split = options.precision === 'split-f16'
  const { rows, columns, down, across } = shape
  const [[high, wide], threads] = [sizesOf(u, shape), down * across * limits.subgroupMax]
  const { a, b, y } = operands(p, limits, true)
  const epilogue = p.last ? options.epilogue : undefined
  const { opening, workgroups } = gridOf({ a, b, batch: p.batch, split: 1 }, high, wide, threads, limits)
  const parts = split ? ['hi', 'lo'] : ['hi']
  const entries = u.m * u.n
  const fragments = (f: (r: number, c: number) => string): string => each(rows, (r) => each(columns, (c) => f(r, c)))

  /** How an operand lies in workgroup memory: lines of contiguous entries, so many vec4s apart. */
  const sideOf = (x: 'A' | 'B') => {
    const [outer, { along }] = x === 'A' ? [high, a] as const : [wide, b] as const
    const [lines, long] = along === 'inner' ? [outer, INNER] : [INNER, outer]
    const [quads, apart] = [long / 4, (long + APART) / 4]
    return { outer, along, quads, apart, words: lines * apart, blocks: (lines * quads) / 4 }
  }
  const sides = { A: sideOf('A'), B: sideOf('B') }
  const some = (x: 'A' | 'B', body: string): string =>
    sides[x].blocks < threads ? `if (tid < ${sides[x].blocks}u) { ${body} }` : body
  const read = (x: 'A' | 'B', k: string): string => {
    const [line, at] = [`line${x} * 4u`, `quad${x} * 4u`]
    const [o, i] = sides[x].along === 'inner' ? [line, at] : [at, line]
    return some(x, `block${x} = read${x}(at${x}, ${x === 'A' ? 'm0' : 'n0'} + ${o}, ${k} + ${i});`)
  }
  const stage = (x: 'A' | 'B'): string => some(x, each(4, (e) => {
    const place = `(line${x} * 4u + ${e}u) * ${sides[x].apart}u + quad${x}`
    return `
      { let v = clamp(block${x}[${e}], vec4<f32>(-65504.0), vec4<f32>(65504.0)); let h = ${split ? 'rounded(v)' : 'v'};
        hi${x}[${place}] = vec4<f16>(h); ${split ? `lo${x}[${place}] = vec4<f16>((v - h) * 2048.0);` : ''} }`
  }, ''))
  const load = (x: 'A' | 'B', f: number): string => parts.map((part) => {
    const { along, apart } = sides[x]
    const type = x === 'A' ? `left<f16, ${u.k}, ${u.m}>` : `right<f16, ${u.n}, ${u.k}>`
    const outer = x === 'A' ? `(sr + ${f * u.m}u)` : `(sc + ${f * u.n}u)`
    const at = along === 'inner' ? `${outer} * ${apart}u + kk / 4u` : `kk * ${apart}u + ${outer} / 4u`
    const major = (x === 'A') === (along === 'inner') ? 'row_major' : 'col_major'
    return `      let ${part}${x}${f} = subgroupMatrixLoad<subgroup_matrix_${type}, ${major}>(&${part}${x}, ${at}, ${apart}u);`
  }).join('\n')
  const multiply = (into: string, left: string, right: string): string => fragments((r, c) =>
    `      ${into}${r}_${c} = subgroupMatrixMultiplyAccumulate(${left}A${r}, ${right}B${c}, ${into}${r}_${c});`)
  const scratch = (to: string, from: string): string =>
    `  subgroupMatrixStore<row_major>(&${to}, sub * ${entries}u, ${from}, ${u.n}u);`
  const shared = (name: string): string => `var<workgroup> ${name}: array<f32, ${down * across * entries}>;`

  const wgsl = `
${parts.map((part) => `var<workgroup> ${part}A: array<vec4<f16>, ${sides.A.words}>;
var<workgroup> ${part}B: array<vec4<f16>, ${sides.B.words}>;`).join('\n')}
${shared('main_')} ${split ? shared('cross_') : ''}
${blockReader('readA', a, { outer: high, inner: INNER }, true)}
${blockReader('readB', b, { outer: wide, inner: INNER }, true)}
${split ? ROUNDED : ''}
${epilogue?.wgsl ?? ''}
@diagnostic(off, chromium.subgroup_matrix_uniformity)
${opening}
  let sub = tid / ${limits.subgroupMax}u; let lane = tid % ${limits.subgroupMax}u;
  let sr = (sub / ${across}u) * ${rows * u.m}u; let sc = (sub % ${across}u) * ${columns * u.n}u;
  let lineA = tid / ${sides.A.quads}u; let quadA = tid % ${sides.A.quads}u; var blockA: mat4x4<f32>;
  let lineB = tid / ${sides.B.quads}u; let quadB = tid % ${sides.B.quads}u; var blockB: mat4x4<f32>;
${fragments((r, c) => (split ? ['m', 'x'] : ['m']).map((name) =>
    `  var ${name}${r}_${c}: subgroup_matrix_result<f32, ${u.n}, ${u.m}>;`).join('\n'))}
  ${read('A', 'begin')} ${read('B', 'begin')}
  for (var k0 = begin; k0 < end; k0 += ${INNER}u) {
    ${stage('A')} ${stage('B')}
    workgroupBarrier();
    if (k0 + ${INNER}u < end) { ${read('A', `(k0 + ${INNER}u)`)} ${read('B', `(k0 + ${INNER}u)`)} }
    for (var kk = 0u; kk < ${INNER}u; kk += ${u.k}u) {
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
    label: `matmul ${p.ta ? 't' : 'n'}${p.tb ? 't' : 'n'} ${options.precision} ${high}×${wide} on ${u.m}×${u.n}×${u.k} units`,
    wgsl, workgroups, enables: ['f16', 'subgroups', 'chromium_experimental_subgroup_matrix'],
    bindings: [a.binding, b.binding, y.binding, ...(epilogue?.bindings ?? [])],
  }
}
