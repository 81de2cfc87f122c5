/**
 * A Program made ready for fusing, in a form in which nothing is a special case any more: no operand of a kernel is
 * given twice, nothing joins more parts than a kernel may touch, and a sum over many elements into few is two sums, so
 * that the device has enough to do at once.
 */
import {
  concat, max, mul, producers, reshape, rewrite, sizeOf, sum, type Node, type OpAttrs, type Program, type Spec,
  type Tensor,
} from '@ldyn/tensor'
import { kindOf } from './kinds.ts'

/** `maker`: of every value the node that makes it. */
export interface Graph extends Program { readonly maker: readonly Node[] }
const graphOf = (p: Program): Graph => ({ ...p, maker: Array.from(producers(p), (n) => p.nodes[n]) })

/** The normal form of a program whose only composites are those with kernels of their own. */
export function normalised(program: Program): Graph {
  const parted = graphOf(rewrite(program, (node, x, copy) => {
    switch (node.op) {
      case 'sum': return [inTwo(sum, x[0], node.attrs)]
      case 'max': return [inTwo(max, x[0], node.attrs)]
      case 'concat': return [joined(x, node.attrs.axis)]
      default: return copy(x)
    }
  }))
  return graphOf(rewrite(parted, (node, x, copy) => copy(kindOf(node.op) === 'kernel' ? apart(parted, node, x) : x)))
}

export const isEmpty = (s: Spec): boolean => s.shape.includes(0)

/** The value whose memory holds this one's: a reshape is another name for its operand. */
export function stored(graph: Graph, value: number): number {
  const node = graph.maker[value]
  return node.op === 'reshape' ? stored(graph, node.inputs[0]) : value
}

/** Operands that share memory are copied but the first, since arenas are bound for writing; inputs need no copy. */
function apart(graph: Graph, { inputs }: Node, x: readonly Tensor[]): Tensor[] {
  const memory = inputs.map((v) => stored(graph, v))
  const inArena = memory.map((v) => !['input', 'constant'].includes(graph.maker[v].op))
  return x.map((t, i) => (inArena[i] && memory.indexOf(memory[i]) < i ? mul(t, 1) : t))
}

/** What a kernel may join at once: with few parts, each may still be computed on the way. */
const PARTS = 6

function joined(parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 1) return parts[0]
  if (parts.length <= PARTS) return concat(parts, axis)
  const groups: Tensor[] = []
  for (let i = 0; i < parts.length; i += PARTS) groups.push(joined(parts.slice(i, i + PARTS), axis))
  return joined(groups, axis)
}

/** Fewer outputs than this leave most of a card idle; a reduction of fewer elements is done at once all the same. */
const FEW = 1 << 13

/** Σ over many elements into few outputs as a sum of sums: the longest reduced axis in equal parts, if it has any. */
function inTwo(reduce: typeof sum, x: Tensor, { axes, keepdims }: OpAttrs['sum']): Tensor {
  const { shape } = x
  const kept = shape.filter((_, a) => !axes.includes(a))
  const outputs = sizeOf(kept)
  const axis = axes.reduce((best, a) => (shape[a] > shape[best] ? a : best), axes[0])
  // The last axis is read by neighbouring threads of a workgroup, so a long row is shared by 256 of them already.
  const lanes = axis === shape.length - 1 ? 256 : 8
  const large = outputs * lanes < FEW * 2 && sizeOf(shape) / outputs >= FEW
  const parts = large ? divisorNear(shape[axis], FEW / outputs) : 1
  if (parts === 1) return reduce(x, axes, keepdims)
  const split = reshape(x, [...shape.slice(0, axis), parts, shape[axis] / parts, ...shape.slice(axis + 1)])
  // The parts stand at `axis`, their elements and all later axes one further.
  const some = reduce(split, axes.map((a) => (a < axis ? a : a + 1)), true)
  return reshape(reduce(some, axis), keepdims ? shape.map((d, a) => (axes.includes(a) ? 1 : d)) : kept)
}

/** The divisor of n nearest below `most` that leaves parts of at least 8 elements; 1 where there is none. */
function divisorNear(n: number, most: number): number {
  for (let d = Math.min(Math.floor(most), n >> 3); d > 1; d--) if (n % d === 0) return d
  return 1
}
