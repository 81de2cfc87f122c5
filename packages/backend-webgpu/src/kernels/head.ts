/**
 * The head: from hidden states to log π of the targets, or to all statistics of a token's distribution, without the
 * logits ever being in memory.
 *
 * The logits' product runs in the tiles of every matmul; when a tile is done, each row's entries are folded into a
 * state that can be merged (a maximum and a sum of exponentials, or the six numbers of `STATS`), the threads of a row
 * merge theirs, and one state a row and tile is written: 2 to 6 numbers for 64 or 128 logits. A second kernel merges
 * the tiles of every row in order. Backward, z̄ = ȳ(e_y − π) is made for a range of the vocabulary at a time from the
 * rows' log-sum-exp, multiplied both ways, and overwritten by the next range.
 */
import { UnsupportedError } from '@ldyn/tensor'
import { bind, eachOf, roundUp } from './kernel.ts'
import type { Binding, Kernel, Limits, Lowering, MatmulPrecision, Ref } from './kernel.ts'
import { choose, multiplied, operands, whole, type Piece } from './matmul.ts'
import { gathered, tiled, TILES, type Tile } from './tile.ts'

/** `rows` of hidden states. */
export interface HeadShape { readonly rows: number; readonly width: number; readonly vocabulary: number }
/** A state of a row: fields, WGSL `single(x, i)` for one logit and `merge(a, b)`; NOTHING merges to the other. */
interface State { readonly name: string; readonly fields: readonly string[]; readonly wgsl: string }

/** log Σ e^z as m + ln l. */
const LOG_SUM: State = {
  name: 'tokenLogProb',
  fields: ['m', 'l'],
  wgsl: `
fn single(x: f32, i: f32) -> State { return State(x, 1.0); }
fn merge(a: State, b: State) -> State {
  let m = max(a.m, b.m);
  return State(m, a.l * exp(a.m - m) + b.l * exp(b.m - m));
}
const NOTHING = State(-1e30, 0.0);`,
}

/**
 * The largest logit z with its token i, and the others scaled by their own largest r: w = Σ e^(z−r), q = Σ e^2(z−r),
 * u = Σ e^(z−r)·(z−r). So nothing underflows however peaked π is, as in the composite's definition.
 */
const STATS: State = {
  name: 'tokenStats',
  fields: ['z', 'i', 'r', 'w', 'q', 'u'],
  wgsl: `
fn single(x: f32, i: f32) -> State { return State(x, i, -1e30, 0.0, 0.0, 0.0); }
fn others(a: State, b: State) -> State {
  let r = max(a.r, b.r); let fa = exp(a.r - r); let fb = exp(b.r - r);
  return State(a.z, a.i, r, a.w * fa + b.w * fb, a.q * fa * fa + b.q * fb * fb,
    fa * (a.u + select(0.0, (a.r - r) * a.w, a.w > 0.0)) + fb * (b.u + select(0.0, (b.r - r) * b.w, b.w > 0.0)));
}
fn merge(a: State, b: State) -> State {
  if (b.w == 0.0 && b.z <= -1e30) { return a; }
  if (a.w == 0.0 && a.z <= -1e30) { return b; }
  let first = a.z > b.z || (a.z == b.z && a.i < b.i);
  let lost = State(0.0, 0.0, select(a.z, b.z, first), 1.0, 1.0, 0.0); let o = others(others(a, b), lost);
  return State(select(b.z, a.z, first), select(b.i, a.i, first), o.r, o.w, o.q, o.u);
}
fn log1p_(x: f32) -> f32 { return select(log(1.0 + x), x * (1.0 - x * (0.5 - x * (1.0 / 3.0 - 0.25 * x))), x < 0.02); }
const NOTHING = State(-1e30, 0.0, -1e30, 0.0, 0.0, 0.0);`,
}

const declared = ({ fields, wgsl }: State): string =>
  `struct State { ${fields.map((f) => `${f}: f32`).join(', ')} }\n${wgsl}`

/** Reads and writes of a row's state in `partials`, fields apart so that neighbouring rows lie together. */
const at = (f: number, tiles: number, rows: number, tile: string): string =>
  `partials[(${f * tiles}u + ${tile}) * ${rows}u + row]`

const targets = bind('targets', 'in2', 'read', 'i32')
const chosen = bind('chosen', 'temp1', 'read')
const PLAIN = { batch: 1, repeatA: 1, repeatB: 1, accumulate: false, last: true, ta: false, tb: false }

