/** What a case is, and the programs that every case gives rise to. */
import type { Tensor } from '../graph.ts'
import { outputSpecs, type Program } from '../program.ts'
import { hostTensor, type HostTensor } from '../spec.ts'
import { trace } from '../trace.ts'
import { jvp } from '../transforms/jvp.ts'
import { vjp } from '../transforms/vjp.ts'
import { leaves, mapTree, unflatten, type Branch, type Tree } from '../tree.ts'
import { draw, drawLike, type Argument } from './argument.ts'

export interface OpCase {
  readonly title: string
  readonly inputs: Readonly<Record<string, Argument>>
  build(x: Record<string, Tensor>): Tree<Tensor>
  /** Inputs that derivatives are taken of: all f32 ones unless given. None: only values are compared. */
  readonly wrt?: readonly string[]
  /** False at a kink, or where the derivative is not that of the values (`stopGradient`). Default true. */
  readonly smooth?: boolean
  /**
   * Every value, however small, has its own digits right; else an error counts against 1 or the largest
   * value.
   */
  readonly relative?: boolean
  /** Terms that a rounded sum has: its tolerance grows with their root. Default 1. */
  readonly terms?: number
}

export const programOf = (c: OpCase): Program => trace((x) => c.build(x), c.inputs)
export const inputsOf = (c: OpCase, seed = 1): Branch<HostTensor> => draw(c.inputs, seed)

/** Paths of the inputs that a case is differentiated by; none where it has no f32 output. */
export function wrtOf(c: OpCase): readonly string[] {
  if (!outputSpecs(programOf(c)).some(({ value }) => value.dtype === 'f32')) return []
  return (
    c.wrt ??
    leaves(c.inputs)
      .filter(({ value }) => value.dtype === 'f32')
      .map(({ path }) => path)
  )
}

export interface Derivatives {
  /** inputs and `tangent` → primal, tangent. */
  readonly forward: Program
  /** inputs and `cotangent` → primal, grads. */
  readonly reverse: Program
  readonly tangent: Tree<HostTensor>
  readonly cotangent: Tree<HostTensor>
}

/** Both derivatives of a program with random directions for them. */
export function derivativesOf(program: Program, wrt: readonly string[], seed = 7): Derivatives {
  const forward = jvp(program, { wrt })
  const moving = program.inputs.filter(
    ({ path, value }) => wrt.includes(path) && program.values[value].dtype === 'f32',
  )
  const specs = (list: Program['inputs']) =>
    unflatten(list.map(({ path, value }) => ({ path, value: program.values[value] })))
  const floats = program.outputs.filter(({ value }) => program.values[value].dtype === 'f32')
  return {
    forward,
    reverse: vjp(program, { wrt }),
    tangent: drawLike(specs(moving), seed),
    cotangent: drawLike(specs(floats), seed + 1),
  }
}

/** x + h·u for the leaves that u has. */
export function moved(x: Branch<HostTensor>, u: Tree<HostTensor>, h: number): Branch<HostTensor> {
  const steps = new Map(leaves(u).map(({ path, value }) => [path, value.data]))
  return mapTree<HostTensor, HostTensor>(x, (t, path) => {
    const step = steps.get(path)
    return step ? { ...t, data: Float64Array.from(t.data, (v, i) => v + h * step[i]) } : t
  }) as Branch<HostTensor>
}

/** A host tensor with f64 values, for results that are computed and not drawn. */
export const exactly = (values: ArrayLike<number>, shape: readonly number[]): HostTensor => ({
  ...hostTensor(values, shape),
  data: Float64Array.from(values),
})
