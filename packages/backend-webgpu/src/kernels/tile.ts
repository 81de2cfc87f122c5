/**
 * The WGSL of one tiled matrix product y = a·b, from which every matmul, the head and their variants are made.
 *
 * A workgroup computes a square tile, a thread 8×8 (or 4×4) entries of it as vec4 registers. Operands are read in
 * 4×4 blocks, `mat4x4` whose column j holds four outer entries (rows of a, columns of b) at inner index k + j; so a
 * stored transpose changes nothing but the block's reader. In a shared tile the blocks go through workgroup memory,
 * the next ones already on their way while these are multiplied; in a register tile they are used as they come, which
 * wins for small shapes and on adapters that are CPUs, where workgroup memory is memory like any other and a barrier
 * is a switch between fibres. Sources: siboehm.com/articles/22/CUDA-MMM (kernels 6 to 10); ts-ecosystem.md §7.2.
 */
import { each, entry, fold, type Binding, type Limits } from './kernel.ts'

export interface Tile {
  readonly name: string
  /** Rows and columns of the workgroup's tile, and of a thread's part. */
  readonly size: number; readonly each: 4 | 8
  /** Inner entries that are staged at once in workgroup memory, a 4×4 block a thread; 0 for a register tile. */
  readonly inner: number
  /** What is staged: f16 halves the traffic of workgroup memory; sums stay f32. */
  readonly staged: 'f32' | 'f16'
}

export const TILES = {
  large: { name: '128×128', size: 128, each: 8, inner: 32, staged: 'f32' },
  medium: { name: '64×64', size: 64, each: 8, inner: 16, staged: 'f32' },
  registers: { name: '64×64 in registers', size: 64, each: 8, inner: 0, staged: 'f32' },
  small: { name: '32×32 in registers', size: 32, each: 4, inner: 0, staged: 'f32' },
} as const satisfies Record<string, Tile>

const threadsOf = ({ size, each }: Tile): number => (size / each) ** 2

/** A matrix operand as the kernel reads it: entry (outer o, inner k) of matrix z. Sizes in elements. */
export interface Source {
  readonly binding: Binding; readonly outer: number; readonly inner: number
  /** Which of the two is contiguous; from one row to the next, whichever rows are stored. */
  readonly along: 'outer' | 'inner'; readonly stride: number
  /** Of the first element within the binding, and from one matrix to the next. */
  readonly at: number; readonly step: number
  /** This many products in a row use the same matrix. */
  readonly repeat: number
}

/** A batch of products, the inner axis in `split` parts, each a matrix of its own in the result. */
export interface Grid { readonly batch: number; readonly a: Source; readonly b: Source; readonly split: number }
/** `finish`: WGSL that sees entries `c{row}_{half}` (vec4s of columns), row0, col0, z, part; `declare` precedes it. */
export interface Product extends Grid { readonly tile: Tile; readonly finish: string; readonly declare?: string }
/** Whether a source can be read in vec4s. */
export const alignedAt = (...offsets: readonly number[]): boolean => offsets.every((n) => n % 4 === 0)

/**
 * `fn {fn}(at, outer_, inner_) -> mat4x4<f32>`: entries outside are 0. `at` is the matrix's first element. No branches:
 * an entry outside reads element 0 and drops it (branches cost GPUs little, but software drivers minutes of compiling).
 * `asItLies`: columns are contiguous entries, whichever way those go.
 */
