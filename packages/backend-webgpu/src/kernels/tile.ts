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
import { fold, type Binding, type Limits } from './kernel.ts'

export interface Tile {
  readonly name: string
  /** Rows and columns of the workgroup's tile. */
  readonly size: number
  /** Rows and columns of a thread's part: 4 or 8. */
  readonly each: 4 | 8
  /** Inner entries that are staged at once in workgroup memory; 0 for a register tile. */
  readonly inner: number
  /** What is staged: f16 halves the traffic of workgroup memory; sums stay f32. */
  readonly staged: 'f32' | 'f16'
}

export const TILES = {
  large: { name: '128×128', size: 128, each: 8, inner: 16, staged: 'f32' },
  medium: { name: '64×64', size: 64, each: 8, inner: 16, staged: 'f32' },
  registers: { name: '64×64 in registers', size: 64, each: 8, inner: 0, staged: 'f32' },
  small: { name: '32×32 in registers', size: 32, each: 4, inner: 0, staged: 'f32' },
} as const satisfies Record<string, Tile>

export const threadsOf = ({ size, each }: Tile): number => (size / each) ** 2

/** A matrix operand as the kernel reads it: entry (outer o, inner k) of matrix z. Sizes in elements. */
export interface Source {
  readonly binding: Binding
  readonly outer: number
  readonly inner: number
  /** Which of the two is contiguous. */
  readonly along: 'outer' | 'inner'
  /** From one row to the next, whichever rows are stored. */
  readonly stride: number
  /** Of the first element within the binding, and from one matrix to the next. */
  readonly at: number
  readonly step: number
  /** This many products in a row use the same matrix. */
  readonly repeat: number
}

export interface Product {
  readonly tile: Tile
  readonly batch: number
  readonly a: Source
  readonly b: Source
  /** The inner axis in this many parts, each a matrix of its own in the result. */
  readonly split: number
  /**
   * WGSL at the end, with the thread's entries in `c{row}_{half}` (vec4s of columns), and in scope row0, col0, z, part.
   */
  readonly finish: string
  /** Declarations before the entry point. */
  readonly declare?: string
}

/** Whether a source can be read in vec4s. */
export const alignedAt = (...offsets: readonly number[]): boolean => offsets.every((n) => n % 4 === 0)

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const lines = (n: number, f: (i: number) => string): string => range(n).map(f).join('\n')

/**
 * `fn {fn}(at, outer_, inner_) -> mat4x4<f32>`: entries outside are 0. `at` is the matrix's first element. No branches:
 * an entry outside reads element 0 and drops it (branches cost GPUs little, but software drivers minutes of compiling).
 */
export function blockReader(fn: string, s: Source, multiple: { outer: number; inner: number }): string {
  const { name, element } = s.binding
  const guard = {
    outer_: s.outer % multiple.outer !== 0 ? s.outer : undefined,
    inner_: s.inner % multiple.inner !== 0 ? s.inner : undefined,
  }
  const [row, column] = s.along === 'inner' ? (['outer_', 'inner_'] as const) : (['inner_', 'outer_'] as const)
  const below = (x: 'outer_' | 'inner_', n: number): string | undefined => 
    guard[x] === undefined ? undefined : `${x} + ${n}u < ${guard[x]}u`
  const load = (tests: (string | undefined)[], at: string, zero: string): string => {
    const test = tests.filter((t) => t !== undefined).map((t) => `(${t})`).join(' & ')
    return test ? `select(${zero}, ${name}[select(0u, ${at}, ${test})], ${test})` : `${name}[${at}]`
  }
  const at = (i: number): string => `at + (${row} + ${i}u) * ${s.stride}u + ${column}`
  const rows = range(4).map((i) =>
    element === 'vec4<f32>'
      ? load([below(row, i), below(column, 0)], `(${at(i)}) / 4u`, 'vec4<f32>()')
      : `vec4<f32>(${range(4)
        .map((j) => load([below(row, i), below(column, j)], `${at(i)} + ${j}u`, '0.0')).join(', ')})`,
  )
  const matrix = `mat4x4<f32>(\n    ${rows.join(',\n    ')})`
  return `fn ${fn}(at: u32, outer_: u32, inner_: u32) -> mat4x4<f32> {
  return ${s.along === 'inner' ? `transpose(${matrix})` : matrix};
}`
}

