/**
 * What an op is: one entry holding its shape rule, its derivative rules, its f64 meaning or its expansion.
 *
 * Derivative rules are written in ops, so that they can be differentiated again. `undefined` stands for a
 * zero
 * tangent or cotangent. In `jvp`, ẋ is `t` and the result is ẏ; in `vjp`, ȳ is `g` and the result is x̄.
 */
import { ShapeError } from '../errors.ts'
import { currentGraph, type Tensor } from '../graph.ts'
import type { HostArray, Spec } from '../spec.ts'
import type { OpAttrs, OpName } from './attrs.ts'

export type Maybe = Tensor | undefined

export interface JvpArgs<A> {
  readonly x: readonly Tensor[]
  readonly y: readonly Tensor[]
  /** Tangents of the inputs; at least one is defined. */
  readonly t: readonly Maybe[]
  readonly attrs: A
}

export interface VjpArgs<A> {
  readonly x: readonly Tensor[]
  readonly y: readonly Tensor[]
  /** Cotangents of the outputs; at least one is defined. */
  readonly g: readonly Maybe[]
  readonly attrs: A
  /** Which inputs' cotangents are wanted; a rule may leave the others undefined. */
  readonly needs: readonly boolean[]
}

export interface Linearised {
  readonly y: readonly Tensor[]
  /** ẏ of one direction; at least one ẋ is defined. */
  tangent(t: readonly Maybe[]): readonly Maybe[]
}

export interface Op<A> {
  readonly doc: string
  /** Specs of the outputs. Throws with `refuse` what the operands do wrong. */
  infer(inputs: readonly Spec[], attrs: A): readonly Spec[]
  /**
   * Both rules are absent where no derivative exists (integers, masks): it is zero. A composite without one
   * is expanded first.
   */
  jvp?(args: JvpArgs<A>): readonly Maybe[]
  vjp?(args: VjpArgs<A>): readonly Maybe[]
  /** The meaning of a primitive in f64. Input and output arrays are contiguous. */
  evaluate?(
    inputs: readonly HostArray[],
    attrs: A,
    specs: readonly Spec[],
    outs: readonly Spec[],
  ): readonly HostArray[]
  /** The meaning of a composite, in other ops. */
  expand?(x: readonly Tensor[], attrs: A): readonly Tensor[]
  /**
   * A composite whose tangents need what its own result does not show (attention's weights): the result in other
   * ops, and ẏ from ẋ, which share the rest. Forward mode uses it in place of `jvp`; all else expands the composite.
   */
  linearise?(x: readonly Tensor[], attrs: A): Linearised
}

export type Ops<K extends OpName> = { readonly [P in K]: Op<OpAttrs[P]> }

/** Thrown by shape rules; `emit` adds op, operands and module path. */
export class Refusal extends Error {}
export function refuse(why: string): never {
  throw new Refusal(why)
}

/** Appends one op to the graph that is being traced. Throws ShapeError. */
export function emit<K extends OpName>(
  name: K,
  op: Op<OpAttrs[K]>,
  inputs: readonly Tensor[],
  attrs: OpAttrs[K],
): Tensor[] {
  const graph = currentGraph()
  let specs: readonly Spec[]
  try {
    specs = op.infer(inputs, attrs)
  } catch (error) {
    if (error instanceof Refusal) throw new ShapeError(name, inputs, error.message, graph.site.path)
    throw error
  }
  return graph.add(name, attrs, inputs, specs)
}

export const need = (ok: boolean, why: string): void => {
  if (!ok) refuse(why)
}

export function needFloat(specs: readonly Spec[]): void {
  for (const s of specs) need(s.dtype === 'f32', `takes f32, got ${s.dtype}; use cast`)
}

/** An axis of −rank … −1 counts from the end; all others stay as they are, for `needAxis` to judge. */
export const fromEnd = (axis: number, rank: number): number =>
  axis < 0 && axis >= -rank ? axis + rank : axis

/** Attributes hold axes counted from the front. */
export const needAxis = (axis: number, rank: number): void =>
  need(Number.isInteger(axis) && axis >= 0 && axis < rank, `axis ${axis} does not exist in rank ${rank}`)
