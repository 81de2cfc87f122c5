/**
 * A Program made ready for fusing: simplified, composites expanded but those with kernels of their own, and brought
 * to a form in which nothing is a special case any more: no node works on empty tensors, no operand of a kernel is
 * given twice, and a sum over many elements into few is two sums, so that the device has enough to do at once.
 */
import {
  expandComposites, isComposite, simplify, sizeOf, type DType, type Leaf, type Node, type OpAttrs, type OpName,
  type Program, type Shape, type Spec,
} from '@ldyn/tensor'
import { kindOf } from './access.ts'

/** A program whose nodes may be appended to. */
export interface Graph {
  readonly values: Spec[]
  readonly nodes: Node[]
  /** Of every value: the node that makes it. */
  readonly maker: Node[]
  readonly inputs: readonly Leaf<number>[]
  outputs: readonly Leaf<number>[]
}

/** The passes of the tensor package. Composites are expanded between two rounds, so that their parts merge too. */
export function prepared(program: Program, native: ReadonlySet<OpName>): Program {
  const keep = (op: OpName): boolean => isComposite(op) && native.has(op)
  return simplify(expandComposites(simplify(program, { final: true }), keep), { final: true })
}

/** The normal form of a prepared program. */
export function normalised(program: Program): Graph {
  const graph: Graph = { values: [], nodes: [], maker: [], inputs: [], outputs: [] }
  const now = new Map<number, number>()
  for (const node of program.nodes) {
    const inputs = node.inputs.map((v) => now.get(v)!)
    const specs = node.outputs.map((v) => program.values[v])
    const made = rewritten(graph, node, inputs, specs)
    node.outputs.forEach((v, i) => now.set(v, made[i]))
  }
  const moved = (list: readonly Leaf<number>[]): Leaf<number>[] =>
    list.map(({ path, value }) => ({ path, value: now.get(value)! }))
  return { ...graph, inputs: moved(program.inputs), outputs: moved(program.outputs) }
}

export const isEmpty = (s: Spec): boolean => s.shape.includes(0)

/** The value whose memory holds this one's: a reshape is another name for its operand. */
export function stored(graph: Graph, value: number): number {
  for (let v = value; ; ) {
    const node = graph.maker[v]
    if (node.op !== 'reshape') return v
    v = node.inputs[0]
  }
}

function append<K extends OpName>(
  graph: Graph, like: Node, op: K, attrs: OpAttrs[K], inputs: readonly number[], specs: readonly Spec[],
): number[] {
  const outputs = specs.map((s) => graph.values.push({ shape: s.shape, dtype: s.dtype }) - 1)
  const node = { op, attrs, inputs, outputs, path: like.path } as unknown as Node
  graph.nodes.push(node)
  for (const v of outputs) graph.maker[v] = node
  return outputs
}

function zeros(graph: Graph, like: Node, shape: Shape, dtype: DType): number {
  const [zero] = append(graph, like, 'constant', { values: Float64Array.of(0), shape: [], dtype }, [], [
    { shape: [], dtype },
  ])
  return shape.length === 0 ? zero : append(graph, like, 'broadcast', { shape }, [zero], [{ shape, dtype }])[0]
}

function rewritten(graph: Graph, node: Node, inputs: readonly number[], specs: readonly Spec[]): readonly number[] {
  const [out] = specs
  const operand = (i: number): Spec => graph.values[inputs[i]]
  const operands = (): readonly number[] => (kindOf(node.op) === 'kernel' ? apart(graph, node, inputs) : inputs)
  const same = (): readonly number[] =>
    append(graph, node, node.op, node.attrs as never, operands(), specs)
  if (node.op === 'input') return same()
  if (specs.every(isEmpty)) {
    return specs.map(({ shape, dtype }) =>
      append(graph, node, 'constant', { values: new Float64Array(0), shape, dtype }, [], [{ shape, dtype }])[0])
  }
  const nothing = (): readonly number[] => [zeros(graph, node, out.shape, out.dtype)]
  switch (node.op) {
    case 'stopGradient':
      return [inputs[0]]
    case 'cast':
      return operand(0).dtype === out.dtype ? [inputs[0]] : same()
    case 'pad':
      return isEmpty(operand(0)) ? nothing() : same()
    case 'sum':
      return isEmpty(operand(0)) ? nothing() : inTwo(graph, node, 'sum', node.attrs, inputs[0])
    case 'max':
      return inTwo(graph, node, 'max', node.attrs, inputs[0])
    case 'scatterAdd':
      return isEmpty(operand(0)) ? nothing() : same()
    case 'updateRows':
      return isEmpty(operand(1)) ? [inputs[0]] : same()
    case 'matmul':
      return isEmpty(operand(0)) ? nothing() : same()
    case 'concat': {
      const full = inputs.filter((v) => !isEmpty(graph.values[v]))
      return [joined(graph, node, node.attrs.axis, full)]
    }
    default:
      return same()
  }
}