/** The multiply-adds of one inner index, from vec4s a0, a1 (rows) and b0, b1 (columns). */
export const multiplyAdd = (each: number, a: (h: number) => string, b: (g: number) => string): string =>
  lines(each, (r) => lines(each / 4, (g) => `    c${r}_${g} += ${a(r >> 2)}.${'xyzw'[r & 3]} * ${b(g)};`))

/** Shared tile: the loop over k, blocks staged through `as` and `bs`. */
function sharedLoop({ tile, a, b }: Product): string {
  const { size, each, inner } = tile
  const threads = threadsOf(tile)
  const [blocks, quads, across] = [(size / 4) * (inner / 4), size / 4, inner / 4]
  // One slot: the first half of the threads brings a, the other b. Two: every thread brings a block of each.
  const slots = blocks * 2 > threads ? ['a', 'b'] : ['']
  const id = slots.length === 1 ? `(tid % ${blocks}u)` : 'tid'
  const place = (s: Source): [string, string] =>
    s.along === 'inner' ? [`${id} / ${across}u`, `${id} % ${across}u`] : [`${id} % ${quads}u`, `${id} / ${quads}u`]
  const [[ao, ak], [bo, bk]] = [place(a), place(b)]
  const either = (one: string, two: string): string =>
    slots.length === 1 ? `if (tid < ${blocks}u) { ${one} } else { ${two} }` : `${one}\n    ${two}`
  const [pa, pb] = slots.length === 1 ? ['p', 'p'] : ['pa', 'pb']
  const read = (k: string): string =>
    either(`${pa} = readA(atA, m0 + ao * 4u, ${k} + ak * 4u);`, `${pb} = readB(atB, n0 + bo * 4u, ${k} + bk * 4u);`)
  const staged = `vec4<${tile.staged}>`
  const store = either(
    range(4).map((j) => `as_[(ak * 4u + ${j}u) * ${quads}u + ao] = ${staged}(${pa}[${j}]);`).join(' '),
    range(4).map((j) => `bs_[(bk * 4u + ${j}u) * ${quads}u + bo] = ${staged}(${pb}[${j}]);`).join(' '),
  )
  const half = quads / (each / 4)
  return `
  let ao = ${ao}; let ak = ${ak}; let bo = ${bo}; let bk = ${bk};
  ${[...new Set([pa, pb])].map((p) => `var ${p}: mat4x4<f32>;`).join(' ')}
  if (begin < end) { ${read('begin')} }
  for (var k = begin; k < end; k += ${inner}u) {
    ${store}
    workgroupBarrier();
    if (k + ${inner}u < end) { ${read(`(k + ${inner}u)`)} }
    for (var j = 0u; j < ${inner}u; j++) {
${lines(each / 4, (h) => `    let a${h} = vec4<f32>(as_[j * ${quads}u + ${h * half}u + ty]);`)}
${lines(each / 4, (g) => `    let b${g} = vec4<f32>(bs_[j * ${quads}u + ${g * half}u + tx]);`)}
${multiplyAdd(each, (h) => `a${h}`, (g) => `b${g}`)}
    }
    workgroupBarrier();
  }`
}

/** Register tile: the loop over k, blocks used as they come; four products are summed before they meet the sum. */
function registerLoop({ tile: { size, each } }: Product): string {
  const half = size / (each / 4)
  return `
  for (var k = begin; k < end; k += 4u) {
${lines(each / 4, (h) => `    let a${h} = readA(atA, m0 + ${h * half}u + ty * 4u, k);`)}
${lines(each / 4, (g) => `    let b${g} = readB(atB, n0 + ${g * half}u + tx * 4u, k);`)}
${lines(each, (r) => lines(each / 4, (g) => `    c${r}_${g} += ${range(4)
    .map((j) => `a${r >> 2}[${j}].${'xyzw'[r & 3]} * b${g}[${j}]`).join(' + ')};`))}
  }`
}

