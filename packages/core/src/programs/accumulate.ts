/**
 * Gradient accumulation: micro-batches through `accumulateStep`, then one `applyStep`.
 *
 * The divisor of the mean is the input `count`: with the number of terms (tokens, sequences or pairs, `Loss.count`)
 * of all micro-batches together, the result equals one big batch. Hugging Face divides token-mean losses so; losses
 * that are means over sequences or pairs it averages per micro-batch and divides by their number k: `count` = k·own.
 */
import {
  add,
  f32,
  hostTensor,
  isFinite,
  leaves,
  mapTree,
  sizeOf,
  unflatten,
  type HostTensor,
  type PathFilter,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import type { CausalLM } from '../model.ts'
import { stateSpecs, trainableLeaves, type UpdateArgs } from '../optim/step.ts'
import { traceAs } from './forward.ts'
import {
  gradientOf,
  hyperSpecs,
  lossBatchSpecs,
  updateOf,
  type LossInputs,
  type Objective,
  type UpdateOptions,
} from './train.ts'

/** Zeros for a tree of f32 specs: an optimizer's first state, or the gradients before the first micro-batch. */
export const zerosOf = (specs: Tree<Spec>): Tree<HostTensor> =>
  mapTree<Spec, HostTensor>(specs, ({ shape }) => hostTensor(new Float32Array(sizeOf(shape)), shape))

/** Specs of the accumulated gradients: those of the trained parameters. */
export const gradSpecs = (params: Tree<Spec>, trainable?: PathFilter): Tree<Spec> =>
  unflatten(trainableLeaves(params, trainable))

/**
 * Inputs {params, batch, grads (gradSpecs), count}; outputs {grads: grads + ∇(total/count), metrics: {loss, …},
 * finite}. `loss` is total/count, so the losses of all micro-batches add up to the whole's; the loss's other metrics
 * are means over this micro-batch. `finite` is of the loss; applyStep's norm speaks for the gradient.
 */
export function accumulateStep(objective: Objective): Program {
  const { model, shape, loss, trainable } = objective
  return traceAs<LossInputs & { readonly grads: Tree<Tensor> }>(
    ({ params, batch, grads, count }) => {
      const fresh = gradientOf(objective, { params, batch, count })
      const own = new Map(leaves(fresh.grads).map(({ path, value }) => [path, value]))
      return {
        grads: mapTree<Tensor, Tensor>(grads, (sofar, path) => add(sofar, own.get(path)!)),
        metrics: { loss: fresh.loss, ...fresh.metrics },
        finite: isFinite(fresh.loss),
      }
    },
    {
      params: model.params,
      batch: lossBatchSpecs(loss, shape),
      grads: gradSpecs(model.params, trainable),
      count: f32(),
    },
  )
}

export interface ApplyOptions extends UpdateOptions {
  readonly model: Pick<CausalLM, 'params'>
  readonly trainable?: PathFilter
}

/**
 * Inputs {params (the trained ones), state, grads, hyper}; outputs {params, state, delta?, metrics: {grad_norm},
 * finite}.
 */
export function applyStep(options: ApplyOptions): Program {
  const { model, optimizer, trainable } = options
  const trained = gradSpecs(model.params, trainable)
  return traceAs<UpdateArgs>(
    (inputs) => {
      const { norm, outputs } = updateOf(options, inputs)
      return { ...outputs, metrics: { grad_norm: norm }, finite: isFinite(norm) }
    },
    {
      params: trained,
      state: stateSpecs(optimizer, model.params, trainable),
      grads: trained,
      hyper: hyperSpecs(optimizer),
    },
  )
}
