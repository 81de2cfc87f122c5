/**
 * One training step as one program: forward, backward, clipping, the optimizer's rule.
 *
 * Parameters and optimizer state go in and come out under the same paths, so that a backend may swap buffers
 * (`replaced` lists them for `donate`). Frozen parameters go in and do not come out: the caller keeps its handles.
 */
import {
  and,
  call,
  f32,
  grad,
  isFinite,
  matches,
  unflatten,
  type PathFilter,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import { batchSpecs, type BatchShape } from '../batch.ts'
import { lossValue, type Loss } from '../losses/loss.ts'
import type { CausalLM } from '../model.ts'
import type { Optimizer } from '../optim/rule.ts'
import {
  applyOptimizer,
  clipByGlobalNorm,
  globalNorm,
  stateSpecs,
  trainableLeaves,
  type UpdateArgs,
} from '../optim/step.ts'
import { sequenceLogProbs, traceAs, type Batch } from './forward.ts'

type Specs = Readonly<Record<string, Spec>>
type Tensors = Readonly<Record<string, Tensor>>

/** What the loss and its gradient are a function of. */
export interface Objective {
  readonly model: CausalLM
  readonly shape: BatchShape
  readonly loss: Loss
  /** Paths below `params`; all unless given. */
  readonly trainable?: PathFilter
}

export interface UpdateOptions {
  readonly optimizer: Optimizer
  /** Clips the gradient's global norm, as torch.nn.utils.clip_grad_norm_. Not clipped unless given. */
  readonly maxGradNorm?: number
  /** Adds the output `delta`: Δθ of every trained parameter, for a jvp along the update. */
  readonly delta?: boolean
}

/** Specs of `batch` for a loss: `batchSpecs`, `ref` f32 [S,L] where it needs a reference, and its own fields. */
export function lossBatchSpecs(loss: Loss, shape: BatchShape): Specs {
  const { sequences, tokens } = shape
  return {
    ...batchSpecs(shape),
    ...(loss.needs.reference ? { ref: f32(sequences, tokens) } : {}),
    ...loss.fields?.(sequences, tokens),
  }
}

/** Specs of `hyper`: one scalar for every key of the optimizer's. */
export const hyperSpecs = (optimizer: Optimizer): Specs =>
  Object.fromEntries(Object.keys(optimizer.hyper(0, 0)).map((key) => [key, f32()]))

/** Input paths that come out again under the same path: what a run replaces, for `compile(…, {donate})`. */
export function replaced({ inputs, outputs }: Program): string[] {
  const out = new Set(outputs.map(({ path }) => path))
  return inputs.map(({ path }) => path).filter((path) => out.has(path))
}

/** Inputs of a loss's program. */
export interface LossInputs {
  readonly params: Tree<Tensor>
  readonly batch: Batch & Tensors
  readonly count?: Tensor
}

/**
 * {params, batch, count?} → {loss, metrics}. With `counted` the divisor of the mean is the input `count`
 * (accumulate.ts); otherwise it is the batch's own.
 */
export const lossProgram = ({ model, shape, loss }: Objective, counted = false): Program =>
  traceAs<LossInputs>(
    ({ params, batch, count }) => {
      const logp = sequenceLogProbs(model, params, batch)
      const args = { logp, mask: batch.mask, ref: batch.ref, fields: batch }
      return { loss: lossValue(loss, args, count), metrics: { ...loss.metrics?.(args) } }
    },
    { params: model.params, batch: lossBatchSpecs(loss, shape), ...(counted ? { count: f32() } : {}) },
  )

export interface Gradient {
  readonly loss: Tensor
  readonly metrics: Tensors
  /** Of the trained parameters, paths as in `params`. */
  readonly grads: Tree<Tensor>
}

interface Called {
  readonly primal: { readonly loss: Tensor; readonly metrics?: Tensors }
  readonly grads: { readonly params: Tree<Tensor> }
}

const belowParams = (path: string): string => path.slice('params.'.length)

/** Loss and gradient in the current trace. */
export function gradientOf(objective: Objective, inputs: LossInputs): Gradient {
  const { trainable = '' } = objective
  const wrt = (path: string): boolean => /^params(\.|$)/.test(path) && matches(trainable, belowParams(path))
  const program = grad(lossProgram(objective, inputs.count !== undefined), { wrt, of: 'loss' })
  const given = { params: inputs.params, batch: inputs.batch, count: inputs.count }
  const { primal, grads } = call(program, given) as unknown as Called
  return { loss: primal.loss, metrics: primal.metrics ?? {}, grads: grads.params }
}

/** The outputs of an update in the current trace. */
export function updateOf(
  { optimizer, maxGradNorm, delta }: UpdateOptions,
  inputs: Omit<UpdateArgs, 'factor'>,
): { readonly norm: Tensor; readonly outputs: Readonly<Record<string, Tree<Tensor>>> } {
  const norm = globalNorm(inputs.grads)
  const factor = maxGradNorm === undefined ? undefined : clipByGlobalNorm(maxGradNorm)(norm)
  const next = applyOptimizer(optimizer, { ...inputs, factor })
  return {
    norm,
    outputs: { params: next.params, state: next.state, ...(delta ? { delta: next.delta } : {}) },
  }
}

/**
 * Inputs {params, state (stateSpecs), batch (lossBatchSpecs), hyper (hyperSpecs)}; outputs {params, state, delta?,
 * metrics: {loss, grad_norm, …the loss's}, finite}. `loss` and the metrics are before the update, grad_norm before
 * clipping; `finite` is whether both are. No `entropy` or `mean_token_accuracy`: these would need a second pass of
 * the head, and `evaluateProgram` has them.
 */
export function trainStep(options: Objective & UpdateOptions): Program {
  const { model, shape, loss, optimizer, trainable } = options
  return traceAs<LossInputs & Pick<UpdateArgs, 'state' | 'hyper'>>(
    ({ params, state, batch, hyper }) => {
      const gradient = gradientOf(options, { params, batch })
      const trained = unflatten(trainableLeaves(params, trainable))
      const { norm, outputs } = updateOf(options, { params: trained, state, grads: gradient.grads, hyper })
      return {
        ...outputs,
        metrics: { loss: gradient.loss, grad_norm: norm, ...gradient.metrics },
        finite: and(isFinite(gradient.loss), isFinite(norm)),
      }
    },
    {
      params: model.params,
      state: stateSpecs(optimizer, model.params, trainable),
      batch: lossBatchSpecs(loss, shape),
      hyper: hyperSpecs(optimizer),
    },
  )
}