export function blockReader(fn: string, s: Source, multiple: Pick<Source, 'outer' | 'inner'>, asItLies = false): string {
  const { name, element } = s.binding
  const [row, column] = s.along === 'inner' ? (['outer', 'inner'] as const) : (['inner', 'outer'] as const)
  const below = (x: 'outer' | 'inner', n: number): string[] =>
    s[x] % multiple[x] === 0 ? [] : [`(${x}_ + ${n}u < ${s[x]}u)`]
  const load = (tests: readonly string[], at: string, zero: string): string => {
    const test = tests.join(' & ')
    return test ? `select(${zero}, ${name}[select(0u, ${at}, ${test})], ${test})` : `${name}[${at}]`
  }
  const rows = each(4, (i) => {
    const at = `at + (${row}_ + ${i}u) * ${s.stride}u + ${column}_`
    const entryAt = (j: number): string => load([...below(row, i), ...below(column, j)], `${at} + ${j}u`, '0.0')
    return element === 'vec4<f32>' ? load([...below(row, i), ...below(column, 0)], `(${at}) / 4u`, 'vec4<f32>()')
      : `vec4<f32>(${each(4, entryAt, ', ')})`
  }, ',\n    ')
  const matrix = `mat4x4<f32>(\n    ${rows})`
  return `fn ${fn}(at: u32, outer_: u32, inner_: u32) -> mat4x4<f32> {
  return ${s.along === 'inner' && !asItLies ? `transpose(${matrix})` : matrix};
}`
}

/** Every vec4 of a thread's entries, by its row and its half. */
const entries = (n: number, f: (r: number, g: number) => string): string => each(n, (r) => each(n / 4, (g) => f(r, g)))


/** Shared tile: the loop over k, blocks staged through `as` and `bs`; every thread brings a block of each. */
function sharedLoop({ tile: { size, each: part, inner, staged }, a, b }: Product): string {
  const [quads, across] = [size / 4, inner / 4]
  const place = (s: Source): [string, string] =>
    s.along === 'inner' ? [`tid / ${across}u`, `tid % ${across}u`] : [`tid % ${quads}u`, `tid / ${quads}u`]
  const [[ao, ak], [bo, bk]] = [place(a), place(b)]
  const read = (k: string): string =>
    `pa = readA(atA, m0 + ao * 4u, ${k} + ak * 4u); pb = readB(atB, n0 + bo * 4u, ${k} + bk * 4u);`
  const stage = (x: 'a' | 'b'): string =>
    each(4, (j) => `${x}s_[(${x}k * 4u + ${j}u) * ${quads}u + ${x}o] = vec4<${staged}>(p${x}[${j}]);`, ' ')
  const half = quads / (part / 4)
  // Half of them without a branch: drivers do not see by themselves that it pays.
  const unrolled = inner / 2
  return `
  let ao = ${ao}; let ak = ${ak}; let bo = ${bo}; let bk = ${bk};
  var pa: mat4x4<f32>; var pb: mat4x4<f32>;
  if (begin < end) { ${read('begin')} }
  for (var k = begin; k < end; k += ${inner}u) {
    ${stage('a')}
    ${stage('b')}
    workgroupBarrier();
    if (k + ${inner}u < end) { ${read(`(k + ${inner}u)`)} }
    for (var j = 0u; j < ${inner}u; j += ${unrolled}u) {
${each(unrolled, (u) => `    {
${each(part / 4, (h) => `    let a${h} = vec4<f32>(as_[(j + ${u}u) * ${quads}u + ${h * half}u + ty]);`)}
${each(part / 4, (g) => `    let b${g} = vec4<f32>(bs_[(j + ${u}u) * ${quads}u + ${g * half}u + tx]);`)}
${entries(part, (r, g) => `    c${r}_${g} += a${r >> 2}.${'xyzw'[r & 3]} * b${g};`)}
    }`)}
    }
    workgroupBarrier();
  }`
}

/** Register tile: the loop over k, blocks used as they come; four products are summed before they meet the sum. */
function registerLoop({ tile: { size, each: part } }: Product): string {
  const half = size / (part / 4)
  const products = (r: number, g: number): string =>
    each(4, (j) => `a${r >> 2}[${j}].${'xyzw'[r & 3]} * b${g}[${j}]`, ' + ')
  return `
  for (var k = begin; k < end; k += 4u) {
${each(part / 4, (h) => `    let a${h} = readA(atA, m0 + ${h * half}u + ty * 4u, k);`)}
${each(part / 4, (g) => `    let b${g} = readB(atB, n0 + ${g * half}u + tx * 4u, k);`)}
${entries(part, (r, g) => `    c${r}_${g} += ${products(r, g)};`)}
  }`
}

