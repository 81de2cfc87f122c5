/**
 * Matrix products by shape: which tile, how many parts of the inner axis, and which windows of large operands.
 *
 * y[z] = op(a[z / repeatA])·op(b[z / repeatB]), z < batch: a repeat of `batch` shares one matrix among all, and a
 * repeat of H/Hkv is a grouped key head. Equal shapes give equal WGSL.
 *
 * A product with few tiles and a long inner axis (a weight's gradient) is split: parts are summed by a second kernel
 * in a fixed order, so that results repeat bit for bit. An operand above the binding limit is read through windows,
 * by pieces of its slowest axis; pieces of the inner axis add to what the earlier ones wrote.
 */
import { UnsupportedError } from '@ldyn/tensor'
import { fold, roundUp, WINDOW, type Binding, type Epilogue, type Kernel, type Limits } from './kernel.ts'
import type { Lowering, MatmulPrecision, Ref } from './kernel.ts'
import { alignedAt, eachEntry, partOf, tiled, TILES, type Source, type Tile } from './tile.ts'
import { matrixUnits, multiplyByUnits } from './units.ts'

/** The shapes of a product. `batch` is a multiple of both repeats. */
export interface Product {
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly k: number
  readonly ta: boolean
  readonly tb: boolean
  readonly repeatA: number
  readonly repeatB: number
}

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

/** What `matmul` of the op table means for these shapes: a rank-2 right operand takes all rows at once. */
export function productOf(a: readonly number[], b: readonly number[], ta: boolean, tb: boolean): Product {
  const [rows, columns] = a.slice(-2)
  const [m, k] = ta ? [columns, rows] : [rows, columns]
  const n = b.at(tb ? -2 : -1)!
  const batch = size(a.slice(0, -2))
  const same = { n, k, ta, tb, repeatA: 1, repeatB: 1 }
  if (b.length === 2 && a.length > 2) return { ...same, batch: 1, m: m * batch }
  return { ...same, batch, m }
}

/** A matrix operand in memory: `words` in all, one matrix at `at`, rows `stride` apart. */
export interface Side {
  readonly of: Ref
  readonly words: number
  readonly at: number
  readonly stride: number
  readonly step: number
  readonly repeat: number
}

/** One product that needs no further window. */
export interface Piece extends Product {
  readonly a: Side
  readonly b: Side
  readonly y: Side
  readonly accumulate: boolean
  /** The last to write its part of y: only this one may apply the epilogue. */
  readonly last: boolean
}

export interface MatmulOptions {
  readonly precision?: MatmulPrecision
  readonly epilogue?: Epilogue
  /** Where the parts of a split product go: temp0 unless given. */
  readonly parts?: Ref
  /** For tests and benchmarks: not chosen by shape. */
  readonly tile?: Tile
  readonly split?: number
}

/** Workgroups that keep a large card busy. */
const BUSY = 256

/** The tile and the number of inner parts for a shape. */
export function choose({ batch, m, n, k }: Product, limits: Limits): { tile: Tile; split: number } {
  const tiles = ({ size }: Tile): number => Math.ceil(m / size) * Math.ceil(n / size) * batch
  const fits = (tile: Tile): boolean =>
    limits.workgroupBytes >= tile.size * tile.inner * 8 && limits.maxInvocations >= (tile.size / tile.each) ** 2
  const tile =
    Math.min(m, n) <= 32
      ? TILES.small
      : limits.software || !fits(TILES.medium)
        ? TILES.registers
        : Math.min(m, n) >= 128 && tiles(TILES.large) >= BUSY / 2 && fits(TILES.large)
          ? TILES.large
          : TILES.medium
  if (limits.software) return { tile, split: 1 }
  const wanted = Math.floor(BUSY / Math.max(1, tiles(tile)))
  return { tile, split: Math.max(1, Math.min(wanted, Math.floor(k / 256), 32)) }
}

/** The dispatches of a product, which may be none (no entries) or a fill with the epilogue of 0 (no inner axis). */
export function matmul(p: Product, limits: Limits, options: MatmulOptions = {}): Lowering {
  const { batch, m, n, k, ta, tb } = p
  if (batch * m * n === 0) return { kernels: [], temporaries: [] }
  const all: Piece = {
    ...p,
    a: whole('in0', batch / p.repeatA, ta ? k : m, ta ? m : k, p.repeatA),
    b: whole('in1', batch / p.repeatB, tb ? n : k, tb ? k : n, p.repeatB),
    y: whole('out0', batch, m, n),
    accumulate: false,
    last: true,
  }
  const { kernels, parts } = multiplied(all, limits, options)
  return { kernels, temporaries: parts ? [parts] : [] }
}

/** All of an operand: so many matrices of rows × columns. */
export const whole = (of: Ref, matrices: number, rows: number, columns: number, repeat = 1): Side => ({
  of, words: matrices * rows * columns, at: 0, stride: columns, step: rows * columns, repeat,
})

