/**
 * A cluster as one WGSL kernel.
 *
 * Without reductions it is a thread an element. With reductions, `lanes` threads share a row: for every level of
 * reductions (those that need no other, those that need these, …) a loop over the row and a tree through workgroup
 * memory; then what is written once a row; then a loop for what is written at every element.
 */
import { sizeOf, type Node } from '@ldyn/tensor'
import { along, flatten, reductionCoords, strideOf, unflatten, type Address } from '@ldyn/tensor/indexing'
import { entry, fold, type Epilogue, type Kernel, type Limits } from '../kernels/kernel.ts'
import { block, buffers, emitter, type Block, type Emitter } from './emit.ts'
import type { Cluster } from './fuse.ts'
import { kindOf } from './kinds.ts'
import type { Graph } from './program.ts'
import { scalarFunctions } from './scalar.ts'

/** A kernel with the values behind `in0`, `in1`, … and `out0`, …. */
export interface Generated {
  readonly kernel: Kernel; readonly inputs: readonly number[]; readonly outputs: readonly number[]
}

const indented = (lines: readonly string[]): string => {
  let depth = 1
  return lines.map((line) => {
    if (line.startsWith('}')) depth--
    const text = '  '.repeat(depth) + line
    if (line.endsWith('{')) depth++
    return text
  }).join('\n')
}

/** How the threads of a workgroup divide rows: `rows` rows of `lanes` threads, neighbours along the row or across. */
interface Shares { readonly rows: number; readonly lanes: number; readonly along: 'row' | 'rows' }
const powerBelow = (n: number): number => 2 ** Math.max(0, Math.floor(Math.log2(n)))

function sharesOf(graph: Graph, k: Cluster, limits: Limits): Shares {
  const [rows, inner] = [k.frame.o.size, k.frame.r!.size]
  // On a CPU a barrier costs more than it saves; small cases take the way of a GPU all the same.
  if (limits.software && rows * inner > 1 << 12 && rows >= 4) return { rows: 16, lanes: 1, along: 'row' }
  const most = Math.min(256, powerBelow(Math.min(limits.maxInvocations, limits.maxWorkgroupSize)))
  // The largest thing that is read decides which neighbours read neighbouring words.
  let [largest, across] = [0, false]
  for (const [v, places] of k.access) {
    const { shape } = graph.values[v]
    if (k.members.has(v) || sizeOf(shape) <= largest) continue
    largest = sizeOf(shape)
    const flat = [...places.values()].map((coords) => flatten(coords, shape))
    across = flat.some((a) => strideOf(a, 'o') === 1) && !flat.some((a) => strideOf(a, 'r') === 1)
  }
  if (across) {
    // Few columns leave a card idle, unless many threads share each, and few are neighbours (32 bytes, its least read).
    const roomy = !limits.software && rows < 1 << 14 && limits.maxInvocations >= 512 && limits.workgroupBytes >= 1 << 15
    const [wide, threads] = [Math.min(roomy ? 8 : 32, powerBelow(2 * rows - 1)), roomy ? 512 : most]
    return { rows: wide, lanes: Math.min(threads / wide, powerBelow(Math.max(1, inner / 8))), along: 'rows' }
  }
  const lanes = inner <= 16 ? 1 : Math.min(most, powerBelow(Math.max(1, inner / 2)))
  return { rows: Math.max(1, Math.min(64, most) / lanes), lanes, along: 'row' }
}

/** Reductions of a cluster by level: each needs only those of lower levels. */
function levelsOf(graph: Graph, k: Cluster): Node[][] {
  const level = new Map<number, number>()
  const levels: Node[][] = []
  const visit = (v: number): number => {
    const known = level.get(v)
    if (known !== undefined || !k.members.has(v)) return known ?? -1
    const node = graph.maker[v]
    const below = node.inputs.reduce((n, i) => Math.max(n, visit(i)), -1)
    const own = kindOf(node.op) === 'reduction' ? below + 1 : below
    if (own > below) (levels[own] ??= []).push(node)
    level.set(v, own)
    return own
  }
  for (const { value } of k.roots) visit(value)
  return levels
}

