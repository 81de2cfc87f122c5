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
 * v̄ = Pᵀ·ȳ. One kernel writes L and δ, one goes by queries, one by keys (summing a key head's query heads in order),
 * so nothing is added atomically.
 */
import { UnsupportedError } from '@ldyn/tensor'
import { fold, type Binding, type Kernel, type Limits, type Lowering, type Ref } from './kernel.ts'
import { place } from './matmul.ts'
import { blockReader, type Source } from './tile.ts'

export interface AttentionShape {
  readonly batch: number
  readonly heads: number
  /** Key heads; each serves heads/groups query heads in turn. */
  readonly groups: number
  readonly length: number
  readonly width: number
  readonly scale: number
  readonly causal: boolean
  readonly segments: boolean
}

const BLOCK = 32
const each = (n: number, f: (i: number) => string, by = '\n'): string => Array.from({ length: n }, (_, i) => f(i)).join(by)
/** Columns of a row, in vec4s of a thread, that make up the width. */
const chunksOf = ({ width }: AttentionShape): number => Math.ceil(width / BLOCK)

/** An operand [batch, heads, T, D] in this dispatch: `by` heads a batch element. */
interface Operand {
  readonly binding: Binding
  readonly at: number
}

/** Block readers of an operand: `readX` by rows along the width, `sideX` with keys as the inner axis. */
function readers(s: AttentionShape, { binding, at }: Operand): string {
  const { length: t, width: d } = s
  const common = { binding, stride: d, at, step: 0, repeat: 1 }
  const rows: Source = { ...common, outer: t, inner: d, along: 'inner' }
  const columns: Source = { ...common, outer: d, inner: t, along: 'outer' }
  const multiple = { outer: BLOCK, inner: BLOCK }
  return `${blockReader(`read_${binding.name}`, rows, multiple)}\n${blockReader(`side_${binding.name}`, columns, multiple)}`
}

/** `product_x_y(atX, x0, atY, y0) -> mat4x4`: column r is the thread's row r of x·yᵀ, four columns of it. */
const product = (s: AttentionShape, x: string, y: string): string => `
fn product_${x}_${y}(atX: u32, x0: u32, atY: u32, y0: u32, tid: u32) -> mat4x4<f32> {
  let high = tid / 8u;
  let wide = tid % 8u;
  var s0: vec4<f32>; var s1: vec4<f32>; var s2: vec4<f32>; var s3: vec4<f32>;
  for (var d = 0u; d < ${s.width}u; d += ${BLOCK}u) {
    workgroupBarrier();
    let bx = read_${x}(atX, x0 + high * 4u, d + wide * 4u);
    let by = read_${y}(atY, y0 + high * 4u, d + wide * 4u);
    ${each(4, (j) => `xs[(wide * 4u + ${j}u) * 8u + high] = bx[${j}]; ys[(wide * 4u + ${j}u) * 8u + high] = by[${j}];`, '\n    ')}
    workgroupBarrier();
    for (var j = 0u; j < ${BLOCK}u; j++) {
      let a = xs[j * 8u + high];
      let b = ys[j * 8u + wide];
      s0 += a.x * b; s1 += a.y * b; s2 += a.z * b; s3 += a.w * b;
    }
  }
  return mat4x4<f32>(s0, s1, s2, s3);
}`

/** acc += pᵀ·z over the block's 32 rows of z from z0, p from the thread's tile `from` (column r is its row r). */
const gather = (s: AttentionShape, acc: string, from: string, z: string, at: string, z0: string): string => `
    {
      let turned = transpose(${from});
      ${each(4, (c) => `ps[(tx * 4u + ${c}u) * 8u + ty] = turned[${c}];`, ' ')}
${each(chunksOf(s), (c) => `
      workgroupBarrier();
      let z${c} = side_${z}(${at}, ${c * BLOCK}u + tx * 4u, ${z0} + ty * 4u);
      ${each(4, (j) => `xs[(ty * 4u + ${j}u) * 8u + tx] = z${c}[${j}];`, ' ')}
      workgroupBarrier();
      for (var j = 0u; j < ${BLOCK}u; j++) {
        let p = ps[j * 8u + ty];
        let b = xs[j * 8u + tx];
        ${each(4, (r) => `${acc}${r}_${c} += p[${r}] * b;`, ' ')}
      }`)}
      workgroupBarrier();
    }`

const accumulators = (s: AttentionShape, acc: string): string =>
  each(4, (r) => `  ${each(chunksOf(s), (c) => `var ${acc}${r}_${c}: vec4<f32>;`, ' ')}`)

/** Stores the thread's four rows from row0 at `at + row·D`, each scaled by its lane of `by`. */
function store(s: AttentionShape, { binding }: Operand, acc: string, at: string, by: string): string {
  const { length: t, width: d } = s
  const vector = binding.element === 'vec4<f32>'
  return each(4, (r) => `
  if (row0 + ${r}u < ${t}u) {${each(chunksOf(s), (c) => {
    const column = `${c * BLOCK}u + tx * 4u`
    const put = (lane?: number): string => {
      const i = `${at} + (row0 + ${r}u) * ${d}u + ${column}${lane === undefined ? '' : ` + ${lane}u`}`
      const value = `${acc}${r}_${c}${lane === undefined ? '' : `[${lane}]`} * ${by}[${r}]`
      const test = `${column}${lane ? ` + ${lane}u` : ''} < ${d}u`
      return `if (${test}) { ${binding.name}[${vector ? `(${i}) / 4u` : i}] = ${value}; }`
    }
    return `\n    ${vector ? put() : each(4, put, ' ')}`
  }, '')}
  }`)
}

/** Memory of a workgroup, what sees what, and whether any of a block does. */
function shared(s: AttentionShape, segments: number): string {
  const sees = [
    ...(s.causal ? ['(j <= i)'] : s.length % BLOCK ? [`(j < ${s.length}u)`] : []),
    ...(s.segments ? ['segmentsSee(z, i, j)'] : []),
  ]
  return `
var<workgroup> xs: array<vec4<f32>, 256>;
var<workgroup> ys: array<vec4<f32>, 256>;
var<workgroup> ps: array<vec4<f32>, 256>;
var<workgroup> tops: array<vec4<f32>, 64>;
var<workgroup> sums: array<vec4<f32>, 64>;
var<workgroup> hit: atomic<u32>;
${s.segments ? `
fn segmentsSee(z: u32, i: u32, j: u32) -> bool {
  let own = segments[${segments}u + z * ${s.length}u + min(i, ${s.length - 1}u)];
  let other = segments[${segments}u + z * ${s.length}u + min(j, ${s.length - 1}u)];
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

/** A kernel's operands, in windows of whole batch elements where they are large. */
function operandsOf(
  s: AttentionShape, first: number, count: number, names: Readonly<Record<string, readonly [Ref, number, 'read' | 'write']>>,
  limits: Limits,
): Record<string, Operand> {
  const { batch, length, width } = s
  return Object.fromEntries(Object.entries(names).map(([name, [of, heads, access]]) => {
    const step = heads * length * width
    const side = { of, words: batch * step, at: first * step, stride: width, step, repeat: 1 }
    return [name, place(side, count * step, name, access, width % 4 === 0, limits)]
  }))
}

interface Dispatch {
  readonly label: string
  readonly operands: Record<string, Operand>
  /** Further bindings: the rows' L and δ. */
  readonly more?: readonly Binding[]
  readonly products: readonly (readonly [string, string])[]
  readonly heads: number
  /** WGSL with tx, ty, z (batch), h (head of this dispatch), block0 and row0 in scope. */
  readonly body: string
}

function kernel(s: AttentionShape, first: number, count: number, d: Dispatch, limits: Limits): Kernel {
  const blocks = Math.ceil(s.length / BLOCK)
  const total = blocks * d.heads * count
  const segments: Binding = { name: 'segments', of: s.segments ? segmentsOf(d) : 'in0', element: 'i32', access: 'read' }
  return {
    label: d.label,
    bindings: [
      ...Object.values(d.operands).map((o) => o.binding), ...(d.more ?? []), ...(s.segments ? [segments] : []),
    ],
    workgroups: fold(total, limits),
    // Blocks from last to first: the last see most keys, so they begin first.
    wgsl: `${shared(s, first * s.length)}
${Object.values(d.operands).filter((o) => o.binding.access === 'read').map((o) => readers(s, o)).join('\n')}
${d.products.map(([x, y]) => product(s, x, y)).join('\n')}
@compute @workgroup_size(64) fn main(@builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let flat = wid.x + wid.y * grid.x;
  if (flat >= ${total}u) { return; }
  let block0 = (${blocks - 1}u - flat % ${blocks}u) * ${BLOCK}u;
  let h = (flat / ${blocks}u) % ${d.heads}u;
  let z = flat / ${blocks * d.heads}u;
  let tx = tid % 8u;
  let ty = tid / 8u;
  let row0 = block0 + ty * 4u;
${d.body}
}`,
  }
}

/** Where the segments lie among the op's inputs: after q, k, v, and of the backward op after y and ȳ. */
const segmentsOf = ({ more, operands }: Dispatch): Ref => (more || operands.g ? 'in5' : 'in3')

const matrixAt = (o: Operand, head: string, s: AttentionShape): string => `${o.at}u + (${head}) * ${s.length * s.width}u`

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

/**
 * Replaces a tile's entries by `shown`, or by `hidden` where query i does not see key j; R and C in these stand for the
 * entry's row and column.
 */
const scoresOf = (
  tile: string, i: string, j: string, hidden: string, shown: (v: string, r: number, c: number) => string,
): string =>
  each(4, (r) => `    ${tile}[${r}] = vec4<f32>(${each(4, (c) =>
    `select(${hidden}, ${shown(`${tile}[${r}][${c}]`, r, c)}, sees(z, ${i.replace('R', `${r}u`).replace('C', `${c}u`)}, ${j.replace('R', `${r}u`).replace('C', `${c}u`)}))`, ', ')});`)

/** Loop over the key blocks that a query block may see. */
const overKeys = (s: AttentionShape, body: string): string => `
  for (var j0 = 0u; j0 < ${s.causal ? `min(${s.length}u, block0 + ${BLOCK}u)` : `${s.length}u`}; j0 += ${BLOCK}u) {
    ${s.segments ? 'if (!blockSees(z, block0, j0, tid)) { continue; }' : ''}
${body}
  }`

/** Scores of a block and the running maximum and sum of its rows; `then` uses the weights s, before the next block. */
const online = (s: AttentionShape, then: string): string => `
  var m = vec4<f32>(-3.0e38);
  var l = vec4<f32>();
${overKeys(s, `
    var s = product_q_k(atQ, block0, atK, j0, tid);
${scoresOf('s', 'row0 + R', 'j0 + tx * 4u + C', '-1e30', (v) => `${v} * ${s.scale}`)}
    tops[tx * 8u + ty] = vec4<f32>(${each(4, (r) => `max(max(s[${r}].x, s[${r}].y), max(s[${r}].z, s[${r}].w))`, ', ')});
    workgroupBarrier();
    var top = m;
    for (var t = 0u; t < 8u; t++) { top = max(top, tops[t * 8u + ty]); }
    ${each(4, (r) => `s[${r}] = exp(s[${r}] - top[${r}]);`, ' ')}
    sums[tx * 8u + ty] = vec4<f32>(${each(4, (r) => `dot(s[${r}], vec4<f32>(1.0))`, ', ')});
    workgroupBarrier();
    let fade = exp(m - top);
    l *= fade;
    for (var t = 0u; t < 8u; t++) { l += sums[t * 8u + ty]; }
    m = top;
${then}`)}`

/** q [B,H,T,D], k and v [B,Hkv,T,D], segments i32 [B,T] where the shape says so → [B,H,T,D]. */
export function attention(s: AttentionShape, limits: Limits): Lowering {
  const { heads, groups } = s
  const kernels: Kernel[] = []
  if (s.batch * heads * s.width === 0) return { kernels, temporaries: [] }
  for (const [first, count] of lots(s, limits)) {
    const operands = operandsOf(s, first, count, {
      q: ['in0', heads, 'read'], k: ['in1', groups, 'read'], v: ['in2', groups, 'read'], y: ['out0', heads, 'write'],
    }, limits)
    const { q, k, v, y } = operands
    const body = `
  let kv = z * ${groups}u + h / ${heads / groups}u;
  let atQ = ${matrixAt(q, `z * ${heads}u + h`, s)};
  let atK = ${matrixAt(k, 'kv', s)};
  let atV = ${matrixAt(v, 'kv', s)};
${accumulators(s, 'acc')}
${online(s, `${each(4, (r) => `    ${each(chunksOf(s), (c) => `acc${r}_${c} *= fade[${r}];`, ' ')}`)}
${gather(s, 'acc', 's', 'v', 'atV', 'j0')}`)}
  let share = 1.0 / l;
  let atY = ${matrixAt(y, `z * ${heads}u + h`, s)};
${store(s, y, 'acc', 'atY', 'share')}`
    kernels.push(kernel(s, first, count, { label: 'attention', operands, products: [['q', 'k']], heads, body }, limits))
  }
  return { kernels, temporaries: [] }
}

/** q, k, v, y, ȳ (and segments) → q̄ [B,H,T,D], k̄ and v̄ [B,Hkv,T,D]. */
export function attentionBackward(s: AttentionShape, limits: Limits): Lowering {
  const { batch, heads, groups, length, width } = s
  const kernels: Kernel[] = []
  if (batch * heads * width === 0) return { kernels, temporaries: [] }
  const rowsAt = (first: number, head: string): string => `${first * heads * length}u + (${head}) * ${length}u`
  const stats = (access: 'read' | 'write'): Binding => ({ name: 'stats', of: 'temp0', element: 'vec2<f32>', access })
  const plain = 'let unit = vec4<f32>(1.0);'
  for (const [first, count] of lots(s, limits)) {
    const named = (names: Parameters<typeof operandsOf>[3]) => operandsOf(s, first, count, names, limits)
    const inputs = { q: ['in0', heads, 'read'], k: ['in1', groups, 'read'], v: ['in2', groups, 'read'], g: ['in4', heads, 'read'] } as const
    const places = (o: Record<string, Operand>, query: string, key: string): string =>
      Object.entries({ q: query, k: key, v: key, g: query }).filter(([name]) => o[name])
        .map(([name, head]) => `  let at${name.toUpperCase()} = ${matrixAt(o[name], head, s)};`).join('\n')

    const one = named({ q: inputs.q, k: inputs.k, g: inputs.g, y: ['in3', heads, 'read'] })
    const entry = (o: Operand): string =>
      o.binding.element === 'f32' ? `${o.binding.name}[${matrixAt(o, `z * ${heads}u + h`, s)} + at]`
        : `${o.binding.name}[(${matrixAt(o, `z * ${heads}u + h`, s)} + at) / 4u][at % 4u]`
    kernels.push(kernel(s, first, count, {
      label: 'attention backward, rows', operands: one, more: [stats('write')], products: [['q', 'k']], heads,
      body: `
  let kv = z * ${groups}u + h / ${heads / groups}u;
${places(one, `z * ${heads}u + h`, 'kv')}
${online(s, '')}
  // Every column of threads has the same m and l; the first of them writes.
  for (var r = 0u; r < 4u; r++) {
    if (tx == 0u && row0 + r < ${length}u) {
      var delta = 0.0;
      for (var c = 0u; c < ${width}u; c++) { let at = (row0 + r) * ${width}u + c; delta += ${entry(one.g)} * ${entry(one.y)}; }
      stats[${rowsAt(first, `z * ${heads}u + h`)} + row0 + r] = vec2<f32>(m[r] + log(l[r]), delta);
    }
  }`,
    }, limits))

    const two = named({ ...inputs, dq: ['out0', heads, 'write'] })
    kernels.push(kernel(s, first, count, {
      label: 'attention backward, queries', operands: two, more: [stats('read')], products: [['q', 'k'], ['g', 'v']], heads,
      body: `
  ${plain}
  let kv = z * ${groups}u + h / ${heads / groups}u;
  let rows = ${rowsAt(first, `z * ${heads}u + h`)};
${places(two, `z * ${heads}u + h`, 'kv')}
  ${each(4, (r) => `let st${r} = stats[rows + min(row0 + ${r}u, ${length - 1}u)];`, ' ')}
${accumulators(s, 'acc')}
${overKeys(s, `
    var p = product_q_k(atQ, block0, atK, j0, tid);
${scoresOf('p', 'row0 + R', 'j0 + tx * 4u + C', '0.0', (v, r) => `exp(min(${v} * ${s.scale} - st${r}.x, 80.0))`)}
    var ds = product_g_v(atG, block0, atV, j0, tid);
    ${each(4, (r) => `ds[${r}] = p[${r}] * (ds[${r}] - st${r}.y) * ${s.scale};`, ' ')}
${gather(s, 'acc', 'ds', 'k', 'atK', 'j0')}`)}
  let atY = ${matrixAt(two.dq, `z * ${heads}u + h`, s)};
${store(s, two.dq, 'acc', 'atY', 'unit')}`,
    }, limits))

    const three = named({ ...inputs, dk: ['out1', groups, 'write'], dv: ['out2', groups, 'write'] })
    kernels.push(kernel(s, first, count, {
      label: 'attention backward, keys', operands: three, more: [stats('read')], products: [['k', 'q'], ['v', 'g']], heads: groups,
      body: `
  ${plain}
${accumulators(s, 'accK')}
${accumulators(s, 'accV')}
  for (var member = 0u; member < ${heads / groups}u; member++) {
  let query = z * ${heads}u + h * ${heads / groups}u + member;
  let rows = ${rowsAt(first, 'query')};
${places(three, 'query', `z * ${groups}u + h`)}
  for (var i0 = ${s.causal ? 'block0' : '0u'}; i0 < ${length}u; i0 += ${BLOCK}u) {
    ${s.segments ? 'if (!blockSees(z, i0, block0, tid)) { continue; }' : ''}
    ${each(4, (c) => `let st${c} = stats[rows + min(i0 + tx * 4u + ${c}u, ${length - 1}u)];`, ' ')}
    var p = product_k_q(atK, block0, atQ, i0, tid);
${scoresOf('p', 'i0 + tx * 4u + C', 'row0 + R', '0.0', (v, _, c) => `exp(min(${v} * ${s.scale} - st${c}.x, 80.0))`)}
    ${length % BLOCK === 0 ? '' : each(4, (r) => `p[${r}] = select(vec4<f32>(), p[${r}], vec4<u32>(i0 + tx * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(${length}u));`, ' ')}
    var ds = product_v_g(atV, block0, atG, i0, tid);
    ${each(4, (r) => `ds[${r}] = p[${r}] * (ds[${r}] - vec4<f32>(st0.y, st1.y, st2.y, st3.y)) * ${s.scale};`, ' ')}
${gather(s, 'accV', 'p', 'g', 'atG', 'i0')}
${gather(s, 'accK', 'ds', 'q', 'atQ', 'i0')}
  }
  }
  let atK_ = ${matrixAt(three.dk, `z * ${groups}u + h`, s)};
  let atV_ = ${matrixAt(three.dv, `z * ${groups}u + h`, s)};
${store(s, three.dk, 'accK', 'atK_', 'unit')}
${store(s, three.dv, 'accV', 'atV_', 'unit')}`,
    }, limits))
  }
  return { kernels, temporaries: [batch * heads * length * 2] }
}
