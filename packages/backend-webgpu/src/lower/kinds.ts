/** How ops take part in fusion, and the loops that a fused kernel is. */
import { sizeOf, type Node, type OpName } from '@ldyn/tensor'
import { flatten, reductionCoords, type Address, type Loops } from '@ldyn/tensor/indexing'
import type { Graph } from './program.ts'

/** How an op takes part in fusion. `kernel`: it has a kernel of its own and its operands lie in memory. */
export type Kind = 'input' | 'view' | 'pointwise' | 'reduction' | 'kernel'

const OPS: { readonly [K in Kind]?: string } = {
  input: 'input',
  view: 'constant iota cast reshape transpose broadcast slice pad concat take takeAlong updateRows',
  pointwise: 'neg exp log sqrt tanh erf isFinite add sub mul div maximum less equal select',
  reduction: 'sum max argmax',
}
const kinds = new Map(Object.entries(OPS).flatMap(([kind, ops]) => ops.split(' ').map((op) => [op, kind as Kind])))
export const kindOf = (op: OpName): Kind => kinds.get(op) ?? 'kernel'

/** Inputs, and constants of too many elements for a shader's text. */
export const inMemory = (graph: Graph, v: number): boolean => {
  const node = graph.maker[v]
  return node.op === 'input' ||
    (node.op === 'constant' && (node.attrs.values.length > 16 || !node.attrs.values.every(Number.isFinite)))
}

/** `full`: in a reduction, the address in a tensor of o·r elements of the element at hand. */
export interface Frame extends Loops { readonly full?: Address }

/** The frame of a reduction alone. */
export function frameOf(graph: Graph, node: Node): Frame {
  const { shape } = graph.values[node.inputs[0]]
  const size = sizeOf(graph.values[node.outputs[0]].shape)
  const [o, r] = [{ name: 'o', size }, { name: 'r', size: sizeOf(shape) / size }]
  return { o, r, full: flatten(reductionCoords(node, shape, { o, r }), shape) }
}
