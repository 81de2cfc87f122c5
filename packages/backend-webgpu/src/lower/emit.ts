/**
 * Expressions in WGSL: what a value is at given coordinates, as statements in a block and the variable that holds it.
 *
 * An expression is emitted once in each block, and outside of a loop where it does not change in it. Variables that a
 * loop or a branch changes begin with `w`, all others with `v`; `x` and `y` are buffers.
 */
import { sizeOf, type DType, type Node } from '@ldyn/tensor'
import { WINDOW, type Binding, type Element, type Limits, type Ref } from '../kernels/kernel.ts'
import { kindOf, readsOf } from './access.ts'
import { flatten, mentions, render, type Address } from './address.ts'
import { inMemory } from './fuse.ts'
import { stored, type Graph } from './program.ts'
import { literal, pointwise, TYPES, ZERO } from './scalar.ts'

const ELEMENT: { readonly [K in DType]: Element } = { f32: 'f32', i32: 'i32', bool: 'u32' }

/** Statements of one block, and what is known in it: variables by value and place. */
export interface Block {
  readonly kind: 'row' | 'loop' | 'guard'
  readonly lines: string[]
  readonly known: Map<string, string>
  readonly outer?: Block
}
export const block = (kind: Block['kind'], outer?: Block): Block => ({ kind, lines: [], known: new Map(), outer })

/** The buffers of one direction: what is bound, in which order, and the functions that choose a window. */
export interface Buffers {
  readonly values: readonly number[]
  readonly bindings: readonly Binding[]
  readonly helpers: readonly string[]
  /** The variable of a value's buffer; `split` where it is reached through a function. */
  use(v: number): { readonly name: string; readonly split: boolean }
}

/** Buffers of a kernel by value: declared as they are first used. A value above the binding limit has windows. */
export function buffers(graph: Graph, limits: Limits, prefix: 'in' | 'out', letter: string, from = 0): Buffers {
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
        const each = (f: (name: string, i: string) => string): string =>
          windows
            .map(({ name }, w) => `${last(w) ? '' : `if (i < ${(w + 1) * most}u) `}${f(name, `i - ${w * most}u`)}`)
            .join(' ')
        helpers.push(prefix === 'in'
          ? `fn ${letter}${n}_at(i: u32) -> ${element} { ${each((b, i) => `{ return ${b}[${i}]; }`)} }`
          : `fn ${letter}${n}_put(i: u32, v: ${element}) { ${each((b, i) => `{ ${b}[${i}] = v; return; }`)} }`)
      }
    }
    return { name: `${letter}${n}`, split: count > 1 }
  }
  return { values, bindings, helpers, use }
}

export interface Emitter {
  /** The variable that holds a value at coordinates, in a block. */
  value(b: Block, v: number, coords: readonly Address[]): string
  readonly reads: Buffers
}

/** Emits the expressions of a cluster into blocks. `known`: values that variables already hold. */
export function emitter(
  graph: Graph, members: ReadonlySet<number>, limits: Limits, known: ReadonlyMap<number, string>, from = 0,
): Emitter {
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