/**
 * Operands of a kernel of its own that share memory: all but the first are copied, since an arena is bound for writing
 * and may not be bound twice. What the program is given is only ever read, and needs no copy.
 */
function apart(graph: Graph, node: Node, inputs: readonly number[]): number[] {
  const seen = new Set<number>()
  return inputs.map((v) => {
    const memory = stored(graph, v)
    const { dtype } = graph.values[v]
    const copied = seen.has(memory) && !['input', 'constant'].includes(graph.maker[memory].op)
    const fresh = copied ? append(graph, node, 'cast', { dtype }, [v], [graph.values[v]])[0] : v
    seen.add(memory)
    return fresh
  })
}

/** What a kernel may join at once: with few parts, each may still be computed on the way. */
const PARTS = 6

function joined(graph: Graph, node: Node, axis: number, parts: readonly number[]): number {
  if (parts.length === 1) return parts[0]
  if (parts.length > PARTS) {
    const groups: number[] = []
    for (let i = 0; i < parts.length; i += PARTS) groups.push(joined(graph, node, axis, parts.slice(i, i + PARTS)))
    return joined(graph, node, axis, groups)
  }
  const { shape, dtype } = graph.values[parts[0]]
  const length = parts.reduce((n, v) => n + graph.values[v].shape[axis], 0)
  const spec = { shape: shape.map((d, a) => (a === axis ? length : d)), dtype }
  return append(graph, node, 'concat', { axis }, parts, [spec])[0]
}

/** Fewer outputs than this leave most of a card idle. */
const FEW = 1 << 13
/** A reduction of fewer elements than this is done at once all the same. */
const MANY = 1 << 13

/** Σ over many elements into few outputs as a sum of sums: the longest reduced axis in equal parts, if it has any. */
function inTwo(
  graph: Graph, node: Node, op: 'sum' | 'max', attrs: OpAttrs['sum'], x: number,
): readonly number[] {
  const { shape, dtype } = graph.values[x]
  const kept = shape.filter((_, a) => !attrs.axes.includes(a))
  const outputs = sizeOf(kept)
  const whole = sizeOf(shape) / outputs
  const result = {
    shape: attrs.keepdims ? shape.map((d, a) => (attrs.axes.includes(a) ? 1 : d)) : kept,
    dtype,
  }
  const axis = attrs.axes.reduce((best, a) => (shape[a] > shape[best] ? a : best), attrs.axes[0])
  // The last axis is read by neighbouring threads of a workgroup, so a long row is shared by 256 of them already.
  const lanes = axis === shape.length - 1 ? 256 : 8
  const parts = outputs * lanes < FEW * 2 && whole >= MANY ? divisorNear(shape[axis], FEW / outputs) : 1
  if (parts === 1) return append(graph, node, op, attrs, [x], [result])
  const split = [...shape.slice(0, axis), parts, shape[axis] / parts, ...shape.slice(axis + 1)]
  const later = (a: number): number => (a > axis ? a + 1 : a)
  const first = [...attrs.axes.filter((a) => a !== axis).map(later), axis + 1]
  const partial = [...split.map((d, a) => (first.includes(a) ? 1 : d))].filter((_, a) => !first.includes(a))
  const [view] = append(graph, node, 'reshape', { shape: split }, [x], [{ shape: split, dtype }])
  const [some] = append(graph, node, op, { axes: first, keepdims: false }, [view], [{ shape: partial, dtype }])
  const position = split.slice(0, axis).filter((_, a) => !first.includes(a)).length
  const rest = { shape: partial.filter((_, a) => a !== position), dtype }
  const [y] = append(graph, node, op, { axes: [position], keepdims: false }, [some], [rest])
  return attrs.keepdims ? append(graph, node, 'reshape', { shape: result.shape }, [y], [result]) : [y]
}

/** The divisor of n nearest below `most` that leaves parts of at least 8 elements; 1 where there is none. */
function divisorNear(n: number, most: number): number {
  for (let d = Math.min(Math.floor(most), n >> 3); d > 1; d--) if (n % d === 0) return d
  return 1
}