type Folded = 'sum' | 'max' | 'argmax'
/** The statements of one reduction: before its loop, in it, and among the lanes of a row. */
type Folding = Readonly<Record<'declared' | 'loop' | 'workgroup' | 'publish' | 'merge' | 'finish', readonly string[]>>

/** Folds x, `size` of them, into z{id}. `id` numbers the kernel's reductions, `n` those of one level (one loop). */
function reduction(op: Folded, x: string, id: number, n: number, shares: Shares, size: number): Folding {
  const [a, i, z, s, t] = [`a${id}`, `i${id}`, `z${id}`, `s${n}`, `t${n}`]
  const { rows, lanes, along: way } = shares
  const other = `tid + h * ${way === 'row' ? 1 : rows}u`
  const workgroup = (name: string, type: string): string => `var<workgroup> ${name}: array<${type}, ${rows * lanes}>;`
  const plain = {
    declared: [`var ${a} = ${op === 'sum' ? '0.0f' : '-3.4028234663852886e38f'};`], workgroup: [workgroup(s, 'f32')],
    publish: [`${s}[tid] = ${a};`], finish: [`let ${z} = ${lanes > 1 ? `${s}[first]` : a};`],
  }
  if (op === 'sum') return { ...plain, loop: [`${a} += ${x};`], merge: [`${s}[tid] += ${s}[${other}];`] }
  if (op === 'max') {
    const merge = [`${s}[tid] = maximum_(${s}[tid], ${s}[${other}]);`]
    return { ...plain, loop: [`${a} = maximum_(${a}, ${x});`], merge }
  }
  // `size` is no place yet. A row without a number has no largest element: the reference says 0.
  return {
    declared: [...plain.declared, `var ${i} = ${size}u;`],
    loop: [`if (${x} > ${a} || (${i} == ${size}u && !isNaN_(${x}))) { ${a} = ${x}; ${i} = r; }`],
    workgroup: [...plain.workgroup, workgroup(t, 'u32')],
    publish: [...plain.publish, `${t}[tid] = ${i};`],
    merge: [
      `if (${s}[${other}] > ${s}[tid] || (${s}[${other}] == ${s}[tid] && ${t}[${other}] < ${t}[tid])) {`,
      `${s}[tid] = ${s}[${other}];`, `${t}[tid] = ${t}[${other}];`, '}',
    ],
    finish: [`let ${z} = i32(${lanes > 1 ? `${t}[first]` : i} % ${size}u);`],
  }
}

/** The kernel of a cluster. `label` names it in errors. */
export function generate(graph: Graph, k: Cluster, limits: Limits, label: string): Generated {
  const variables = new Map<number, string>()
  const emit = emitter(graph, k.members, limits, variables)
  const writes = buffers(graph, limits, 'out')
  const store: Store = (b, v, place) =>
    writes.element(v, place, emit.value(b, v, unflatten(place, graph.values[v].shape)))
  const { head, threads, lines, groups } =
    k.frame.r ? byRows(graph, k, limits, emit, variables, store) : byElements(k, limits, store)
  const body = indented(lines)
  const helpers = [...emit.reads.helpers, ...writes.helpers, ...head]
  return {
    kernel: {
      label, bindings: [...emit.reads.bindings, ...writes.bindings], workgroups: fold(groups, limits),
      wgsl: [scalarFunctions(body), ...helpers, `${entry(threads)}\n${body}\n}`].filter(Boolean).join('\n'),
    },
    inputs: emit.reads.values,
    outputs: writes.values,
  }
}

interface Body { readonly head: string[]; readonly threads: number; readonly groups: number; readonly lines: string[] }
type Store = (b: Block, v: number, address: Address) => string

function byElements({ frame: { o }, roots }: Cluster, limits: Limits, store: Store): Body {
  const row = block('row')
  const threads = o.size > 16384 ? Math.min(256, limits.maxInvocations) : 64
  const stores = roots.map((root) => store(row, root.value, along(o)))
  const opening = [`let o = (wid.x + wid.y * grid.x) * ${threads}u + tid;`, `if (o >= ${o.size}u) { return; }`]
  return { head: [], threads, groups: Math.ceil(o.size / threads), lines: [...opening, ...row.lines, ...stores] }
}

