/**
 * What each op reads: for an element of its output at given coordinates, which elements of which operands. These few
 * rules are all that fusing and code generation know of movement ops.
 */
import { sizeOf, type Node, type OpName, type Shape } from '@ldyn/tensor'
import { along, at, flatten, reshaped, shift, unflatten, type Address, type Base } from './address.ts'
import type { Graph } from './program.ts'

/** How an op takes part in fusion. `kernel`: it has a kernel of its own and its operands lie in memory. */
export type Kind = 'input' | 'view' | 'pointwise' | 'reduction' | 'kernel'

const kinds: { readonly [op: string]: Kind } = {
  input: 'input',
  constant: 'view', iota: 'view', cast: 'view', reshape: 'view', transpose: 'view', broadcast: 'view', slice: 'view',
  pad: 'view', concat: 'view', take: 'view', takeAlong: 'view', updateRows: 'view',
  neg: 'pointwise', exp: 'pointwise', log: 'pointwise', sqrt: 'pointwise', tanh: 'pointwise', erf: 'pointwise',
  isFinite: 'pointwise', add: 'pointwise', sub: 'pointwise', mul: 'pointwise', div: 'pointwise',
  maximum: 'pointwise', less: 'pointwise', equal: 'pointwise', select: 'pointwise',
  sum: 'reduction', max: 'reduction', argmax: 'reduction',
}
export const kindOf = (op: OpName): Kind => kinds[op] ?? 'kernel'

/** The loops of a fused kernel: over outputs, and for reductions over what becomes one of them. */
export interface Frame {
  readonly o: Base
  readonly r?: Base
  /** The address, in a tensor of o·r elements, of the element at hand. */
  readonly full?: Address
}

export interface Read {
  readonly value: number
  readonly coords: readonly Address[]
}

/** Axes that a reduction goes over. */
export const reducedAxes = (node: Node): readonly number[] =>
  node.op === 'argmax' ? [node.attrs.axis] : node.op === 'sum' || node.op === 'max' ? node.attrs.axes : []

/** Coordinates of a reduction's operand: kept axes follow o, reduced axes follow r. */
export function reductionCoords(node: Node, shape: Shape, { o, r }: Frame): Address[] {
  const axes = reducedAxes(node)
  const kept = unflatten(along(o), shape.filter((_, a) => !axes.includes(a)))
  const inner = unflatten(along(r!), shape.filter((_, a) => axes.includes(a)))
  return shape.map((_, a) => (axes.includes(a) ? inner.shift()! : kept.shift()!))
}

/** The frame of a reduction alone. */
export function frameOf(graph: Graph, node: Node): Frame {
  const { shape } = graph.values[node.inputs[0]]
  const size = sizeOf(graph.values[node.outputs[0]].shape)
  const [o, r] = [{ name: 'o', size }, { name: 'r', size: sizeOf(shape) / size }]
  return { o, r, full: flatten(reductionCoords(node, shape, { o, r }), shape) }
}

/** The coordinate that a loaded index stands for. */
export const dynamic = (name: string, size: number): Address => along({ name: `u32(${name})`, size: Math.max(2, size) })

/**
 * What an element reads, for all but reductions. `index` names the value that an index operand has at its coordinates
 * (the variable it was loaded into, or any name that tells loads apart).
 */
export function readsOf(
  graph: Graph, node: Node, coords: readonly Address[], index: (value: number, coords: readonly Address[]) => string,
): Read[] {
  const shapeOf = (i: number): Shape => graph.values[node.inputs[i]].shape
  const from = (list: readonly Address[], i = 0): Read => ({ value: node.inputs[i], coords: list })
  switch (node.op) {
    case 'reshape':
      return [from(reshaped(coords, node.attrs.shape, shapeOf(0)))]
    case 'transpose': {
      const back: Address[] = []
      node.attrs.perm.forEach((p, a) => (back[p] = coords[a]))
      return [from(back)]
    }
    case 'broadcast': {
      const lead = coords.length - shapeOf(0).length
      return [from(shapeOf(0).map((d, a) => (d === 1 ? at(0) : coords[a + lead])))]
    }
    case 'slice':
      return [from(coords.map((c, a) => shift(c, node.attrs.start[a])))]
    case 'pad':
      return [from(coords.map((c, a) => (shapeOf(0)[a] === 1 ? at(0) : shift(c, -node.attrs.lo[a]))))]
    case 'concat': {
      let origin = 0
      const { axis } = node.attrs
      return node.inputs.map((_, i) => {
        const size = shapeOf(i)[axis]
        const read = from(
          coords.map((c, a) => (a === axis ? (size === 1 ? at(0) : shift(c, -origin)) : c)),
          i,
        )
        origin += size
        return read
      })
    }
    case 'take': {
      const rank = shapeOf(1).length
      const where = coords.slice(0, rank)
      const row = dynamic(index(node.inputs[1], where), shapeOf(0)[0])
      return [from([row, ...coords.slice(rank)]), from(where, 1)]
    }
    case 'takeAlong':
      return [from([...coords, dynamic(index(node.inputs[1], coords), shapeOf(0).at(-1)!)]), from(coords, 1)]
    case 'updateRows': {
      const j = along({ name: `j${node.outputs[0]}`, size: Math.max(2, shapeOf(1)[0]) })
      return [from(coords), from([j], 1), from([j, ...coords.slice(1)], 2)]
    }
    default:
      return node.inputs.map((_, i) => from(coords, i))
  }
}
