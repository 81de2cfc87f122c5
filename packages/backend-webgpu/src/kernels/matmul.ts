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
import { sizeOf, UnsupportedError, type Shape } from '@ldyn/tensor'
import { bind, eachOf, roundUp, WINDOW } from './kernel.ts'
import type { Access, Binding, Epilogue, Kernel, Limits, Lowering, MatmulPrecision, Ref } from './kernel.ts'
import { alignedAt, eachEntry, partOf, tiled, TILES, type Source, type Tile } from './tile.ts'
import { matrixUnits, multiplyByUnits } from './units.ts'

/** The shapes of a product. `batch` is a multiple of both repeats. */
export interface Product {
  readonly batch: number; readonly m: number; readonly n: number; readonly k: number; readonly ta: boolean
  readonly tb: boolean; readonly repeatA: number; readonly repeatB: number
}

/** What `matmul` of the op table means for these shapes: a rank-2 right operand takes all rows at once. */
export function productOf(a: Shape, b: Shape, ta: boolean, tb: boolean): Product {
  const [rows, columns] = a.slice(-2)
  const [m, k] = ta ? [columns, rows] : [rows, columns]
  const batch = sizeOf(a.slice(0, -2))
  const same = { n: b.at(tb ? -2 : -1)!, k, ta, tb, repeatA: 1, repeatB: 1 }
  return b.length === 2 && a.length > 2 ? { ...same, batch: 1, m: m * batch } : { ...same, batch, m }
}

/** A matrix operand in memory: `words` in all, one matrix at `at`, rows `stride` apart. */
export interface Side {
  readonly of: Ref; readonly words: number; readonly at: number; readonly stride: number; readonly step: number
  readonly repeat: number
}

/** One product that needs no further window. `last` to write its part of y: only this one may apply the epilogue. */
export interface Piece extends Product {
  readonly a: Side; readonly b: Side; readonly y: Side; readonly accumulate: boolean; readonly last: boolean
}

export interface MatmulOptions {
  readonly precision?: MatmulPrecision; readonly epilogue?: Epilogue
  /** Where the parts of a split product go: temp0 unless given. */
  readonly parts?: Ref
  /** For tests and benchmarks: not chosen by shape. */
  readonly tile?: Tile; readonly split?: number
}

/** Workgroups that keep a large card busy. */
const BUSY = 256

/** The tile and the number of inner parts for a shape. */
export function choose({ batch, m, n, k }: Product, limits: Limits): { tile: Tile; split: number } {
  const tiles = ({ size }: Tile): number => Math.ceil(m / size) * Math.ceil(n / size) * batch
  const fits = (tile: Tile): boolean =>
    limits.workgroupBytes >= tile.size * tile.inner * 8 && limits.maxInvocations >= (tile.size / tile.each) ** 2
  // Few large tiles are worth their while where a long inner axis can be split among as many again.
  const large = Math.min(m, n) >= 128 && tiles(TILES.large) >= (k >= 2048 ? BUSY / 8 : BUSY / 2) && fits(TILES.large)
  const tile = Math.min(m, n) <= 32 ? TILES.small
    : limits.software || !fits(TILES.medium) ? TILES.registers : large ? TILES.large : TILES.medium
  if (limits.software) return { tile, split: 1 }
  const wanted = Math.floor((large ? BUSY / 2 : BUSY) / Math.max(1, tiles(tile)))
  return { tile, split: Math.max(1, Math.min(wanted, k < 512 ? 1 : Math.floor(k / 128), 32)) }
}

/** All of an operand: so many matrices of rows × columns. */
export const whole = (of: Ref, matrices: number, rows: number, columns: number, repeat = 1): Side => ({
  of, words: matrices * rows * columns, at: 0, stride: columns, step: rows * columns, repeat,
})

/** The dispatches of a product. */
export function matmul(p: Product, limits: Limits, options: MatmulOptions = {}): Lowering {
  const { batch, m, n, k, ta, tb } = p
  const a = whole('in0', batch / p.repeatA, ta ? k : m, ta ? m : k, p.repeatA)
  const b = whole('in1', batch / p.repeatB, tb ? n : k, tb ? k : n, p.repeatB)
  const all = { ...p, a, b, y: whole('out0', batch, m, n), accumulate: false, last: true }
  const { kernels, parts } = multiplied(all, limits, options)
  return { kernels, temporaries: parts ? [parts] : [] }
}

