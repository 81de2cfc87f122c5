/**
 * What each op reads: for an element of its output at given coordinates, which elements of which operands. These few
 * rules are all that fusing and generating code need to know of movement ops.
 */
import type { Node } from '../program.ts'
import type { Shape, Spec } from '../spec.ts'
import { along, at, reshaped, shift, unflatten, type Address, type Base } from './address.ts'

export interface Read {
  readonly value: number
  readonly coords: readonly Address[]
}

/** The variables of a generated loop nest: over outputs, and for reductions over what becomes one of them. */
export interface Loops {
  readonly o: Base
  readonly r?: Base
}

/** Axes that a reduction goes over. */
export const reducedAxes = (node: Node): readonly number[] =>
  node.op === 'argmax' ? [node.attrs.axis] : node.op === 'sum' || node.op === 'max' ? node.attrs.axes : []

/** Coordinates of a reduction's operand: kept axes follow o, reduced axes follow r. */
export function reductionCoords(node: Node, shape: Shape, { o, r }: Loops): Address[] {
  const axes = reducedAxes(node)
  const kept = unflatten(along(o), shape.filter((_, a) => !axes.includes(a)))
  const inner = unflatten(along(r!), shape.filter((_, a) => axes.includes(a)))
  return shape.map((_, a) => (axes.includes(a) ? inner.shift()! : kept.shift()!))
}

/** The coordinate that a loaded index stands for. */
const dynamic = (name: string, size: number): Address => along({ name, size: Math.max(2, size) })

/**
 * What an element reads, for all primitives but reductions and products. `index` names the value of an index operand at
 * coordinates, as an unsigned number.
 */
export function readsOf(
  values: readonly Spec[],
  node: Node,
  coords: readonly Address[],
  index: (value: number, coords: readonly Address[]) => string,
): Read[] {
  const shapeOf = (i: number): Shape => values[node.inputs[i]].shape
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
      const j = dynamic(`j${node.outputs[0]}`, shapeOf(1)[0])
      return [from(coords), from([j], 1), from([j, ...coords.slice(1)], 2)]
    }
    default: return node.inputs.map((_, i) => from(coords, i))
  }
}
