/**
 * What each op reads: for an element of its output at given coordinates, which elements of which operands. These few
 * rules are all that fusing and code generation know of movement ops.
 */
import { sizeOf, type Node, type OpName, type Shape } from '@ldyn/tensor'
import { along, at, flatten, reshaped, shift, unflatten, type Address, type Base } from './address.ts'
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

/** The loops of a fused kernel: over outputs, and for reductions over what becomes one of them. */
export interface Frame {
  readonly o: Base; readonly r?: Base
  /** The address, in a tensor of o·r elements, of the element at hand. */
  readonly full?: Address
}

export interface Read { readonly value: number; readonly coords: readonly Address[] }

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
const dynamic = (name: string, size: number): Address => along({ name: `u32(${name})`, size: Math.max(2, size) })

/** What an element reads, for all but reductions. `index` names the value of an index operand at coordinates. */
export function readsOf(
  graph: Graph, node: Node, coords: readonly Address[], index: (value: number, coords: readonly Address[]) => string,
): Read[] {
  const shapeOf = (i: number): Shape => graph.values[node.inputs[i]].shape
  const from = (list: readonly Address[], i = 0): Read => ({ value: node.inputs[i], coords: list })
  switch (node.op) {
    case 'reshape': return [from(reshaped(coords, node.attrs.shape, shapeOf(0)))]
    case 'transpose': return [from(coords.map((_, a) => coords[node.attrs.perm.indexOf(a)]))]
    case 'broadcast':
      return [from(shapeOf(0).map((d, a) => (d === 1 ? at(0) : coords[a + coords.length - shapeOf(0).length])))]
    case 'slice': return [from(coords.map((c, a) => shift(c, node.attrs.start[a])))]
    case 'pad': return [from(coords.map((c, a) => (shapeOf(0)[a] === 1 ? at(0) : shift(c, -node.attrs.lo[a]))))]
    case 'concat': {
      let origin = 0
      const { axis } = node.attrs
      return node.inputs.map((_, i) => {
        const size = shapeOf(i)[axis]
        const read = from(coords.map((c, a) => (a === axis ? (size === 1 ? at(0) : shift(c, -origin)) : c)), i)
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
    default: return node.inputs.map((_, i) => from(coords, i))
  }
}