/** The dispatches of a product between any operands, and the words that the parts of a split one need. */
export function multiplied(
  p: Piece, limits: Limits, options: MatmulOptions = {},
): { kernels: Kernel[]; parts: number } {
  const kernels: Kernel[] = []
  let temporary = 0
  for (const piece of pieces(p, limits.maxBindingBytes / 4)) {
    const units = matrixUnits(piece, limits, options.precision)
    if (units) {
      kernels.push(multiplyByUnits(piece, units, limits, options))
      continue
    }
    const chosen = choose(piece, limits)
    let tile = options.tile ?? chosen.tile
    if (options.precision === 'f16' && limits.f16 && tile.inner) tile = { ...tile, staged: 'f16' }
    const wanted = options.split ?? chosen.split
    const entries = piece.batch * piece.m * piece.n
    const split = wanted > 1 && !piece.accumulate && entries * wanted * 4 <= limits.maxBindingBytes ? wanted : 1
    kernels.push(...multiply(piece, tile, split, limits, options))
    if (split > 1) temporary = Math.max(temporary, roundUp(entries, 4) * split)
  }
  return { kernels, parts: temporary }
}

/** Bindings of a piece's operands: the whole, or the window that it touches, with the offset within. */
export function place(
  side: Side, span: number, name: string, access: Binding['access'], vector: boolean, limits: Limits,
): { binding: Binding; at: number } {
  const element = vector ? ('vec4<f32>' as const) : ('f32' as const)
  if (side.words * 4 <= limits.maxBindingBytes) return { binding: { name, of: side.of, element, access }, at: side.at }
  const at = Math.floor(side.at / WINDOW) * WINDOW
  const words = Math.min(side.words - at, roundUp(side.at - at + span, 4))
  return { binding: { name, of: side.of, element, access, window: { at, words } }, at: side.at - at }
}

/** Words from a side's first to its last entry. */
const spanOf = (s: Side, batch: number, rows: number, columns: number): number =>
  (Math.ceil(batch / s.repeat) - 1) * s.step + (rows - 1) * s.stride + columns

/** Sources and result of a piece, in the bindings that it needs; the result in vec4s where it can, unless `scalars`. */
export function operands(
  p: Piece, limits: Limits, scalars = false,
): { a: Source; b: Source; y: { binding: Binding; at: number } } {
  const { batch, m, n, k, ta, tb } = p
  const source = (s: Side, name: string, outer: number, transposed: boolean): Source => {
    const [rows, columns] = transposed ? [outer, k] : [k, outer]
    const vector = alignedAt(s.at, s.stride, s.step, columns, s.words)
    const { binding, at } = place(s, spanOf(s, batch, rows, columns), name, 'read', vector, limits)
    const { stride, step, repeat } = s
    return { binding, at, outer, inner: k, along: transposed ? 'inner' : 'outer', stride, step, repeat }
  }
  const vector = !scalars && alignedAt(p.y.at, p.y.stride, p.y.step, n, p.y.words)
  return {
    a: source(p.a, 'a', m, !ta),
    b: source(p.b, 'b', n, tb),
    y: place(p.y, spanOf(p.y, batch, m, n), 'y', 'write', vector, limits),
  }
}

/**
 * Cuts a product until every operand's part fits a binding: first into matrices, then along the slowest axis of what
 * is still too large (rows of y; rows of a or b, which may be the inner axis).
 */
function* pieces(p: Piece, limit: number): Generator<Piece> {
  const room = limit - WINDOW
  const { batch, m, n, k, ta, tb } = p
  const touched = [
    spanOf(p.a, batch, ta ? k : m, ta ? m : k), spanOf(p.b, batch, tb ? n : k, tb ? k : n), spanOf(p.y, batch, m, n),
  ]
  const large = [p.a, p.b, p.y].map((s, i) => s.words > limit && touched[i] > room)
  if (!large.some(Boolean)) return yield p
  if (batch > 1) {
    // As many matrices at once as fit, in whole repeats; else one by one.
    const unit = Math.max(p.a.repeat, p.b.repeat)
    const most = Math.max(...[p.a, p.b, p.y].map((s) => s.step / s.repeat))
    const lot = Math.min(batch - 1, Math.floor(room / most / unit) * unit) || 1
    for (let z = 0; z < batch; z += lot) {
      const some = (s: Side): Side => ({
        ...s, at: s.at + Math.floor(z / s.repeat) * s.step, repeat: lot === 1 ? 1 : s.repeat,
      })
      yield* pieces({ ...p, batch: Math.min(lot, batch - z), a: some(p.a), b: some(p.b), y: some(p.y) }, limit)
    }
    return
  }
  const moved = (s: Side, by: number): Side => ({ ...s, at: s.at + by })
  const cut = (total: number, stride: number): number[] => {
    const rows = Math.floor(room / stride / 4) * 4
    if (rows === 0) throw new UnsupportedError(`four rows of a matrix, ${stride} wide, exceed the device's largest binding`)
    return Array.from({ length: Math.ceil(total / rows) }, (_, i) => Math.min(rows, total - i * rows))
  }
  let at = 0
  if (large[2] || (large[0] && !ta)) {
    for (const rows of cut(m, Math.max(p.y.stride, large[0] && !ta ? p.a.stride : 1))) {
      yield* pieces({ ...p, m: rows, a: moved(p.a, at * (ta ? 1 : p.a.stride)), y: moved(p.y, at * p.y.stride) }, limit)
      at += rows
    }
  } else if (large[1] && tb) {
    for (const rows of cut(n, p.b.stride)) {
      yield* pieces({ ...p, n: rows, b: moved(p.b, at * p.b.stride), y: moved(p.y, at) }, limit)
      at += rows
    }
  } else {
    for (const rows of cut(k, Math.max(large[0] ? p.a.stride : 1, large[1] ? p.b.stride : 1))) {
      const [a, b] = [moved(p.a, at * (ta ? p.a.stride : 1)), moved(p.b, at * (tb ? 1 : p.b.stride))]
      const end = at + rows === k
      yield* pieces({ ...p, k: rows, a, b, accumulate: p.accumulate || at > 0, last: p.last && end }, limit)
      at += rows
    }
  }
}

