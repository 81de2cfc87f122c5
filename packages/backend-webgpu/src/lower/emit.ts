/**
 * Expressions in WGSL: what a value is at given coordinates, as statements in a block and the variable that holds it.
 *
 * An expression is emitted once in each block, and outside of a loop where it does not change in it. Variables that a
 * loop or a branch changes begin with `w`, all others with `v`; `x` and `y` are buffers.
 */
import { sizeOf, type DType, type Node } from '@ldyn/tensor'
import { flatten, mentions, readsOf, render, type Address, type Read } from '@ldyn/tensor/indexing'
import { WINDOW, type Binding, type Limits } from '../kernels/kernel.ts'
import { inMemory, kindOf } from './kinds.ts'
import { stored, type Graph } from './program.ts'
import { literal, pointwise, ZERO } from './scalar.ts'

/** Statements of one block, and what is known in it: variables by value and place. */
export interface Block {
  readonly kind: 'row' | 'loop' | 'guard'; readonly lines: string[]; readonly known: Map<string, string>
  readonly outer?: Block
}
export const block = (kind: Block['kind'], outer?: Block): Block => ({ kind, lines: [], known: new Map(), outer })

/** The buffers of one direction: what is bound, in which order, and the functions that choose a window. */
export interface Buffers {
  readonly values: readonly number[]; readonly bindings: readonly Binding[]; readonly helpers: readonly string[]
  /** WGSL of a value's element, or the statement that makes it `given`. */
  element(v: number, place: Address, given?: string): string
}

