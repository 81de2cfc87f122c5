/**
 * Attention in blocks of 32 queries × 32 keys, no [T,T] matrix in memory: softmax is taken online, with a running
 * maximum m and sum l per query (FlashAttention-2, arXiv 2307.08691; its algorithm 2 is the backward pass here).
 *
 * A workgroup of 8×8 threads, each with 4×4 scores and 4 rows of the result. Two moves make up all kernels:
 * `product`, a 32×32 tile x·yᵀ over the head's width in steps of 32, and `gather`, acc += pᵀ·z with the tile p kept
 * transposed in workgroup memory. Causality ends the loop over blocks early; of packed rows, blocks in which no query
 * sees a key are passed over, so that a response pays for the prompt and itself alone.
 *
 * Backward, with L = log-sum-exp, δ = ⟨ȳ, y⟩ by row: P = exp(s − L), dS = P∘(ȳ·vᵀ − δ)·scale, q̄ = dS·k, k̄ = dSᵀ·q,
 * v̄ = Pᵀ·ȳ. One kernel writes L and δ, one goes by queries, one by keys and query heads; where several of those share
 * a key head a last one sums their parts in order, so nothing is added atomically.
 */
import { UnsupportedError } from '@ldyn/tensor'
import { bind, each, eachOf, entry, fold, type Access, type Kernel, type Limits, type Lowering, type Ref } from './kernel.ts'
import { place, whole, type Placed } from './matmul.ts'
import { blockReader, type Source } from './tile.ts'

/** `groups` key heads, each of which serves heads/groups query heads in turn. */
export interface AttentionShape {
  readonly batch: number; readonly heads: number; readonly groups: number; readonly length: number
  readonly width: number; readonly scale: number; readonly causal: boolean; readonly segments: boolean
}

const BLOCK = 32
/** Columns of a row, in vec4s of a thread, that make up the width. */
const chunksOf = ({ width }: AttentionShape): number => Math.ceil(width / BLOCK)
/** Operands by their names in WGSL: these have `groups` heads, q, y, g (ȳ) and dq as many as there are queries. */
const OF_KEYS = ['k', 'v', 'dk', 'dv']
type Operands = Readonly<Record<string, Placed>>

/** Block readers of an operand: `read_x` by rows along the width, `side_x` with keys as the inner axis. */
function readers({ length: t, width: d }: AttentionShape, { binding, at }: Placed): string {
  const common = { binding, stride: d, at, step: 0, repeat: 1 }
  const rows: Source = { ...common, outer: t, inner: d, along: 'inner' }
  const columns: Source = { ...common, outer: d, inner: t, along: 'outer' }
  const multiple = { outer: BLOCK, inner: BLOCK }
  return `${blockReader(`read_${binding.name}`, rows, multiple)}\n${blockReader(`side_${binding.name}`, columns, multiple)}`
}

/** `product_xy(atX, x0, atY, y0) -> mat4x4`: column r is the thread's row r of x·yᵀ, four columns of it. */
const product = (s: AttentionShape, [x, y]: string): string => `
fn product_${x}${y}(atX: u32, x0: u32, atY: u32, y0: u32, tid: u32) -> mat4x4<f32> {
  let high = tid / 8u; let wide = tid % 8u;
  var s0: vec4<f32>; var s1: vec4<f32>; var s2: vec4<f32>; var s3: vec4<f32>;
  for (var d = 0u; d < ${s.width}u; d += ${BLOCK}u) {
    workgroupBarrier();
    let bx = read_${x}(atX, x0 + high * 4u, d + wide * 4u);
    let by = read_${y}(atY, y0 + high * 4u, d + wide * 4u);
    ${each(4, (j) => `xs[(wide * 4u + ${j}u) * 8u + high] = bx[${j}]; ys[(wide * 4u + ${j}u) * 8u + high] = by[${j}];`)}
    workgroupBarrier();
    for (var j = 0u; j < ${BLOCK}u; j++) {
      let a = xs[j * 8u + high]; let b = ys[j * 8u + wide];
      s0 += a.x * b; s1 += a.y * b; s2 += a.z * b; s3 += a.w * b;
    }
  }
  return mat4x4<f32>(s0, s1, s2, s3);
}`

