/**
 * A cluster as one WGSL kernel.
 *
 * Without reductions it is a thread an element. With reductions, `lanes` threads share a row: for every level of
 * reductions (those that need no other, those that need these, …) a loop over the row and a tree through workgroup
 * memory; then what is written once a row; then a loop for what is written at every element. An expression is emitted
 * once in each loop, and outside of it where it does not change there.
 */
import { sizeOf, type DType, type Node } from '@ldyn/tensor'
import { fold, WINDOW, type Binding, type Element, type Epilogue, type Kernel, type Limits, type Ref } from '../kernels/kernel.ts'
import { along, flatten, mentions, render, strideOf, unflatten, type Address } from './address.ts'
import { kindOf, readsOf, reductionCoords, type Frame } from './access.ts'
import { inMemory, type Cluster } from './fuse.ts'
import { stored, type Graph } from './program.ts'
import { literal, pointwise, scalarFunctions, TYPES, ZERO } from './scalar.ts'

export interface Generated {
  readonly kernel: Kernel
  /** The values behind `in0`, `in1`, … and `out0`, …. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

const ELEMENT: { readonly [K in DType]: Element } = { f32: 'f32', i32: 'i32', bool: 'u32' }

/** Statements of one block, and what is known in it: variables by value and place. */
interface Block {
  readonly kind: 'row' | 'loop' | 'guard'
  readonly lines: string[]
  readonly known: Map<string, string>
  readonly outer?: Block
}
const block = (kind: Block['kind'], outer?: Block): Block => ({ kind, lines: [], known: new Map(), outer })

/** Buffers of a kernel by value: declared as they are first used. A value above the binding limit has windows. */
function buffers(graph: Graph, limits: Limits, prefix: 'in' | 'out', letter: string, from = 0) {
  const values: number[] = []
  const bindings: Binding[] = []
  const helpers: string[] = []
  const most = Math.floor(limits.maxBindingBytes / 4 / WINDOW) * WINDOW
  const use = (v: number): { name: string; split: boolean } => {
    const words = sizeOf(graph.values[v].shape)
    const count = Math.ceil(words / most)
    let n = values.indexOf(v)
    if (n < 0) {
      n = values.push(v) - 1
      const of = `${prefix}${n + from}` as Ref
      const element = ELEMENT[graph.values[v].dtype]
      const access = prefix === 'in' ? 'read' : 'write'
      const window = (w: number): Binding => ({
        name: count > 1 ? `${letter}${n}_${w}` : `${letter}${n}`, of, element, access,
        ...(count > 1 ? { window: { at: w * most, words: Math.min(most, words - w * most) } } : {}),
      })
      const windows = Array.from({ length: count }, (_, w) => window(w))
      bindings.push(...windows)
      const last = (w: number): boolean => w === count - 1
      if (count > 1) {
        const each = (f: (name: string, i: string) => string): string => windows
          .map(({ name }, w) => (last(w) ? '' : `if (i < ${(w + 1) * most}u) `) + f(name, `i - ${w * most}u`)).join(' ')
        helpers.push(prefix === 'in'
          ? `fn ${letter}${n}_at(i: u32) -> ${element} { ${each((b, i) => `{ return ${b}[${i}]; }`)} }`
          : `fn ${letter}${n}_put(i: u32, v: ${element}) { ${each((b, i) => `{ ${b}[${i}] = v; return; }`)} }`)
      }
    }
    return { name: `${letter}${n}`, split: count > 1 }
  }
  return { values, bindings, helpers, use }
}

/** Emits the expressions of a cluster into blocks. */
function emitter(graph: Graph, members: ReadonlySet<number>, limits: Limits, known: ReadonlyMap<number, string>, from = 0) {
  const reads = buffers(graph, limits, 'in', 'x', from)
  let names = 0

  function lookup(b: Block | undefined, key: string): string | undefined {
    for (let s = b; s; s = s.outer) if (s.known.has(key)) return s.known.get(key)
    return undefined
  }
  /** Text that changes inside a loop, or stands on what is only there. */
  const inner = (text: string): boolean => /\b(r|j\d+|w\d+)\b/.test(text)

  /** The variable that holds a value at coordinates. */
  function value(b: Block, v: number, coords: readonly Address[]): string {
    const node = graph.maker[v]
    if (known.has(v)) return known.get(v)!
    if (node.op === 'constant' && node.attrs.values.length === 1 && !inMemory(graph, v))
      return literal(node.attrs.values[0], node.attrs.dtype)
    const key = `${v}|${coords.map(render).join(',')}`
    const found = lookup(b, key)
    if (found) return found
    const home = b.kind === 'loop' && !coords.some((c) => inner(render(c)) || mentions(c, 'r')) ? b.outer! : b
    const name = (): string => `${home.kind === 'row' ? 'v' : 'w'}${names++}`
    const expression = compute(home, v, node, coords)
    if (/^[vw]\d+$/.test(expression)) {
      home.known.set(key, expression)
      return expression
    }
    const variable = name()
    home.lines.push(`let ${variable} = ${expression};`)
    home.known.set(key, variable)
    return variable
  }

  function load(v: number, address: Address): string {
    const source = stored(graph, v)
    const { name, split } = reads.use(source)
    const text = split ? `${name}_at(${render(address)})` : `${name}[${render(address)}]`
    return graph.values[source].dtype === 'bool' ? `(${text} != 0u)` : text
  }

  function compute(b: Block, v: number, node: Node, coords: readonly Address[]): string {
    const { shape, dtype } = graph.values[v]
    if (!members.has(v)) return load(v, flatten(coords, shape))
    if (node.op === 'constant') {
      const list = Array.from(node.attrs.values, (n) => literal(n, dtype)).join(', ')
      return `array<${TYPES[dtype]}, ${node.attrs.values.length}>(${list})[${render(flatten(coords, shape))}]`
    }
    if (node.op === 'iota') return `i32(${render(coords[node.attrs.axis])})`
    if (node.op === 'updateRows') return updated(b, v, node, coords)
    const reads = readsOf(graph, node, coords, (i, where) => value(b, i, where))
    const dtypeOf = (i: number): DType => graph.values[node.inputs[i]].dtype
    switch (node.op) {
      case 'pad': {
        const inside = coords.flatMap((c, a) => {
          const [lo, hi] = [node.attrs.lo[a], node.attrs.lo[a] + graph.values[node.inputs[0]].shape[a]]
          const text = render(c)
          return [...(lo > 0 ? [`${text} >= ${lo}u`] : []), ...(node.attrs.hi[a] > 0 ? [`${text} < ${hi}u`] : [])]
        })
        return guarded(b, dtype, ZERO[dtype], [[inside.join(' && '), reads[0]]])
      }
      case 'concat': {
        const { axis } = node.attrs
        let end = 0
        return guarded(b, dtype, undefined, reads.map((read, i) => {
          end += graph.values[node.inputs[i]].shape[axis]
          return [i < reads.length - 1 ? `${render(coords[axis])} < ${end}u` : '', read]
        }))
      }
      default:
        if (kindOf(node.op) === 'view' && node.op !== 'cast') return value(b, reads[0].value, reads[0].coords)
        return pointwise(node, runtime(b, reads.map((read) => value(b, read.value, read.coords))), dtypeOf(0), dtype)
    }
  }

  /** WGSL evaluates literals while compiling, and refuses 1/0 there: one operand at least is a variable. */
  function runtime(b: Block, x: readonly string[]): readonly string[] {
    if (x.some((text) => /^[vwxz]/.test(text))) return x
    const variable = `${b.kind === 'row' ? 'v' : 'w'}${names++}`
    b.lines.push(`let ${variable} = ${x[0]};`)
    return [variable, ...x.slice(1)]
  }

  /** The first branch whose condition holds ('' always does). */
  function guarded(
    b: Block, dtype: DType, otherwise: string | undefined,
    branches: readonly (readonly [string, { value: number; coords: readonly Address[] }])[],
  ): string {
    const variable = `${b.kind === 'row' ? 'v' : 'w'}${names++}`
    b.lines.push(`var ${variable}: ${TYPES[dtype]}${otherwise === undefined ? '' : ` = ${otherwise}`};`)
    branches.forEach(([condition, read], i) => {
      const body = block('guard', b)
      const result = value(body, read.value, read.coords)
      const opening = condition === '' ? (i === 0 ? '{' : 'else {') : `${i === 0 ? '' : 'else '}if (${condition}) {`
      b.lines.push(opening, ...body.lines, `${variable} = ${result};`, '}')
    })
    return variable
  }

  /** x's row, or the row of the updates whose index it is. */
  function updated(b: Block, v: number, node: Node, coords: readonly Address[]): string {
    const { shape, dtype } = graph.values[v]
    const variable = `${b.kind === 'row' ? 'v' : 'w'}${names++}`
    const [kept, index, update] = readsOf(graph, node, coords, () => '')
    b.lines.push(`var ${variable}: ${TYPES[dtype]} = ${value(b, kept.value, kept.coords)};`)
    const body = block('guard', b)
    const row = value(body, index.value, index.coords)
    const hit = block('guard', body)
    const result = value(hit, update.value, update.coords)
    const rows = graph.values[node.inputs[1]].shape[0]
    b.lines.push(
      `for (var j${v} = 0u; j${v} < ${rows}u; j${v}++) {`, ...body.lines,
      `if (${row} == i32(${shape[0] === 1 ? '0u' : render(coords[0])})) {`, ...hit.lines,
      `${variable} = ${result};`, '}', '}',
    )
    return variable
  }

  return { value, reads }
}

const signature = 'fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) lid: u32)'

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
interface Shares {
  readonly rows: number
  readonly lanes: number
  readonly along: 'row' | 'rows'
}

const powerBelow = (n: number): number => 2 ** Math.max(0, Math.floor(Math.log2(n)))

function sharesOf(graph: Graph, k: Cluster, limits: Limits): Shares {
  const [rows, inner] = [k.frame.o.size, k.frame.r!.size]
  // On a CPU a barrier costs more than it saves; small cases take the way of a GPU all the same.
  if (limits.software && rows * inner > 1 << 16 && rows >= 4) return { rows: 16, lanes: 1, along: 'row' }
  const most = Math.min(256, powerBelow(Math.min(limits.maxInvocations, limits.maxWorkgroupSize)))
  // The largest thing that is read decides which neighbours read neighbouring words.
  let [largest, across] = [0, false]
  for (const [v, places] of k.access) {
    const size = sizeOf(graph.values[v].shape)
    if (k.members.has(v) || size <= largest) continue
    const flat = [...places.values()].map((coords) => flatten(coords, graph.values[v].shape))
    largest = size
    across = flat.some((a) => strideOf(a, 'o') === 1) && !flat.some((a) => strideOf(a, 'r') === 1)
  }
  if (across) {
    const wide = Math.min(32, powerBelow(2 * rows - 1))
    return { rows: wide, lanes: Math.min(most / wide, powerBelow(Math.max(1, inner / 8))), along: 'rows' }
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
    if (known !== undefined) return known
    if (!k.members.has(v)) return -1
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

const START = { sum: '0.0f', max: '-3.4028234663852886e38f', argmax: '-3.4028234663852886e38f' } as const

/** The kernel of a cluster. `label` names it in errors. */
export function generate(graph: Graph, k: Cluster, limits: Limits, label: string): Generated {
  const variables = new Map<number, string>()
  const { value, reads } = emitter(graph, k.members, limits, variables)
  const writes = buffers(graph, limits, 'out', 'y')
  const row = block('row')
  const store = (b: Block, v: number, address: Address): string => {
    const { shape, dtype } = graph.values[v]
    const text = value(b, v, unflatten(address, shape))
    const given = dtype === 'bool' ? `select(0u, 1u, ${text})` : text
    const { name, split } = writes.use(v)
    return split ? `${name}_put(${render(address)}, ${given});` : `${name}[${render(address)}] = ${given};`
  }
  const { o } = k.frame
  const finish = (head: string, lines: readonly string[], groups: number): Generated => {
    const body = indented(lines)
    const helpers = [...reads.helpers, ...writes.helpers]
    return {
      kernel: {
        label, bindings: [...reads.bindings, ...writes.bindings], workgroups: fold(groups, limits),
        wgsl: [scalarFunctions(body), ...helpers, `${head} ${signature} {\n${body}\n}`].filter(Boolean).join('\n'),
      },
      inputs: reads.values,
      outputs: writes.values,
    }
  }

  if (!k.frame.r) {
    const threads = o.size > 16384 ? Math.min(256, limits.maxInvocations) : 64
    const stores = k.roots.map((root) => store(row, root.value, along(o)))
    const lines = [
      `let o = (wid.x + wid.y * grid.x) * ${threads}u + lid;`, `if (o >= ${o.size}u) { return; }`, ...row.lines, ...stores,
    ]
    return finish(`@compute @workgroup_size(${threads})`, lines, Math.ceil(o.size / threads))
  }

  const { r } = k.frame
  const { rows, lanes, along: direction } = sharesOf(graph, k, limits)
  const threads = rows * lanes
  const shared = new Set<string>()
  const loop = (lines: readonly string[]): string[] =>
    [`for (var r = lane; r < ${r.size}u; r += ${lanes}u) {`, ...lines, '}']
  const levels = levelsOf(graph, k)
  let reductions = 0
  for (const nodes of levels) {
    const body = block('loop', row)
    const after: string[] = []
    const [declared, gathered, results]: string[][] = [[], [], []]
    nodes.forEach((node, n) => {
      const source = node.inputs[0]
      const op = node.op as keyof typeof START
      const x = value(body, source, reductionCoords(node, graph.values[source].shape, k.frame))
      const id = reductions++
      const [a, i, z, s, t] = [`a${id}`, `i${id}`, `z${id}`, `s${n}`, `t${n}`]
      declared.push(`var ${a} = ${START[op]};`)
      if (op === 'sum') body.lines.push(`${a} += ${x};`)
      if (op === 'max') body.lines.push(`${a} = maximum_(${a}, ${x});`)
      if (op === 'argmax') {
        declared.push(`var ${i} = ${r.size}u;`)
        body.lines.push(`if (${x} > ${a} || (${i} == ${r.size}u && !isNaN_(${x}))) { ${a} = ${x}; ${i} = r; }`)
      }
      if (lanes > 1) {
        shared.add(`var<workgroup> ${s}: array<f32, ${threads}>;`)
        after.push(`${s}[lid] = ${a};`)
        if (op === 'argmax') {
          shared.add(`var<workgroup> ${t}: array<u32, ${threads}>;`)
          after.push(`${t}[lid] = ${i};`)
        }
        const other = `lid + h * ${direction === 'row' ? 1 : rows}u`
        gathered.push(
          op === 'sum' ? `${s}[lid] += ${s}[${other}];`
          : op === 'max' ? `${s}[lid] = maximum_(${s}[lid], ${s}[${other}]);`
          : `if (${s}[${other}] > ${s}[lid] || (${s}[${other}] == ${s}[lid] && ${t}[${other}] < ${t}[lid])) { ${s}[lid] = ${s}[${other}]; ${t}[lid] = ${t}[${other}]; }`,
        )
      }
      const result = op === 'argmax' ? (lanes > 1 ? `${t}[first]` : i) : lanes > 1 ? `${s}[first]` : a
      // A row without a number has no largest element; the reference says 0.
      variables.set(node.outputs[0], z)
      results.push(`let ${z} = ${op === 'argmax' ? `i32(${result} % ${r.size}u)` : result};`)
    })
    row.lines.push(...declared, ...loop(body.lines), ...after)
    if (lanes > 1) {
      row.lines.push(
        'workgroupBarrier();', `for (var h = ${lanes / 2}u; h > 0u; h /= 2u) {`, 'if (lane < h) {', ...gathered, '}',
        'workgroupBarrier();', '}', ...results, 'workgroupBarrier();',
      )
    } else row.lines.push(...results)
  }
  const perRow = k.roots.filter(({ each }) => each === 'row').map((root) => store(row, root.value, along(o)))
  const body = block('loop', row)
  const perElement = k.roots.filter(({ each }) => each === 'element').map((root) => store(body, root.value, k.frame.full!))
  const lines = [
    direction === 'row' ? `let lane = lid % ${lanes}u;` : `let lane = lid / ${rows}u;`,
    direction === 'row' ? 'let first = lid - lane;' : `let first = lid % ${rows}u;`,
    `let place = (wid.x + wid.y * grid.x) * ${rows}u + ${direction === 'row' ? `lid / ${lanes}u` : `lid % ${rows}u`};`,
    `let o = min(place, ${o.size - 1}u);`,
    ...row.lines,
    ...(perRow.length > 0 ? [`if (lane == 0u && place < ${o.size}u) {`, ...perRow, '}'] : []),
    ...(perElement.length > 0 ? [`if (place < ${o.size}u) {`, ...loop([...body.lines, ...perElement]), '}'] : []),
  ]
  return finish(`${[...shared].join('\n')}\n@compute @workgroup_size(${threads})`, lines, Math.ceil(o.size / rows))
}

/** A cluster without reductions whose one root is computed from the result of a kernel of its own, as its epilogue. */
export function generateEpilogue(
  graph: Graph, k: Cluster, result: number, limits: Limits, from: number,
): { epilogue: Epilogue; inputs: readonly number[] } {
  const { value, reads } = emitter(graph, k.members, limits, new Map([[result, 'v']]), from)
  const body = block('row')
  const frame: Frame = k.frame
  const text = value(body, k.roots[0].value, unflatten(along(frame.o), graph.values[k.roots[0].value].shape))
  const lines = [...(frame.o.size > 1 ? ['let o = u32(i);'] : []), ...body.lines, `return ${text};`]
  const code = `fn epilogue(v: f32, i: i32) -> f32 {\n${indented(lines)}\n}`
  return {
    epilogue: { wgsl: [scalarFunctions(code), ...reads.helpers, code].filter(Boolean).join('\n'), bindings: reads.bindings },
    inputs: reads.values,
  }
}
