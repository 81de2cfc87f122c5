/**
 * An optimizer is a chain of links, as in optax: each turns an update u into the next, and the parameter goes
 * p ← keep·p − lr·u. A link is traced once for every parameter tensor.
 *
 * Every pointwise op on a parameter is a pass over memory, so u travels as by·x with the scalar apart: the clip
 * factor, bias corrections and the learning rate meet in one scalar, and cost one pass at the end. What a scalar is at
 * step t is computed on the host in f64 (`hyper`) and fed in.
 */
import { mul, type Operand, type Spec, type Tensor } from '@ldyn/tensor'

/** by·x, not multiplied out. */
export interface Scaled {
  readonly x: Tensor
  /** A scalar. */
  readonly by: Operand
}

export interface LinkArgs {
  /** The parameter's path below `params`. */
  readonly path: string
  readonly p: Tensor
  readonly u: Scaled
  /** This link's state of this parameter, by slot; zeros before the first step. */
  readonly slots: Readonly<Record<string, Tensor>>
  /** The scalars of `hyper`, and `lr`. */
  readonly hyper: Readonly<Record<string, Tensor>>
}

export interface LinkResult {
  readonly u: Scaled
  readonly slots?: Readonly<Record<string, Tensor>>
  /** Decoupled decay: a scalar that the parameter is multiplied by. */
  readonly keep?: Operand
}

/** Named tensors that add up to one: terms of a loss's gradient, and what links add to them. */
export type Parts = Readonly<Record<string, Scaled>>

export interface SplitArgs {
  readonly path: string
  readonly p: Tensor
  /** This link's state before and after the step that was applied. */
  readonly slots: Readonly<Record<string, Tensor>>
  readonly next: Readonly<Record<string, Tensor>>
  readonly hyper: Readonly<Record<string, Tensor>>
}

export interface LinkSplit {
  readonly parts: Parts
  readonly keep?: Operand
}

/** The parts that are no part of a loss: what state carries over (momentum, Adam's mean), and weight decay. */
export const CARRY_OVER = 'carry-over'
export const DECAY = 'decay'

export interface Link {
  /** Names of the tensors that it keeps for each parameter. */
  readonly slots: readonly string[]
  /** Scalars of a step (from 0) that change with it or with the learning rate. */
  hyper?(step: number, lr: number): Readonly<Record<string, number>>
  update(args: LinkArgs): LinkResult
  /**
   * The same for named parts of u, with whatever multiplies or divides u as the step had it (√v̂ from `next`): parts go
   * in that add up to u, and those that come out add up to the u that `update` gave. May add parts of its own.
   */
  split(parts: Parts, args: SplitArgs): LinkSplit
}

export interface Optimizer extends Link {
  readonly name: string
  /** Always has `lr`; the keys are the same at every step. */
  hyper(step: number, lr: number): Readonly<Record<string, number>>
}

/** Which parameters weight decay is for, by path below `params`. */
export type Decay = (path: string, spec: Spec) => boolean

/** Links one after the other. Throws TypeError where two keep a slot or a scalar of the same name. */
export function chain(name: string, ...links: readonly Link[]): Optimizer {
  const slots = links.flatMap((link) => link.slots)
  const scalars = ['lr', ...links.flatMap((link) => Object.keys(link.hyper?.(0, 1) ?? {}))]
  for (const names of [slots, scalars]) {
    const twice = names.find((n, i) => names.indexOf(n) !== i)
    if (twice !== undefined) throw new TypeError(`chain: two links of ${name} use the name '${twice}'`)
  }
  return {
    name,
    slots,
    hyper: (step, lr) => Object.assign({ lr }, ...links.map((link) => link.hyper?.(step, lr))),
    update: (args) =>
      links.reduce<Required<LinkResult>>(
        (sofar, link) => {
          const next = link.update({ ...args, u: sofar.u })
          return {
            u: next.u,
            slots: { ...sofar.slots, ...next.slots },
            keep: next.keep === undefined ? sofar.keep : product(sofar.keep, next.keep),
          }
        },
        { u: args.u, slots: {}, keep: 1 },
      ),
    split: (parts, args) =>
      links.reduce<Required<LinkSplit>>(
        (sofar, link) => {
          const next = link.split(sofar.parts, args)
          return {
            parts: next.parts,
            keep: next.keep === undefined ? sofar.keep : product(sofar.keep, next.keep),
          }
        },
        { parts, keep: 1 },
      ),
  }
}

/** Every part by the same rule. */
export const eachPart = (parts: Parts, f: (u: Scaled) => Scaled): Parts =>
  Object.fromEntries(Object.entries(parts).map(([name, u]) => [name, f(u)]))

/** a·b, without an op where one of them is 1 or both are plain numbers. */
export const product = (a: Operand, b: Operand): Operand =>
  a === 1 ? b : b === 1 ? a : typeof a === 'number' && typeof b === 'number' ? a * b : mul(a, b)

/** by·x multiplied out. */
export const scaled = ({ x, by }: Scaled): Tensor => (by === 1 ? x : mul(x, by))