/** WGSL that stores what comes of a row's merged state, and the bindings that it needs. */
type Store = readonly [wgsl: string, bindings: readonly Binding[]]

/** The product, by windows of the head, folded into temp0 (targets' logits: temp1); then by rows merged and stored. */
function folded(
  s: HeadShape, state: State, limits: Limits, ...stores: readonly Store[]
): { kernels: Kernel[]; words: number } {
  const { rows, vocabulary, width } = s
  const all: Piece = {
    ...PLAIN, m: rows, n: vocabulary, k: width, tb: true,
    a: whole('in0', 1, rows, width), b: whole('in1', 1, vocabulary, width), y: whole('out0', 1, rows, vocabulary),
  }
  const bytes = (t: Tile): number => t.size * t.inner * 8 + 4 * state.fields.length * (t.size / t.each) ** 2
  const large = choose(all, limits).tile === TILES.large && bytes(TILES.large) <= limits.workgroupBytes
  const tile = large ? TILES.large : TILES.medium
  const { size, each: part } = tile
  const [tiles, across, halves, apart] = [Math.ceil(vocabulary / size), size / part, part / 4, size / (part / 4)]
  const lot = Math.floor((limits.maxBindingBytes / 4 - 64) / width / size) * size
  if (lot === 0)
    throw new UnsupportedError(`${size} rows of a head ${width} wide need ${size * width * 4} bytes, and the device ` +
      `binds at most ${limits.maxBindingBytes}; use an adapter with larger bindings`)
  const kernels: Kernel[] = []
  for (let first = 0; first < vocabulary; first += lot) {
    const here = Math.min(lot, vocabulary - first)
    const { a, b } = operands({ ...all, n: here, b: { ...all.b, at: first * width } }, limits)
    const finish = `
  ${gathered(part)}
  for (var r = 0u; r < ${part}u; r++) {
    let row = row0 + (r / 4u) * ${apart}u + r % 4u;
    let wanted = targets[min(row, ${rows - 1}u)]; var state = NOTHING;
    for (var e = 0u; e < ${part}u; e++) {
      let column = col0 + (e / 4u) * ${apart}u + e % 4u;
      let x = out[r * ${halves}u + e / 4u][e % 4u];
      if (column < ${here}u) {
        state = merge(state, single(x, f32(column + ${first}u)));
        if (i32(column + ${first}u) == wanted && row < ${rows}u) { chosen[row] = x; }
      }
    }
    team[tid] = state;
    workgroupBarrier();
    if (tx == 0u && row < ${rows}u) {
      for (var t = 1u; t < ${across}u; t++) { state = merge(state, team[tid + t]); }
      let place = ${first / size}u + n0 / ${size}u;
      ${state.fields.map((f, i) => `${at(i, tiles, rows, 'place')} = state.${f};`).join(' ')}
    }
    workgroupBarrier();
  }`
    const declare = `${declared(state)}\nvar<workgroup> team: array<State, ${across * across}>;`
    const bindings = [a.binding, b.binding, targets, bind('partials', 'temp0', 'write'), bind('chosen', 'temp1', 'write')]
    const made = tiled({ tile, batch: 1, a, b, split: 1, finish, declare }, limits)
    kernels.push({ label: `${state.name} ${tile.name}`, bindings, ...made })
  }
  const partials = bind('partials', 'temp0', 'read')
  for (const [wgsl, bindings] of stores)
    kernels.push(eachOf('row', rows, `${state.name} by rows`, [partials, ...bindings], limits, `var state = NOTHING;
  for (var t = 0u; t < ${tiles}u; t++) {
    state = merge(state, State(${state.fields.map((_, f) => at(f, tiles, rows, 't')).join(', ')}));
  }
  ${wgsl}`, declared(state)))
  return { kernels, words: rows * tiles * state.fields.length }
}

/** hidden [N,d], head [V,d], targets i32 [N] → log π(target) [N]. */
export function tokenLogProb(s: HeadShape, limits: Limits): Lowering {
  const bindings = [chosen, bind('y', 'out0', 'write')]
  const { kernels, words } = folded(s, LOG_SUM, limits, ['y[row] = (chosen[row] - state.m) - log(state.l);', bindings])
  return { kernels, temporaries: [words, s.rows] }
}