/**
 * WGSL that goes through a thread's entries in one loop: `body` sees `row`, `column` within the matrix and `v`, one
 * entry, or a vec4 of columns if `vector`. A loop, because 64 guarded stores in a row take drivers long to compile.
 */
export function eachEntry({ size, each }: Tile, vector: boolean, body: string): string {
  const halves = each / 4
  const apart = size / halves
  return `  var out = array<vec4<f32>, ${each * halves}>(${range(each * halves).map((i) => `c${Math.floor(i / halves)}_${i % halves}`).join(', ')});
  for (var e = 0u; e < ${vector ? each * halves : each * each}u; e++) {
    let q = e${vector ? '' : ' / 4u'};
    let r = q / ${halves}u;
    let row = row0 + (r / 4u) * ${apart}u + r % 4u;
    let column = col0 + (q % ${halves}u) * ${apart}u${vector ? '' : ' + e % 4u'};
    let v = out[q]${vector ? '' : '[e % 4u]'};
    ${body}
  }`
}

/**
 * The entry point's beginning, for a grid of high×wide tiles of every matrix: which tile (m0, n0), matrix (z) and inner
 * part this workgroup has. Tiles go in bands of 8 tile rows, which then share b in the cache.
 */
export function opening(p: Omit<Product, 'tile' | 'finish'>, high: number, wide: number, threads: number): string {
  const { a, b, batch, split } = p
  const [rows, columns] = [Math.ceil(a.outer / high), Math.ceil(b.outer / wide)]
  const part = partOf(a.inner, split)
  return `
@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let flat = wid.x + wid.y * grid.x;
  if (flat >= ${rows * columns * batch * split}u) { return; }
  let tile = flat % ${rows * columns}u;
  let band = tile / ${8 * columns}u;
  let lines = min(8u, ${rows}u - band * 8u);
  let m0 = (band * 8u + (tile % ${8 * columns}u) % lines) * ${high}u;
  let n0 = (tile % ${8 * columns}u) / lines * ${wide}u;
  let z = flat / ${rows * columns * split}u;
  let part = (flat / ${rows * columns}u) % ${split}u;
  let begin = part * ${part}u;
  let end = min(${a.inner}u, begin + ${part}u);
  let atA = ${a.at}u + (z / ${a.repeat}u) * ${a.step}u;
  let atB = ${b.at}u + (z / ${b.repeat}u) * ${b.step}u;`
}

/** Workgroups of such a grid. */
export const gridOf = (
  p: Omit<Product, 'tile' | 'finish'>, high: number, wide: number, limits: Limits,
): [number, number, number] =>
  fold(Math.ceil(p.a.outer / high) * Math.ceil(p.b.outer / wide) * p.batch * p.split, limits)

/** The kernel of a product in tiles. */
export function tiled(p: Product, limits: Limits): { wgsl: string; workgroups: [number, number, number] } {
  const { tile, a, b } = p
  const { size, each, inner } = tile
  const multiple = { outer: size, inner: inner || 4 }
  const shared = inner
    ? `var<workgroup> as_: array<vec4<${tile.staged}>, ${(size * inner) / 4}>;
var<workgroup> bs_: array<vec4<${tile.staged}>, ${(size * inner) / 4}>;`
    : ''
  const wgsl = `${shared}
${blockReader('readA', a, multiple)}
${blockReader('readB', b, multiple)}
${p.declare ?? ''}
${opening(p, size, size, threadsOf(tile))}
  let tx = tid % ${size / each}u;
  let ty = tid / ${size / each}u;
${lines(each, (r) => `  ${range(each / 4).map((g) => `var c${r}_${g}: vec4<f32>;`).join(' ')}`)}
${inner ? sharedLoop(p) : registerLoop(p)}
  let row0 = m0 + ty * 4u;
  let col0 = n0 + tx * 4u;
${p.finish}
}`
  return { wgsl, workgroups: gridOf(p, size, size, limits) }
}

/** Inner entries of a part: a multiple of 64 where there are several, so that no block lies in two. */
export const partOf = (inner: number, split: number): number => Math.ceil(Math.ceil(inner / split) / 64) * 64
