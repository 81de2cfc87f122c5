/**
 * A Program made ready for fusing: simplified, composites expanded but those with kernels of their own, and brought
 * to a form in which nothing is a special case any more: no node works on empty tensors, no operand of a kernel is
 * given twice, and a sum over many elements into few is two sums, so that the device has enough to do at once.
 */
import { expandComposites, isComposite, simplify, sizeOf } from '@ldyn/tensor'
import type { Leaf, Node, OpAttrs, OpName, Program, Spec } from '@ldyn/tensor'
import { kindOf } from './access.ts'

/** A program whose nodes may be appended to. `maker`: of every value the node that makes it. */
export interface Graph {
  readonly values: Spec[]; readonly nodes: Node[]; readonly maker: Node[]; readonly inputs: readonly Leaf<number>[]
  readonly outputs: readonly Leaf<number>[]
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
    const specs = node.outputs.map((v) => program.values[v])
    const made = rewritten(graph, node, node.inputs.map((v) => now.get(v)!), specs)
    node.outputs.forEach((v, i) => now.set(v, made[i]))
  }
  const moved = (list: readonly Leaf<number>[]): Leaf<number>[] =>
    list.map(({ path, value }) => ({ path, value: now.get(value)! }))
  return { ...graph, inputs: moved(program.inputs), outputs: moved(program.outputs) }
}

export const isEmpty = (s: Spec): boolean => s.shape.includes(0)

/** The value whose memory holds this one's: a reshape is another name for its operand. */
export function stored(graph: Graph, value: number): number {
  const node = graph.maker[value]
  return node.op === 'reshape' ? stored(graph, node.inputs[0]) : value
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

function zeros(graph: Graph, like: Node, { shape, dtype }: Spec): number[] {
  const scalar = { shape: [], dtype }
  const zero = append(graph, like, 'constant', { values: Float64Array.of(0), ...scalar }, [], [scalar])
  return shape.length === 0 ? zero : append(graph, like, 'broadcast', { shape }, zero, [{ shape, dtype }])
}

function rewritten(graph: Graph, node: Node, inputs: readonly number[], specs: readonly Spec[]): readonly number[] {
  const operand = (i: number): Spec => graph.values[inputs[i]]
  const same = (): readonly number[] => {
    const operands = kindOf(node.op) === 'kernel' ? apart(graph, node, inputs) : inputs
    return append(graph, node, node.op, node.attrs as never, operands, specs)
  }
  if (node.op === 'input') return same()
  if (specs.every(isEmpty))
    return specs.flatMap(({ shape, dtype }) =>
      append(graph, node, 'constant', { values: new Float64Array(0), shape, dtype }, [], [{ shape, dtype }]))
  const ofNothing = node.op === 'pad' || node.op === 'sum' || node.op === 'scatterAdd' || node.op === 'matmul'
  if (ofNothing && isEmpty(operand(0))) return zeros(graph, node, specs[0])
  switch (node.op) {
    case 'stopGradient': return inputs
    case 'cast': return operand(0).dtype === specs[0].dtype ? inputs : same()
    case 'sum': case 'max': return inTwo(graph, node, node.op, node.attrs, inputs[0])
    case 'updateRows': return isEmpty(operand(1)) ? [inputs[0]] : same()
    case 'concat': return [joined(graph, node, node.attrs.axis, inputs.filter((v) => !isEmpty(graph.values[v])))]
    default: return same()
  }
}

/** Operands that share memory are copied but the first, since arenas are bound for writing; inputs need no copy. */
function apart(graph: Graph, node: Node, inputs: readonly number[]): number[] {
  const seen = new Set<number>()
  return inputs.map((v) => {
    const memory = stored(graph, v)
    const copied = seen.has(memory) && !['input', 'constant'].includes(graph.maker[memory].op)
    seen.add(memory)
    return copied ? append(graph, node, 'cast', { dtype: graph.values[v].dtype }, [v], [graph.values[v]])[0] : v
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
  return append(graph, node, 'concat', { axis }, parts, [{ shape: shape.with(axis, length), dtype }])[0]
}

/** Fewer outputs than this leave most of a card idle; a reduction of fewer elements is done at once all the same. */
const FEW = 1 << 13

/** Σ over many elements into few outputs as a sum of sums: the longest reduced axis in equal parts, if it has any. */
function inTwo(graph: Graph, node: Node, op: 'sum' | 'max', attrs: OpAttrs['sum'], x: number): readonly number[] {
  const { shape, dtype } = graph.values[x]
  const { axes } = attrs
  const kept = shape.filter((_, a) => !axes.includes(a))
  const outputs = sizeOf(kept)
  const result = { shape: attrs.keepdims ? shape.map((d, a) => (axes.includes(a) ? 1 : d)) : kept, dtype }
  const axis = axes.reduce((best, a) => (shape[a] > shape[best] ? a : best), axes[0])
  // The last axis is read by neighbouring threads of a workgroup, so a long row is shared by 256 of them already.
  const lanes = axis === shape.length - 1 ? 256 : 8
  const large = outputs * lanes < FEW * 2 && sizeOf(shape) / outputs >= FEW
  const parts = large ? divisorNear(shape[axis], FEW / outputs) : 1
  if (parts === 1) return append(graph, node, op, attrs, [x], [result])
  const split = [...shape.slice(0, axis), parts, shape[axis] / parts, ...shape.slice(axis + 1)]
  const first = [...axes.filter((a) => a !== axis).map((a) => (a > axis ? a + 1 : a)), axis + 1]
  const partial = split.filter((_, a) => !first.includes(a))
  const position = split.slice(0, axis).filter((_, a) => !first.includes(a)).length
  const view = append(graph, node, 'reshape', { shape: split }, [x], [{ shape: split, dtype }])
  const some = append(graph, node, op, { axes: first, keepdims: false }, view, [{ shape: partial, dtype }])
  const rest = { shape: partial.filter((_, a) => a !== position), dtype }
  const y = append(graph, node, op, { axes: [position], keepdims: false }, some, [rest])
  return attrs.keepdims ? append(graph, node, 'reshape', { shape: result.shape }, y, [result]) : y
}

/** The divisor of n nearest below `most` that leaves parts of at least 8 elements; 1 where there is none. */
function divisorNear(n: number, most: number): number {
  for (let d = Math.min(Math.floor(most), n >> 3); d > 1; d--) if (n % d === 0) return d
  return 1
}