/** One piece: a tiled kernel, and where it is split the kernel that adds the parts. */
function multiply(p: Piece, tile: Tile, split: number, limits: Limits, options: MatmulOptions): Kernel[] {
  const { batch, m, n, k } = p
  const { a, b, y } = operands(p, limits)
  const label = `matmul ${p.ta ? 't' : 'n'}${p.tb ? 't' : 'n'} ${tile.name}${tile.staged === 'f16' ? ' f16' : ''}`
  const enables = tile.staged === 'f16' ? ['f16'] : []
  const last = p.last ? options.epilogue : undefined
  if (split === 1) {
    const finish = eachEntry(tile, y.binding.element === 'vec4<f32>', storeEntry(p, y, last !== undefined))
    const { wgsl, workgroups } = tiled({ tile, batch, a, b, split, finish, declare: last?.wgsl }, limits)
    const bindings = [a.binding, b.binding, y.binding, ...(last?.bindings ?? [])]
    return [{ label, wgsl, enables, bindings, workgroups }]
  }
  const entries = batch * m * n
  const step = roundUp(entries, 4)
  const vector = alignedAt(n)
  const parts: Binding = { name: 'parts', of: options.parts ?? 'temp0', element: vector ? 'vec4<f32>' : 'f32', access: 'write' }
  const finish = eachEntry(tile, vector, `if (row < ${m}u && column < ${n}u) {
      let at = part * ${step}u + z * ${m * n}u + row * ${n}u + column;
      parts[at${vector ? ' / 4u' : ''}] = v;
    }`)
  const { wgsl, workgroups } = tiled({ tile, batch, a, b, split, finish }, limits)
  const flat: Binding = { ...parts, element: 'f32', access: 'read' }
  const into = place(p.y, spanOf(p.y, batch, m, n), 'y', 'write', false, limits)
  const at = `${into.at}u + (i / ${m * n}u) * ${p.y.step}u + (i % ${m * n}u) / ${n}u * ${p.y.stride}u + i % ${n}u`
  const groups = Math.ceil(entries / 64)
  return [
    { label: `${label} split ${split}`, wgsl, enables, bindings: [a.binding, b.binding, parts], workgroups },
    {
      label: `matmul sum of ${split} parts`,
      wgsl: `${last?.wgsl ?? ''}
@compute @workgroup_size(64) fn main(@builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let i = (wid.x + wid.y * grid.x) * 64u + tid;
  if (i >= ${entries}u) { return; }
  var v = 0.0;
  for (var s = 0u; s < ${Math.ceil(k / partOf(k, split))}u; s++) { v += parts[s * ${step}u + i]; }
  let at = ${at};
  y[at] = ${last ? `epilogue(v, i32(at) + ${p.y.at - into.at})` : 'v'};
}`,
      bindings: [flat, into.binding, ...(last?.bindings ?? [])],
      workgroups: fold(groups, limits),
    },
  ]
}

/**
 * WGSL that stores `v`, entry (row, column) of matrix z or four of them, if they exist. With `epilogue` they go through
 * the function of that name, by their flat index in the whole result.
 */
export function storeEntry(
  p: Piece, { binding: { element }, at }: { binding: Binding; at: number }, epilogue: boolean,
): string {
  const vector = element === 'vec4<f32>'
  const place = vector ? 'y[at / 4u]' : 'y[at]'
  const sum = p.accumulate ? `${place} + v` : 'v'
  const index = (lane: number): string => `i32(at) + ${p.y.at - at + lane}`
  const lanes = [...'xyzw'].map((x, lane) => `epilogue(sum.${x}, ${index(lane)})`).join(', ')
  const final = !epilogue ? 'sum' : vector ? `vec4<f32>(${lanes})` : `epilogue(sum, ${index(0)})`
  return `if (row < ${p.m}u && column < ${p.n}u) {
      let at = ${at}u + z * ${p.y.step}u + row * ${p.y.stride}u + column;
      let sum = ${sum};
      ${place} = ${final};
    }`
}