/** The dispatches of a product between any operands, and the words that the parts of a split one need. */
export function multiplied(p: Piece, limits: Limits, options: MatmulOptions): { kernels: Kernel[]; parts: number } {
  const kernels: Kernel[] = []
  let parts = 0
  for (const piece of pieces(p, limits.maxBindingBytes / 4)) {
    const units = matrixUnits(piece, limits, options.precision)
    if (units) {
      kernels.push(multiplyByUnits(piece, units, limits, options))
      continue
    }
    const chosen = choose(piece, limits)
    const tile: Tile = options.tile ?? chosen.tile
    const half = options.precision === 'f16' && limits.f16 && tile.inner > 0
    const wanted = options.split ?? chosen.split
    const entries = piece.batch * piece.m * piece.n
    const split = wanted > 1 && !piece.accumulate && entries * wanted * 4 <= limits.maxBindingBytes ? wanted : 1
    kernels.push(...multiply(piece, half ? { ...tile, staged: 'f16' } : tile, split, limits, options))
    if (split > 1) parts = Math.max(parts, roundUp(entries, 4) * split)
  }
  return { kernels, parts }
}

/** An operand's binding and the offset in it. */
export interface Placed { readonly binding: Binding; readonly at: number }

/** Bindings of a piece's operands: the whole, or the window that it touches. */
export function place(s: Side, span: number, name: string, access: Access, vector: boolean, limits: Limits): Placed {
  const binding = bind(name, s.of, access, vector ? 'vec4<f32>' : 'f32')
  if (s.words * 4 <= limits.maxBindingBytes) return { binding, at: s.at }
  const at = Math.floor(s.at / WINDOW) * WINDOW
  const words = Math.min(s.words - at, roundUp(s.at - at + span, 4))
  return { binding: { ...binding, window: { at, words } }, at: s.at - at }
}

/** Words from a side's first to its last entry. */
const spanOf = (s: Side, batch: number, rows: number, columns: number): number =>
  (Math.ceil(batch / s.repeat) - 1) * s.step + (rows - 1) * s.stride + columns

/** Sources and result of a piece, in the bindings that it needs; the result in vec4s where it can, unless `scalars`. */
export function operands(p: Piece, limits: Limits, scalars = false): { a: Source; b: Source; y: Placed } {
  const { batch, m, n, k, ta, tb } = p
  const source = (s: Side, name: string, outer: number, transposed: boolean): Source => {
    const [rows, columns] = transposed ? [outer, k] : [k, outer]
    const vector = alignedAt(s.at, s.stride, s.step, columns, s.words)
    const placed = place(s, spanOf(s, batch, rows, columns), name, 'read', vector, limits)
    const { stride, step, repeat } = s
    return { ...placed, outer, inner: k, along: transposed ? 'inner' : 'outer', stride, step, repeat }
  }
  const vector = !scalars && alignedAt(p.y.at, p.y.stride, p.y.step, n, p.y.words)
  const y = place(p.y, spanOf(p.y, batch, m, n), 'y', 'write', vector, limits)
  return { a: source(p.a, 'a', m, !ta), b: source(p.b, 'b', n, tb), y }
}

/** Cuts a product until every operand's part fits a binding: into matrices, then along the slowest large axis. */
function* pieces(p: Piece, limit: number): Generator<Piece> {
  const room = limit - WINDOW
  const { batch, m, n, k, ta, tb, a, b, y } = p
  const large = (s: Side, rows: number, columns: number): boolean =>
    s.words > limit && spanOf(s, batch, rows, columns) > room
  const [largeA, largeB, largeY] = [large(a, ta ? k : m, ta ? m : k), large(b, tb ? n : k, tb ? k : n), large(y, m, n)]
  if (!largeA && !largeB && !largeY) return yield p
  if (batch > 1) {
    // As many matrices at once as fit, in whole repeats; else one by one.
    const unit = Math.max(a.repeat, b.repeat)
    const most = Math.max(...[a, b, y].map((s) => s.step / s.repeat))
    const lot = Math.min(batch - 1, Math.floor(room / most / unit) * unit) || 1
    for (let z = 0; z < batch; z += lot) {
      const some = (s: Side): Side =>
        ({ ...s, at: s.at + Math.floor(z / s.repeat) * s.step, repeat: lot === 1 ? 1 : s.repeat })
      yield* pieces({ ...p, batch: Math.min(lot, batch - z), a: some(a), b: some(b), y: some(y) }, limit)
    }
    return
  }
  const axis = largeY || (largeA && !ta) ? 'm' : largeB && tb ? 'n' : 'k'
  // How far a, b and y move from one row of the axis to the next.
  const ofInner = [ta ? a.stride : 1, tb ? 1 : b.stride, 0]
  const steps = { m: [ta ? 1 : a.stride, 0, y.stride], n: [0, b.stride, 1], k: ofInner }[axis]
  const stride = Math.max(...steps.filter((_, i) => [largeA, largeB, largeY || axis === 'm'][i]))
  const rows = Math.floor(room / stride / 4) * 4
  if (rows === 0) throw new UnsupportedError(`four rows of a matrix, ${stride} wide, exceed the device's largest binding`)
  for (let at = 0; at < p[axis]; at += rows) {
    const here = Math.min(rows, p[axis] - at)
    const [ofA, ofB, ofY] = [a, b, y].map((s, i) => ({ ...s, at: s.at + at * steps[i] }))
    const [accumulate, last] = axis === 'k' ? [at > 0, at + here === k] : [false, true]
    yield* pieces({
      ...p, [axis]: here, a: ofA, b: ofB, y: ofY, accumulate: p.accumulate || accumulate, last: p.last && last,
    }, limit)
  }
}

