/**
 * One update of all parameters in a trace: global norm, clipping, the rule on every tensor.
 *
 * The norm is a sum over tensors of sums over rows of sums over columns: in f32 a single running sum over 10⁸
 * squares would lose digits, and rows can be reduced in parallel.
 */
import {
  add,
  div,
  leaves,
  mapTree,
  matches,
  minimum,
  mul,
  neg,
  sqrt,
  square,
  sub,
  sum,
  unflatten,
  type Leaf,
  type PathFilter,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { DECAY, product, type Optimizer, type Parts } from './rule.ts'

/** The leaves of `params` that are trained, with paths below `params`. Throws RangeError where there is none. */
export function trainableLeaves<T>(params: Tree<T>, trainable: PathFilter = ''): Leaf<T>[] {
  const chosen = leaves(params).filter(({ path }) => matches(trainable, path))
  if (chosen.length === 0) {
    throw new RangeError(
      `trainable selects none of the parameters ${leaves(params)
        .map((l) => l.path)
        .join(', ')}`,
    )
  }
  return chosen
}

/** Specs of an optimizer's state: for every slot a tree like the trained parameters. All zeros before step 0. */
export const stateSpecs = (optimizer: Optimizer, params: Tree<Spec>, trainable?: PathFilter): Tree<Spec> =>
  Object.fromEntries(optimizer.slots.map((slot) => [slot, unflatten(trainableLeaves(params, trainable))]))

/** ‖g‖₂ over all tensors: a scalar. */
export const globalNorm = (grads: Tree<Tensor>): Tensor =>
  sqrt(
    leaves(grads)
      .map(({ value }) => sum(sum(square(value), value.shape.length > 1 ? -1 : [])))
      .reduce((a, b) => add(a, b)),
  )

/** torch.nn.utils.clip_grad_norm_: the factor min(1, max/(norm + 1e-6)) of all gradients. */
export const clipByGlobalNorm =
  (maxNorm: number) =>
  (norm: Tensor): Tensor =>
    minimum(div(maxNorm, add(norm, 1e-6)), 1)

export interface UpdateArgs {
  /** Trained parameters and their gradients: trees of the same leaves. */
  readonly params: Tree<Tensor>
  readonly grads: Tree<Tensor>
  readonly state: Tree<Tensor>
  readonly hyper: Readonly<Record<string, Tensor>>
  /** Scalar that all gradients are multiplied by; the clip factor. */
  readonly factor?: Tensor
}

export interface Updated {
  readonly params: Tree<Tensor>
  readonly state: Tree<Tensor>
  /** Δθ = (keep − 1)·p − lr·u, for first-order predictions; dead unless an output asks for it. */
  readonly delta: Tree<Tensor>
}

/** Applies the rule once to every parameter. */
export function applyOptimizer(
  optimizer: Optimizer,
  { params, grads, state, hyper, factor }: UpdateArgs,
): Updated {
  const gradient = new Map(leaves(grads).map(({ path, value }) => [path, value]))
  const kept = new Map(leaves(state).map(({ path, value }) => [path, value]))
  const at = (slot: string, path: string): string => (path === '' ? slot : `${slot}.${path}`)
  const state2 = new Map<string, Leaf<Tensor>[]>(optimizer.slots.map((slot) => [slot, []]))
  const delta: Leaf<Tensor>[] = []
  const updated = mapTree<Tensor, Tensor>(params, (p, path) => {
    const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, kept.get(at(slot, path))!]))
    const u = { x: gradient.get(path)!, by: factor ?? 1 }
    const next = optimizer.update({ path, p, u, slots, hyper })
    for (const slot of optimizer.slots) state2.get(slot)!.push({ path, value: next.slots![slot] })
    const step = mul(next.u.x, product(hyper.lr, next.u.by))
    const keep = next.keep ?? 1
    delta.push({ path, value: keep === 1 ? neg(step) : sub(mul(p, sub(keep, 1)), step) })
    return sub(keep === 1 ? p : mul(p, keep), step)
  })
  const trees = [...state2].map(([slot, entries]) => [slot, unflatten(entries)] as const)
  return { params: updated, state: Object.fromEntries(trees), delta: unflatten(delta) }
}

export interface SplitUpdate {
  /** The trained parameters before the step, and the state before and after it. */
  readonly params: Tree<Tensor>
  readonly state: Tree<Tensor>
  readonly next: Tree<Tensor>
  readonly hyper: Readonly<Record<string, Tensor>>
  /** The clip factor as it was applied. */
  readonly factor?: Tensor
  /** Gradients by name that add up to the step's: trees like `params`. */
  readonly gradients: Readonly<Record<string, Tree<Tensor>>>
}

/**
 * Δθ of a step as named parts that add up to it: what every gradient gives, with the clip factor and √v̂ as they were
 * applied, and beside them 'carry-over' and 'decay' where the optimizer has them. A part may lack tensors (no decay on
 * norms): these are zero.
 */
export function splitUpdate(
  optimizer: Optimizer,
  args: SplitUpdate,
): Readonly<Record<string, Leaf<Tensor>[]>> {
  const { params, state, next, hyper, factor, gradients } = args
  const byPath = (tree: Tree<Tensor>): Map<string, Tensor> =>
    new Map(leaves(tree).map((l) => [l.path, l.value]))
  const [before, after] = [byPath(state), byPath(next)]
  const given = Object.entries(gradients).map(([name, tree]) => [name, byPath(tree)] as const)
  const found: Record<string, Leaf<Tensor>[]> = {}
  for (const { path, value: p } of leaves(params)) {
    const slots = (of: Map<string, Tensor>): Record<string, Tensor> =>
      Object.fromEntries(
        optimizer.slots.map((slot) => [slot, of.get(path === '' ? slot : `${slot}.${path}`)!]),
      )
    const parts: Parts = Object.fromEntries(
      given.map(([name, tree]) => [name, { x: tree.get(path)!, by: factor ?? 1 }]),
    )
    const split = optimizer.split(parts, { path, p, slots: slots(before), next: slots(after), hyper })
    const deltas = Object.entries(split.parts).map(
      ([name, u]) => [name, neg(mul(u.x, product(hyper.lr, u.by)))] as const,
    )
    const keep = split.keep ?? 1
    const shrunk = keep === 1 ? [] : [[DECAY, mul(p, sub(keep, 1))] as const]
    for (const [name, value] of [...deltas, ...shrunk]) (found[name] ??= []).push({ path, value })
  }
  return found
}