/** hidden, head, targets → logp, argmaxLogp, restLogp, entropy, piSquared, pError, argmax (i32), each [N]. */
export function tokenStats(s: HeadShape, limits: Limits): Lowering {
  // As in the composite's expansion (@ldyn/tensor, composites/head.ts), from the merged state instead of the logits.
  const made = `
  let alone = state.w == 0.0; let w = select(state.w, 1.0, alone); let q = select(state.q, 1.0, alone);
  let gap = state.r - state.z; let top = -log1p_(exp(gap) * w); let mass = gap + top; let rest = mass + log(w);
  let squares = exp(2.0 * top) + exp(2.0 * mass) * q; let hit = targets[row] == i32(state.i);
  let py = select(chosen[row] - state.z + top, top, hit); let missing = 1.0 - exp(py);
  let away = sqrt(missing * missing + max(squares - exp(2.0 * py), 0.0));`
  const entropy = '-(exp(top) * top + select(exp(mass) * (state.u + w * mass), 0.0, alone))'
  const error = 'select(away, exp(mass) * sqrt(w * w + q), hit)'
  const values = ['py', 'top', 'rest', entropy, 'squares', error, 'i32(state.i)']
  // Seven outputs and three inputs are more bindings than a plain device has: two kernels write some each.
  const stored = (...some: readonly number[]): Store => [
    `${made}\n  ${some.map((i) => `y${i}[row] = ${values[i]};`).join(' ')}`,
    [chosen, targets, ...some.map((i) => bind(`y${i}`, `out${i}`, 'write', i === 6 ? 'i32' : 'f32'))],
  ]
  const { kernels, words } = folded(s, STATS, limits, stored(0, 1, 2, 3), stored(4, 5, 6))
  return { kernels, temporaries: [words, s.rows] }
}

/** Entries of z̄ at once: 64 MiB. */
const RANGE = 1 << 24

/**
 * hidden, head, targets, ȳ [N] → hidden's cotangent, then the head's, those that are asked for. Temporaries: states,
 * targets' logits, log-sum-exp, a range of z̄, parts of split products.
 */
export function tokenLogProbBackward(
  s: HeadShape, wants: Readonly<Record<'hidden' | 'head', boolean>>, limits: Limits, precision?: MatmulPrecision,
): Lowering {
  const { rows, width, vocabulary } = s
  const { kernels, words } = folded(s, LOG_SUM, limits,
    ['total[row] = state.m + log(state.l);', [bind('total', 'temp2', 'write')]])
  const most = Math.min(RANGE, limits.maxBindingBytes / 4 - 64)
  const range = Math.min(vocabulary, Math.max(64, Math.floor(most / rows / 64) * 64))
  const [outHidden, outHead]: Ref[] = wants.hidden ? ['out0', 'out1'] : ['out1', 'out0']
  let parts = 0
  const push = (p: Omit<Piece, keyof typeof PLAIN> & Partial<Piece>, more = {}): void => {
    const made = multiplied({ ...PLAIN, ...p }, limits, { precision, parts: 'temp4', ...more })
    kernels.push(...made.kernels)
    parts = Math.max(parts, made.parts)
  }
  const hidden = whole('in0', 1, rows, width)
  for (let first = 0; first < vocabulary; first += range) {
    const here = Math.min(range, vocabulary - first)
    const dz = { ...whole('temp3', 1, rows, here), words: rows * range }
    const some = { ...whole('in1', 1, vocabulary, width), at: first * width }
    const epilogue = {
      wgsl: `fn epilogue(v: f32, i: i32) -> f32 {
  let row = i / ${here};
  let is = select(0.0, 1.0, targets[row] == ${first} + i % ${here});
  return cotangent[row] * (is - exp(min(v - total[row], 0.0)));
}`,
      bindings: [targets, bind('cotangent', 'in3', 'read'), bind('total', 'temp2', 'read')],
    }
    push({ m: rows, n: here, k: width, tb: true, a: hidden, b: some, y: dz }, { epilogue, split: 1 })
    if (wants.hidden)
      push({ m: rows, n: width, k: here, a: dz, b: some, y: { ...hidden, of: outHidden }, accumulate: first > 0 })
    if (wants.head) push({ m: here, n: width, k: rows, ta: true, a: dz, b: hidden, y: { ...some, of: outHead } })
  }
  return { kernels, temporaries: [words, rows, rows, roundUp(rows * range, 4), Math.max(1, parts)] }
}