/** One piece: a tiled kernel, and where it is split the kernel that adds the parts. */
function multiply(p: Piece, tile: Tile, split: number, limits: Limits, options: MatmulOptions): Kernel[] {
  const { batch, m, n, k } = p
  const { a, b, y } = operands(p, limits)
  const [f16, enables] = tile.staged === 'f16' ? [' f16', ['f16']] : ['', []]
  const label = `matmul ${p.ta ? 't' : 'n'}${p.tb ? 't' : 'n'} ${tile.name}${f16}`
  const last = p.last ? options.epilogue : undefined
  if (split === 1) {
    const finish = eachEntry(tile, y.binding.element === 'vec4<f32>', storeEntry(p, y, last !== undefined))
    const made = tiled({ tile, batch, a, b, split, finish, declare: last?.wgsl }, limits)
    return [{ label, enables, bindings: [a.binding, b.binding, y.binding, ...(last?.bindings ?? [])], ...made }]
  }
  const entries = batch * m * n
  const step = roundUp(entries, 4)
  const vector = alignedAt(n)
  const parts = bind('parts', options.parts ?? 'temp0', 'write', vector ? 'vec4<f32>' : 'f32')
  const finish = eachEntry(tile, vector, `if (row < ${m}u && column < ${n}u) {
      let at = part * ${step}u + z * ${m * n}u + row * ${n}u + column;
      parts[at${vector ? ' / 4u' : ''}] = v;
    }`)
  const made = tiled({ tile, batch, a, b, split, finish }, limits)
  const into = place(p.y, spanOf(p.y, batch, m, n), 'y', 'write', false, limits)
  const bindings = [bind('parts', parts.of, 'read'), into.binding, ...(last?.bindings ?? [])]
  const sum = eachOf('i', entries, `matmul sum of ${split} parts`, bindings, limits, `var v = 0.0;
  for (var s = 0u; s < ${Math.ceil(k / partOf(k, split))}u; s++) { v += parts[s * ${step}u + i]; }
  let at = ${into.at}u + (i / ${m * n}u) * ${p.y.step}u + (i % ${m * n}u) / ${n}u * ${p.y.stride}u + i % ${n}u;
  y[at] = ${last ? `epilogue(v, i32(at) + ${p.y.at - into.at})` : 'v'};`, last?.wgsl)
  return [{ label: `${label} split ${split}`, enables, bindings: [a.binding, b.binding, parts], ...made }, sum]
}

/** WGSL that stores `v`, entry (row, column) of matrix z or four, where there are, through the epilogue if any. */
export function storeEntry(p: Piece, { binding: { element }, at }: Placed, epilogue: boolean): string {
  const vector = element === 'vec4<f32>'
  const place = vector ? 'y[at / 4u]' : 'y[at]'
  const index = (lane: number): string => `i32(at) + ${p.y.at - at + lane}`
  const lanes = [...'xyzw'].map((x, lane) => `epilogue(sum.${x}, ${index(lane)})`).join(', ')
  const final = !epilogue ? 'sum' : vector ? `vec4<f32>(${lanes})` : `epilogue(sum, ${index(0)})`
  return `if (row < ${p.m}u && column < ${p.n}u) {
      let at = ${at}u + z * ${p.y.step}u + row * ${p.y.stride}u + column;
      let sum = ${p.accumulate ? `${place} + v` : 'v'};
      ${place} = ${final};
    }`
}