/** acc += pᵀ·z over the block's 32 rows of z from z0, p from the thread's tile `from` (column r is its row r). */
const gather = (s: AttentionShape, acc: string, from: string, z: string, z0: string): string => `
    {
      let turned = transpose(${from});
      ${each(4, (c) => `ps[(tx * 4u + ${c}u) * 8u + ty] = turned[${c}];`, ' ')}
${each(chunksOf(s), (c) => `
      workgroupBarrier();
      let z${c} = side_${z}(at_${z}, ${c * BLOCK}u + tx * 4u, ${z0} + ty * 4u);
      ${each(4, (j) => `xs[(ty * 4u + ${j}u) * 8u + tx] = z${c}[${j}];`, ' ')}
      workgroupBarrier();
      for (var j = 0u; j < ${BLOCK}u; j++) {
        let p = ps[j * 8u + ty]; let b = xs[j * 8u + tx];
        ${each(4, (r) => `${acc}${r}_${c} += p[${r}] * b;`, ' ')}
      }`)}
      workgroupBarrier();
    }`

const accumulators = (s: AttentionShape, acc: string): string =>
  each(4, (r) => `  ${each(chunksOf(s), (c) => `var ${acc}${r}_${c}: vec4<f32>;`, ' ')}`)

/** Stores the thread's four rows from row0 at `at + row·D`, each scaled by its lane of `by`. */
function store(s: AttentionShape, { binding: { name, element } }: Placed, acc: string, by = ''): string {
  const vector = element === 'vec4<f32>'
  const put = (r: number, c: number, lane: number): string => {
    const column = `${c * BLOCK + lane}u + tx * 4u`
    const i = `at_${name} + (row0 + ${r}u) * ${s.width}u + ${column}`
    const value = `${acc}${r}_${c}${vector ? '' : `[${lane}]`}${by && ` * ${by}[${r}]`}`
    return `if (${column} < ${s.width}u) { ${name}[${vector ? `(${i}) / 4u` : i}] = ${value}; }`
  }
  const row = (r: number): string => each(chunksOf(s), (c) => each(vector ? 1 : 4, (lane) => put(r, c, lane), ' '), '\n    ')
  return each(4, (r) => `  if (row0 + ${r}u < ${s.length}u) {\n    ${row(r)}\n  }`)
}

/** Memory of a workgroup, what sees what, and whether any of a block does. */
function shared({ causal, length: t, segments }: AttentionShape, first: number): string {
  const sees = [
    ...(causal ? ['(j <= i)'] : t % BLOCK ? [`(j < ${t}u)`] : []), ...(segments ? ['segmentsSee(z, i, j)'] : []),
  ]
  const segmentOf = (i: string): string => `segments[${first * t}u + z * ${t}u + min(${i}, ${t - 1}u)]`
  return `
${each(3, (i) => `var<workgroup> ${['xs', 'ys', 'ps'][i]}: array<vec4<f32>, 256>;`, ' ')}
var<workgroup> tops: array<vec4<f32>, 64>; var<workgroup> sums: array<vec4<f32>, 64>; var<workgroup> hit: atomic<u32>;
${segments ? `
fn segmentsSee(z: u32, i: u32, j: u32) -> bool {
  let own = ${segmentOf('i')}; let other = ${segmentOf('j')};
  return (other == 0) | (other == own);
}` : ''}
fn sees(z: u32, i: u32, j: u32) -> bool { return ${sees.join(' & ') || 'true'}; }
fn blockSees(z: u32, i0: u32, j0: u32, tid: u32) -> bool {
  if (tid == 0u) { atomicStore(&hit, 0u); }
  workgroupBarrier();
  var any = false;
  for (var e = 0u; e < 16u; e++) { any = any | sees(z, i0 + tid / 2u, j0 + (tid % 2u) * 16u + e); }
  if (any) { atomicStore(&hit, 1u); }
  workgroupBarrier();
  return workgroupUniformLoad(&hit) == 1u;
}`
}