/** Buffers of a kernel by value: declared as they are first used. A value above the binding limit has windows. */
export function buffers(graph: Graph, limits: Limits, prefix: 'in' | 'out', from = 0): Buffers {
  const values: number[] = []
  const bindings: Binding[] = []
  const helpers: string[] = []
  const most = Math.floor(limits.maxBindingBytes / 4 / WINDOW) * WINDOW
  const nameOf = (n: number): string => `${prefix === 'in' ? 'x' : 'y'}${n}`
  function declare(v: number, n: number): void {
    const { shape, dtype } = graph.values[v]
    const [name, words, element] = [nameOf(n), sizeOf(shape), dtype === 'bool' ? 'u32' : dtype] as const
    const access = prefix === 'in' ? 'read' : 'write'
    const common = { of: `${prefix}${n + from}`, element, access } as const
    const count = Math.ceil(words / most)
    if (count <= 1) return void bindings.push({ name, ...common })
    const branches = Array.from({ length: count }, (_, w) => {
      const at = w * most
      bindings.push({ name: `${name}_${w}`, ...common, window: { at, words: Math.min(most, words - at) } })
      const place = `${name}_${w}[i - ${at}u]`
      const statement = access === 'read' ? `{ return ${place}; }` : `{ ${place} = v; return; }`
      return w === count - 1 ? statement : `if (i < ${at + most}u) ${statement}`
    })
    const signature = access === 'read' ? `_at(i: u32) -> ${element}` : `_put(i: u32, v: ${element})`
    helpers.push(`fn ${name}${signature} { ${branches.join(' ')} }`)
  }
  function element(v: number, place: Address, given?: string): string {
    if (!values.includes(v)) declare(v, values.push(v) - 1)
    const { shape, dtype } = graph.values[v]
    const [name, i, split, bool] = [nameOf(values.indexOf(v)), render(place), sizeOf(shape) > most, dtype === 'bool']
    const here = split ? `${name}_at(${i})` : `${name}[${i}]`
    if (given === undefined) return bool ? `(${here} != 0u)` : here
    const word = bool ? `select(0u, 1u, ${given})` : given
    return split ? `${name}_put(${i}, ${word});` : `${here} = ${word};`
  }
  return { values, bindings, helpers, element }
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
  const reads = buffers(graph, limits, 'in', from)
  let names = 0
  const fresh = (b: Block): string => `${b.kind === 'row' ? 'v' : 'w'}${names++}`
  const lookup = (b: Block | undefined, key: string): string | undefined =>
    b && (b.known.get(key) ?? lookup(b.outer, key))
  /** Text that changes inside a loop, or stands on what is only there. */
  const inner = (text: string): boolean => /\b(r|j\d+|w\d+)\b/.test(text)

  function value(b: Block, v: number, coords: readonly Address[]): string {
    const node = graph.maker[v]
    if (known.has(v)) return known.get(v)!
    if (node.op === 'constant' && node.attrs.values.length === 1 && !inMemory(graph, v))
      return literal(node.attrs.values[0], node.attrs.dtype)
    const key = `${v}|${coords.map(render).join(',')}`
    const found = lookup(b, key)
    if (found) return found
    const home = b.kind === 'loop' && !coords.some((c) => inner(render(c)) || mentions(c, 'r')) ? b.outer! : b
    let variable = compute(home, v, node, coords)
    if (!/^[vw]\d+$/.test(variable)) variable = named(home, variable)
    home.known.set(key, variable)
    return variable
  }

  function named(b: Block, expression: string): string {
    const variable = fresh(b)
    b.lines.push(`let ${variable} = ${expression};`)
    return variable
  }

  function compute(b: Block, v: number, node: Node, coords: readonly Address[]): string {
    const { shape, dtype } = graph.values[v]
    if (!members.has(v)) return reads.element(stored(graph, v), flatten(coords, shape))
    if (node.op === 'constant') {
      const list = Array.from(node.attrs.values, (n) => literal(n, dtype)).join(', ')
      return `array<${dtype}, ${node.attrs.values.length}>(${list})[${render(flatten(coords, shape))}]`
    }
    if (node.op === 'iota') return `i32(${render(coords[node.attrs.axis])})`
    if (node.op === 'updateRows') return updated(b, v, node, coords)
    const operand = (i: number) => graph.values[node.inputs[i]]
    // Kernels keep within their buffers by themselves: Dawn is told not to check (device/open.ts).
    const last = (operand(0).shape.at(node.op === 'take' ? 0 : -1) ?? 1) - 1
    const parts = readsOf(graph.values, node, coords, (i, where) => `min(u32(${value(b, i, where)}), ${last}u)`)
    if (node.op === 'pad') {
      const { lo, hi } = node.attrs
      const inside = coords.flatMap((c, a) => [
        ...(lo[a] > 0 ? [`${render(c)} >= ${lo[a]}u`] : []),
        ...(hi[a] > 0 ? [`${render(c)} < ${lo[a] + operand(0).shape[a]}u`] : []),
      ])
      return guarded(b, dtype, ZERO[dtype], [[inside.join(' && '), parts[0]]])
    }
    if (node.op === 'concat') {
      const { axis } = node.attrs
      let end = 0
      return guarded(b, dtype, undefined, parts.map((read, i) => {
        end += operand(i).shape[axis]
        return [i < parts.length - 1 ? `${render(coords[axis])} < ${end}u` : '', read]
      }))
    }
    if (kindOf(node.op) === 'view' && node.op !== 'cast') return value(b, parts[0].value, parts[0].coords)
    const [x, ...more] = parts.map((read) => value(b, read.value, read.coords))
    // WGSL evaluates literals while compiling, and refuses 1/0 there: one operand at least is a variable.
    const runtime = [x, ...more].some((text) => /^[vwxz]/.test(text)) ? x : named(b, x)
    return pointwise(node, [runtime, ...more], operand(0).dtype, dtype)
  }

  /** The first branch whose condition holds ('' always does). */
  function guarded(
    b: Block, dtype: DType, otherwise: string | undefined, branches: readonly (readonly [string, Read])[],
  ): string {
    const variable = fresh(b)
    b.lines.push(`var ${variable}: ${dtype}${otherwise === undefined ? '' : ` = ${otherwise}`};`)
    branches.forEach(([condition, read], i) => {
      const body = block('guard', b)
      const result = value(body, read.value, read.coords)
      const test = condition && `if (${condition}) `
      b.lines.push(`${i > 0 ? 'else ' : ''}${test}{`, ...body.lines, `${variable} = ${result};`, '}')
    })
    return variable
  }

  /** x's row, or the row of the updates whose index it is. */
  function updated(b: Block, v: number, node: Node, coords: readonly Address[]): string {
    const { shape, dtype } = graph.values[v]
    const variable = fresh(b)
    const [kept, index, update] = readsOf(graph.values, node, coords, () => '')
    b.lines.push(`var ${variable}: ${dtype} = ${value(b, kept.value, kept.coords)};`)
    const body = block('guard', b)
    const row = value(body, index.value, index.coords)
    const hit = block('guard', body)
    const result = value(hit, update.value, update.coords)
    b.lines.push(
      `for (var j${v} = 0u; j${v} < ${graph.values[node.inputs[1]].shape[0]}u; j${v}++) {`, ...body.lines,
      `if (${row} == i32(${shape[0] === 1 ? '0u' : render(coords[0])})) {`, ...hit.lines,
      `${variable} = ${result};`, '}', '}')
    return variable
  }

  return { value, reads }
}