/** The thread's entries as one array `out`, to go through in a loop. */
export const gathered = (part: number): string =>
  `var out = array<vec4<f32>, ${(part * part) / 4}>(${each(part, (r) => each(part / 4, (g) => `c${r}_${g}`, ', '), ', ')});`

/**
 * WGSL that goes through a thread's entries in one loop: `body` sees `row`, `column` within the matrix and `v`, one
 * entry, or a vec4 of columns if `vector`. A loop, because 64 guarded stores in a row take drivers long to compile.
 */
export function eachEntry({ size, each: part }: Tile, vector: boolean, body: string): string {
  const halves = part / 4
  const apart = size / halves
  return `  ${gathered(part)}
  for (var e = 0u; e < ${vector ? part * halves : part * part}u; e++) {
    let q = e${vector ? '' : ' / 4u'};
    let r = q / ${halves}u;
    let row = row0 + (r / 4u) * ${apart}u + r % 4u;
    let column = col0 + (q % ${halves}u) * ${apart}u${vector ? '' : ' + e % 4u'};
    let v = out[q]${vector ? '' : '[e % 4u]'};
    ${body}
  }`
}

/**
 * A grid of high×wide tiles of every matrix: its workgroups, and how the entry point begins, with which tile (m0, n0),
 * matrix (z) and inner part this workgroup has. Tiles go in bands of 8 tile rows, which then share b in the cache.
 */
export function gridOf({ a, b, batch, split }: Grid, high: number, wide: number, threads: number, limits: Limits) {
  const [rows, columns] = [Math.ceil(a.outer / high), Math.ceil(b.outer / wide)]
  const part = partOf(a.inner, split)
  const opening = `
${entry(threads, rows * columns * batch * split)}
  let tile = flat % ${rows * columns}u;
  let band = tile / ${8 * columns}u;
  let lines = min(8u, ${rows}u - band * 8u);
  let m0 = (band * 8u + (tile % ${8 * columns}u) % lines) * ${high}u;
  let n0 = (tile % ${8 * columns}u) / lines * ${wide}u;
  let z = flat / ${rows * columns * split}u;
  let part = (flat / ${rows * columns}u) % ${split}u;
  let begin = part * ${part}u; let end = min(${a.inner}u, begin + ${part}u);
  let atA = ${a.at}u + (z / ${a.repeat}u) * ${a.step}u;
  let atB = ${b.at}u + (z / ${b.repeat}u) * ${b.step}u;`
  return { opening, workgroups: fold(rows * columns * batch * split, limits) }
}

/** The kernel of a product in tiles. */
export function tiled(p: Product, limits: Limits): { wgsl: string; workgroups: [number, number, number] } {
  const { tile: { size, each: part, inner, staged }, a, b, declare = '', finish } = p
  const multiple = { outer: size, inner: inner || 4 }
  const shared = (name: string): string => `var<workgroup> ${name}: array<vec4<${staged}>, ${(size * inner) / 4}>;\n`
  const { opening, workgroups } = gridOf(p, size, size, threadsOf(p.tile), limits)
  const wgsl = `${inner ? shared('as_') + shared('bs_') : ''}
${blockReader('readA', a, multiple)}
${blockReader('readB', b, multiple)}
${declare}
${opening}
  let tx = tid % ${size / part}u;
  let ty = tid / ${size / part}u;
${entries(part, (r, g) => `  var c${r}_${g}: vec4<f32>;`)}
${inner ? sharedLoop(p) : registerLoop(p)}
  let row0 = m0 + ty * 4u; let col0 = n0 + tx * 4u;
${finish}
}`
  return { wgsl, workgroups }
}

/** Inner entries of a part: a multiple of 64 where there are several, so that no block lies in two. */
export const partOf = (inner: number, split: number): number => Math.ceil(Math.ceil(inner / split) / 64) * 64