interface Dispatch {
  readonly label: string; readonly operands: Readonly<Record<string, Ref>>
  /** Whether it reads or writes the rows' L and δ; where the segments lie. */
  readonly stats?: Access; readonly segments: Ref
  /** Pairs of operands whose products it takes. */
  readonly products: readonly string[]
  /** WGSL with tx, ty, z (batch), h (head of this dispatch), block0, row0, and `at_x` of operands in scope. */
  body(operands: Operands): string
}

/** Where an operand's matrix begins: of the head `query` or `key`. */
const places = (s: AttentionShape, operands: Operands, side: 'query' | 'key'): string => Object.entries(operands)
  .filter(([name]) => OF_KEYS.includes(name) === (side === 'key'))
  .map(([name, { at }]) => `  let at_${name} = ${at}u + ${side} * ${s.length * s.width}u;`).join('\n')

/** One dispatch, over `count` batch elements from `first`. Blocks from last to first: the last see most keys. */
function kernel(s: AttentionShape, [first, count]: readonly [number, number], d: Dispatch, limits: Limits): Kernel {
  const { batch, heads, groups, length, width } = s
  const operands = Object.fromEntries(Object.entries(d.operands).map(([name, of]) => {
    const rows = (OF_KEYS.includes(name) ? groups : heads) * length
    const side = { ...whole(of, batch, rows, width), at: first * rows * width }
    const access = of.startsWith('in') ? 'read' : 'write'
    return [name, place(side, count * rows * width, name, access, width % 4 === 0, limits)]
  }))
  const blocks = Math.ceil(length / BLOCK)
  return {
    label: d.label,
    bindings: [
      ...Object.values(operands).map(({ binding }) => binding),
      ...(d.stats ? [bind('stats', 'temp0', d.stats, 'vec2<f32>')] : []),
      ...(s.segments ? [bind('segments', d.segments, 'read', 'i32')] : []),
    ],
    workgroups: fold(blocks * heads * count, limits),
    wgsl: `${shared(s, first)}
${Object.values(operands).filter(({ binding }) => binding.access === 'read').map((o) => readers(s, o)).join('\n')}
${d.products.map((pair) => product(s, pair)).join('\n')}
${entry(64, blocks * heads * count)}
  let block0 = (${blocks - 1}u - flat % ${blocks}u) * ${BLOCK}u;
  let query = flat / ${blocks}u; let z = query / ${heads}u; let key = query / ${heads / groups}u;
  let tx = tid % 8u; let ty = tid / 8u; let row0 = block0 + ty * 4u;
${places(s, operands, 'query')}
${places(s, operands, 'key')}
${d.body(operands)}
}`,
  }
}

/** Batches of elements whose operands fit a binding. */
function* lots(s: AttentionShape, limits: Limits): Generator<[number, number]> {
  const step = s.heads * s.length * s.width
  if (s.batch * step * 4 <= limits.maxBindingBytes) return yield [0, s.batch]
  const lot = Math.floor((limits.maxBindingBytes / 4 - 64) / step)
  if (lot === 0)
    throw new UnsupportedError(
      `attention over ${s.heads} heads × ${s.length} positions × ${s.width} needs ${step * 4} bytes for one example, `
        + `and the device binds at most ${limits.maxBindingBytes}; use shorter rows`)
  for (let z = 0; z < s.batch; z += lot) yield [z, Math.min(lot, s.batch - z)]
}

/** Replaces a tile's entries by `shown`, or by `hidden` where query i(r, c) does not see key j(r, c). */
type ByEntry = (r: number, c: number) => string
type Shown = (v: string, r: number, c: number) => string
const scoresOf = (tile: string, i: ByEntry, j: ByEntry, hidden: string, shown: Shown): string =>
  each(4, (r) => `    ${tile}[${r}] = vec4<f32>(${each(4, (c) =>
    `select(${hidden}, ${shown(`${tile}[${r}][${c}]`, r, c)}, sees(z, ${i(r, c)}, ${j(r, c)}))`, ', ')});`)

/** Rows of the workgroup's block, and columns of the block that begins at `from`. */
const rowAt: ByEntry = (r) => `row0 + ${r}u`
const columnAt = (from: string): ByEntry => (_, c) => `${from} + tx * 4u + ${c}u`

