/**
 * An update taken apart into programs: the gradient of any cotangent, the step that the optimizer makes of the whole
 * gradient, and the share of that step which is one part's.
 *
 *   pullProgram   a cotangent of the token log-probs → its gradient, added to what micro-batches before gave
 *   deltaProgram  the gradient → Δθ as it is applied, the clip factor, the state after
 *   partProgram   a part of the gradient → its part of Δθ, with the clip factor and √v̂ as they were applied
 *   restProgram   what no gradient is part of: momentum's carry-over, weight decay
 */
import {
  add,
  call,
  constant,
  f32,
  isFinite,
  leaves,
  mapTree,
  matches,
  mul,
  unflatten,
  vjp,
  zerosLike,
  type PathFilter,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { batchSpecs, type BatchShape } from '../batch.ts'
import type { CausalLM } from '../model.ts'
import { CARRY_OVER, DECAY, type Optimizer } from '../optim/rule.ts'
import {
  applyOptimizer,
  clipByGlobalNorm,
  globalNorm,
  splitUpdate,
  stateSpecs,
  trainableLeaves,
  type UpdateArgs,
} from '../optim/step.ts'
import { gradSpecs } from '../programs/accumulate.ts'
import { logProbProgram, traceAs, type ModelInputs } from '../programs/forward.ts'
import { hyperSpecs } from '../programs/train.ts'

export interface Trained {
  readonly model: CausalLM
  /** Paths below `params`; all unless given. */
  readonly trainable?: PathFilter
}

interface PullInputs extends ModelInputs {
  readonly cotangent: Tensor
  readonly grads?: Tree<Tensor>
}

/**
 * Inputs {params, batch (batchSpecs), cotangent f32 [S,L], grads?}; outputs {grads: grads + Σ cotangent·∇log π}. With
 * `onto` there is the input `grads`, to go on from another micro-batch.
 */
export function pullProgram({ model, trainable = '' }: Trained, shape: BatchShape, onto = false): Program {
  const wrt = (path: string): boolean =>
    path.startsWith('params') && matches(trainable, path.slice('params.'.length))
  const back = vjp(logProbProgram(model, shape), { wrt })
  return traceAs<PullInputs>(
    ({ params, batch, cotangent, grads }) => {
      const out = call(back, { params, batch: { ...batch }, cotangent: { logp: cotangent } }) as unknown as {
        readonly grads: { readonly params: Tree<Tensor> }
      }
      if (grads === undefined) return { grads: out.grads.params }
      const fresh = new Map(leaves(out.grads.params).map(({ path, value }) => [path, value]))
      return { grads: mapTree<Tensor, Tensor>(grads, (sofar, path) => add(sofar, fresh.get(path)!)) }
    },
    {
      params: model.params,
      batch: batchSpecs(shape),
      cotangent: f32(shape.sequences, shape.tokens),
      ...(onto ? { grads: gradSpecs(model.params, trainable) } : {}),
    },
  )
}

export interface AppliedStep extends Trained {
  readonly optimizer: Optimizer
  /** Clips the gradient's global norm; not clipped unless given. */
  readonly maxGradNorm?: number
}

interface Specs {
  readonly params: Tree<Spec>
  readonly state: Tree<Spec>
}

/** Specs of the trained parameters, and of the state. */
const specsOf = ({ model, trainable, optimizer }: AppliedStep): Specs => ({
  params: gradSpecs(model.params, trainable),
  state: stateSpecs(optimizer, model.params, trainable),
})

/**
 * Inputs {params (the trained ones), state, grads, hyper}; outputs {delta, state, norm, factor, finite}: Δθ as it is
 * applied, the state after, the gradient's norm before clipping and the factor by which it was clipped (1: not).
 */
export function deltaProgram(step: AppliedStep): Program {
  const { optimizer, maxGradNorm } = step
  const { params, state } = specsOf(step)
  return traceAs<UpdateArgs>(
    (inputs) => {
      const norm = globalNorm(inputs.grads)
      const factor = maxGradNorm === undefined ? undefined : clipByGlobalNorm(maxGradNorm)(norm)
      const { delta, state: next } = applyOptimizer(optimizer, { ...inputs, factor })
      return { delta, state: next, norm, factor: factor ?? constant(1), finite: isFinite(norm) }
    },
    { params, state, grads: params, hyper: hyperSpecs(optimizer) },
  )
}

interface PartInputs {
  readonly params: Tree<Tensor>
  readonly state: Tree<Tensor>
  readonly next: Tree<Tensor>
  readonly part: Tree<Tensor>
  readonly factor: Tensor
  readonly hyper: Readonly<Record<string, Tensor>>
}

/** Fills a part up with zeros where it lacks tensors. */
const whole = (part: readonly { path: string; value: Tensor }[], params: Tree<Tensor>): Tree<Tensor> => {
  const known = new Map(part.map(({ path, value }) => [path, value]))
  return unflatten(
    leaves(params).map(({ path, value }) => ({ path, value: known.get(path) ?? zerosLike(value) })),
  )
}

/**
 * Inputs {params, state, next (the state after), part (of the gradient), factor, hyper}; outputs {delta}: the part's
 * share of Δθ. Shares of parts that add up to the gradient, and those of `restProgram`, add up to Δθ.
 */
export function partProgram(step: AppliedStep): Program {
  const { params, state } = specsOf(step)
  return traceAs<PartInputs>(
    ({ part, ...inputs }) => ({
      delta: whole(splitUpdate(step.optimizer, { ...inputs, gradients: { part } }).part, inputs.params),
    }),
    { params, state, next: state, part: params, factor: f32(), hyper: hyperSpecs(step.optimizer) },
  )
}

export type RestPart = typeof CARRY_OVER | typeof DECAY

/** Inputs {params, state, next, hyper}; outputs {delta}. Undefined where the optimizer has no such part. */
export function restProgram(step: AppliedStep, name: RestPart): Program | undefined {
  const { params, state } = specsOf(step)
  let there = false
  const program = traceAs<Omit<PartInputs, 'part' | 'factor'>>(
    (inputs) => {
      const part = splitUpdate(step.optimizer, { ...inputs, gradients: {} })[name]
      there = part !== undefined
      return { delta: whole(part ?? [], inputs.params) }
    },
    { params, state, next: state, hyper: hyperSpecs(step.optimizer) },
  )
  return there ? program : undefined
}

/** Inputs {params, delta, t}; outputs {params: params + t·delta}. Frozen parameters are not among them. */
export function moveProgram({ model, trainable }: Trained): Program {
  const trained = gradSpecs(model.params, trainable)
  return traceAs<{ readonly params: Tree<Tensor>; readonly delta: Tree<Tensor>; readonly t: Tensor }>(
    ({ params, delta, t }) => {
      const by = new Map(leaves(delta).map(({ path, value }) => [path, value]))
      const move = (p: Tensor, path: string): Tensor => add(p, mul(by.get(path)!, t))
      return { params: mapTree<Tensor, Tensor>(params, move) }
    },
    { params: trained, delta: trained, t: f32() },
  )
}

/** Paths of the trained parameters, in order. */
export const trainedPaths = ({ model, trainable }: Trained): string[] =>
  trainableLeaves(model.params, trainable).map(({ path }) => path)