function byRows(
  graph: Graph, k: Cluster, limits: Limits, emit: Emitter, variables: Map<number, string>, store: Store,
): Body {
  const { o, r, full } = k.frame
  const row = block('row')
  const shares = sharesOf(graph, k, limits)
  const { rows, lanes, along: way } = shares
  const shared = new Set<string>()
  const loopOver = (lines: readonly string[], from = 0): string[] =>
    [`for (var r = ${from}u + lane; r < ${r!.size}u; r += ${lanes}u) {`, ...lines, '}']
  /** Four at a time, so that a thread waits for four reads at once: a card's memory is far away. */
  const most = limits.software ? 0 : Math.floor(r!.size / lanes / 4) * 4 * lanes
  const folding = (lines: readonly string[]): string[] => most < 8 * lanes ? loopOver(lines) : [
    `for (var q = lane; q < ${most}u; q += ${4 * lanes}u) {`,
    ...[0, 1, 2, 3].flatMap((i) => ['{', `let r = q + ${i * lanes}u;`, ...lines, '}']), '}', ...loopOver(lines, most)]
  let count = 0
  for (const nodes of levelsOf(graph, k)) {
    const body = block('loop', row)
    const made = nodes.map((node, n) => {
      const [source] = node.inputs
      const x = emit.value(body, source, reductionCoords(node, graph.values[source].shape, k.frame))
      return reduction(node.op as Folded, x, count + n, n, shares, r!.size)
    })
    const all = (part: keyof Folding): string[] => made.flatMap((folding) => folding[part])
    nodes.forEach((node) => variables.set(node.outputs[0], `z${count++}`))
    row.lines.push(...all('declared'), ...folding([...body.lines, ...all('loop')]))
    if (lanes > 1) {
      for (const line of all('workgroup')) shared.add(line)
      row.lines.push(
        ...all('publish'), 'workgroupBarrier();', `for (var h = ${lanes / 2}u; h > 0u; h /= 2u) {`,
        'if (lane < h) {', ...all('merge'), '}', 'workgroupBarrier();', '}', ...all('finish'), 'workgroupBarrier();')
    } else row.lines.push(...all('finish'))
  }
  const body = block('loop', row)
  const stores = (each: 'row' | 'element', b: Block, place: Address): string[] =>
    k.roots.filter((root) => root.each === each).map((root) => store(b, root.value, place))
  const perRow = stores('row', row, along(o))
  const perElement = stores('element', body, full!)
  const inRow = way === 'row'
  return {
    head: [...shared], threads: rows * lanes, groups: Math.ceil(o.size / rows),
    lines: [
      `let lane = ${inRow ? `tid % ${lanes}u` : `tid / ${rows}u`};`,
      `let first = ${inRow ? 'tid - lane' : `tid % ${rows}u`};`,
      `let place = (wid.x + wid.y * grid.x) * ${rows}u + ${inRow ? `tid / ${lanes}u` : `tid % ${rows}u`};`,
      `let o = min(place, ${o.size - 1}u);`,
      ...row.lines,
      ...(perRow.length > 0 ? [`if (lane == 0u && place < ${o.size}u) {`, ...perRow, '}'] : []),
      ...(perElement.length > 0 ? [`if (place < ${o.size}u) {`, ...loopOver([...body.lines, ...perElement]), '}'] : []),
    ],
  }
}

/** A cluster whose one root is computed from a kernel's `result`, element by element, as that kernel's epilogue. */
export function generateEpilogue(
  graph: Graph, k: Cluster, result: number, limits: Limits, from: number,
): { epilogue: Epilogue; inputs: readonly number[] } {
  const { value, reads } = emitter(graph, k.members, limits, new Map([[result, 'v']]), from)
  const body = block('row')
  const { frame: { o }, roots: [root] } = k
  const text = value(body, root.value, unflatten(along(o), graph.values[root.value].shape))
  const lines = [...(o.size > 1 ? ['let o = u32(i);'] : []), ...body.lines, `return ${text};`]
  const code = `fn epilogue(v: f32, i: i32) -> f32 {\n${indented(lines)}\n}`
  const wgsl = [scalarFunctions(code), ...reads.helpers, code].filter(Boolean).join('\n')
  return { epilogue: { wgsl, bindings: reads.bindings }, inputs: reads.values }
}
