/**
 * From packed rows to log-probs: hidden states of all positions, the head on the read ones only, and the N reads put
 * back into sequences [S,L] by the batch's grid (batch.ts).
 */
import {
  concat,
  mul,
  reshape,
  take,
  tokenLogProb,
  trace,
  zeros,
  type Program,
  type Spec,
  type Tensor,
  type Traced,
  type Tree,
} from '@ldyn/tensor'
import { batchSpecs, type BatchShape } from '../batch.ts'
import type { CausalLM } from '../model.ts'

/** The batch as a program sees it; `grid` and `mask` only where sequences are asked for. */
export interface Batch {
  readonly tokens: Tensor
  readonly positions: Tensor
  readonly segments: Tensor
  readonly reads: Tensor
  readonly targets: Tensor
  readonly grid: Tensor
  readonly mask: Tensor
  readonly ref?: Tensor
}

export interface ModelInputs {
  readonly params: Tree<Tensor>
  readonly batch: Batch
}

/** `trace` for inputs of a known type I: parameters are a tree of any depth, which types cannot follow leaf by leaf. */
export const traceAs = <I>(
  f: (inputs: I) => Tree<Tensor>,
  specs: Readonly<Record<string, Tree<Spec>>>,
): Program => trace(f as unknown as (inputs: Traced<Spec>) => Tree<Tensor>, specs as unknown as Spec)

/** Hidden states that predict the targets: [N,width]. */
export function readHidden(
  model: CausalLM,
  params: Tree<Tensor>,
  batch: Omit<Batch, 'grid' | 'mask'>,
): Tensor {
  const { tokens, positions, segments } = batch
  const hidden = model.hidden(params, { tokens, positions, segments })
  return take(reshape(hidden, [-1, model.width]), batch.reads)
}

/** log π of every response token, [S,L] in nats; 0 where masked. */
export function sequenceLogProbs(model: CausalLM, params: Tree<Tensor>, batch: Batch): Tensor {
  const logp = tokenLogProb(readHidden(model, params, batch), model.head(params), batch.targets)
  return mul(take(concat([logp, zeros([1])], 0), batch.grid), batch.mask)
}

/** {params, batch} → {logp: f32 [S,L], 0 where masked}: the reference's log-probs, which the lab caches. */
export const logProbProgram = (model: CausalLM, shape: BatchShape): Program =>
  traceAs<ModelInputs>(({ params, batch }) => ({ logp: sequenceLogProbs(model, params, batch) }), {
    params: model.params,
    batch: batchSpecs(shape),
  })