/** Loop over the key blocks that a query block may see. */
const overKeys = (s: AttentionShape, body: string): string => `
  for (var j0 = 0u; j0 < ${s.causal ? `min(${s.length}u, block0 + ${BLOCK}u)` : `${s.length}u`}; j0 += ${BLOCK}u) {
    ${s.segments ? 'if (!blockSees(z, block0, j0, tid)) { continue; }' : ''}
${body}
  }`

/** Scores of a block and the running maximum and sum of its rows; `then` uses the weights s, before the next block. */
const online = (s: AttentionShape, then: string): string => `
  var m = vec4<f32>(-3.0e38); var l = vec4<f32>();
${overKeys(s, `
    var s = product_qk(at_q, block0, at_k, j0, tid);
${scoresOf('s', rowAt, columnAt('j0'), '-1e30', (v) => `${v} * ${s.scale}`)}
    tops[tx * 8u + ty] = vec4<f32>(${each(4, (r) => `max(max(s[${r}].x, s[${r}].y), max(s[${r}].z, s[${r}].w))`, ', ')});
    workgroupBarrier();
    var top = m;
    for (var t = 0u; t < 8u; t++) { top = max(top, tops[t * 8u + ty]); }
    ${each(4, (r) => `s[${r}] = exp(s[${r}] - top[${r}]);`, ' ')}
    sums[tx * 8u + ty] = vec4<f32>(${each(4, (r) => `dot(s[${r}], vec4<f32>(1.0))`, ', ')});
    workgroupBarrier();
    let fade = exp(m - top); l *= fade;
    for (var t = 0u; t < 8u; t++) { l += sums[t * 8u + ty]; }
    m = top;
${then}`)}`

/** q [B,H,T,D], k and v [B,Hkv,T,D], segments i32 [B,T] where the shape says so → [B,H,T,D]. */
export function attention(s: AttentionShape, limits: Limits): Lowering {
  const fade = each(4, (r) => `    ${each(chunksOf(s), (c) => `acc${r}_${c} *= fade[${r}];`, ' ')}`)
  const forward: Dispatch = {
    label: 'attention', operands: { q: 'in0', k: 'in1', v: 'in2', y: 'out0' }, segments: 'in3', products: ['qk'],
    body: ({ y }) => `
${accumulators(s, 'acc')}
${online(s, `${fade}\n${gather(s, 'acc', 's', 'v', 'j0')}`)}
  let share = 1.0 / l;
${store(s, y, 'acc', 'share')}`,
  }
  return { kernels: [...lots(s, limits)].map((lot) => kernel(s, lot, forward, limits)), temporaries: [] }
}

/** k̄ and v̄ of a key head: the sums of what its query heads gave. */
function summed(s: AttentionShape, [first, count]: readonly [number, number], limits: Limits): Kernel {
  const [head, members] = [s.length * s.width, s.heads / s.groups]
  const side = (name: string, of: Ref, n: number, access: Access): Placed =>
    place({ ...whole(of, s.batch, n, head), at: first * n * head }, count * n * head, name, access, false, limits)
  const [pk, pv] = [side('pk', 'temp1', s.heads, 'read'), side('pv', 'temp2', s.heads, 'read')]
  const [dk, dv] = [side('dk', 'out1', s.groups, 'write'), side('dv', 'out2', s.groups, 'write')]
  const bindings = [pk, pv, dk, dv].map(({ binding }) => binding)
  return eachOf('i', count * s.groups * head, 'attention backward, sums', bindings, limits, `
  let at = i / ${head}u * ${members * head}u + i % ${head}u; var k = 0.0; var v = 0.0;
  for (var m = 0u; m < ${members}u; m++) { let j = at + m * ${head}u; k += pk[${pk.at}u + j]; v += pv[${pv.at}u + j]; }
  dk[${dk.at}u + i] = k; dv[${dv.at}u + i] = v;`)
}

/** q, k, v, y, ȳ (and segments) → q̄ [B,H,T,D], k̄ and v̄ [B,Hkv,T,D]. */
export function attentionBackward(s: AttentionShape, limits: Limits): Lowering {
  const { batch, heads, groups, length, width } = s
  const members = heads / groups
  const inputs = { q: 'in0', k: 'in1', v: 'in2', g: 'in4' } as const
  const weights = (v: string, stat: string): string => `exp(min(${v} * ${s.scale} - ${stat}.x, 80.0))`
  const statsFrom = (row: string): string =>
    each(4, (i) => `let st${i} = stats[rows + min(${row} + ${i}u, ${length - 1}u)];`, ' ')
  const inside = `vec4<u32>(i0 + tx * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(${length}u)`
  const kernels = [...lots(s, limits)].flatMap((lot) => {
    const rows = `let rows = ${lot[0] * heads * length}u + query * ${length}u;`
    const make = (d: Omit<Dispatch, 'segments'>): Kernel => kernel(s, lot, { ...d, segments: 'in5' }, limits)
    return [make({
      label: 'attention backward, rows', operands: { q: 'in0', k: 'in1', g: 'in4', y: 'in3' }, stats: 'write',
      products: ['qk'],
      body: ({ g, y }) => {
        const at = ({ binding: { name, element } }: Placed): string =>
          element === 'f32' ? `${name}[at_${name} + at]` : `${name}[(at_${name} + at) / 4u][at % 4u]`
        return `
${online(s, '')}
  ${rows}
  // Every column of threads has the same m and l; the first of them writes.
  for (var r = 0u; r < 4u; r++) {
    if (tx == 0u && row0 + r < ${length}u) {
      var delta = 0.0;
      for (var c = 0u; c < ${width}u; c++) { let at = (row0 + r) * ${width}u + c; delta += ${at(g)} * ${at(y)}; }
      stats[rows + row0 + r] = vec2<f32>(m[r] + log(l[r]), delta);
    }
  }`
      },
    }), make({
      label: 'attention backward, queries', operands: { ...inputs, dq: 'out0' }, stats: 'read',
      products: ['qk', 'gv'],
      body: ({ dq }) => `
  ${rows}
  ${statsFrom('row0')}
${accumulators(s, 'acc')}
${overKeys(s, `
    var p = product_qk(at_q, block0, at_k, j0, tid);
${scoresOf('p', rowAt, columnAt('j0'), '0.0', (v, r) => weights(v, `st${r}`))}
    var ds = product_gv(at_g, block0, at_v, j0, tid);
    ${each(4, (r) => `ds[${r}] = p[${r}] * (ds[${r}] - st${r}.y) * ${s.scale};`, ' ')}
${gather(s, 'acc', 'ds', 'k', 'j0')}`)}
${store(s, dq, 'acc')}`,
    }), make({
      label: 'attention backward, keys', stats: 'read', products: ['kq', 'vg'],
      operands: { ...inputs, ...(members > 1 ? { pk: 'temp1', pv: 'temp2' } : { dk: 'out1', dv: 'out2' }) },
      body: ({ dk, dv, pk, pv }) => `
${accumulators(s, 'accK')}
${accumulators(s, 'accV')}
  ${rows}
  for (var i0 = ${s.causal ? 'block0' : '0u'}; i0 < ${length}u; i0 += ${BLOCK}u) {
    ${s.segments ? 'if (!blockSees(z, i0, block0, tid)) { continue; }' : ''}
    ${statsFrom('i0 + tx * 4u')}
    var p = product_kq(at_k, block0, at_q, i0, tid);
${scoresOf('p', columnAt('i0'), rowAt, '0.0', (v, _, c) => weights(v, `st${c}`))}
    ${length % BLOCK === 0 ? '' : each(4, (r) => `p[${r}] = select(vec4<f32>(), p[${r}], ${inside});`, ' ')}
    var ds = product_vg(at_v, block0, at_g, i0, tid);
    ${each(4, (r) => `ds[${r}] = p[${r}] * (ds[${r}] - vec4<f32>(st0.y, st1.y, st2.y, st3.y)) * ${s.scale};`, ' ')}
${gather(s, 'accV', 'p', 'g', 'i0')}
${gather(s, 'accK', 'ds', 'q', 'i0')}
  }
${store(s, dk ?? pk, 'accK')}
${store(s, dv ?? pv, 'accV')}`,
    }), ...(members > 1 ? [summed(s, lot, limits)] : [])]
  })
  const parts = members > 1 ? batch * heads * length * width : 1
  return { kernels, temporaries: [batch * heads * length * 2, parts, parts] }
}
