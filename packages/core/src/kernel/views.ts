/**
 * What of a model is differentiated: at each of the N reads its token's log-prob, its hidden state, or all V
 * logits.
 *
 * J is the derivative of that by the parameters θ, and a tangent kernel is Θ = J_o·J_uᵀ, observed by updating
 * (paper.md §2.2: K is the logits' one; Δz_o = −η K_ou G_u). Which θ take part is a filter: all, the last layers,
 * one module.
 */
import { matches, matmul, tokenLogProb, type PathFilter, type Program, type Shape, type Tensor } from '@ldyn/tensor'
import type { CausalLM } from '../model.ts'
import { readSpecs, type ReadShape } from '../programs/evaluate.ts'
import { readHidden, traceAs, type ModelInputs } from '../programs/forward.ts'

/** `logp`: log π of each read's target, [N], nats. `hidden`: [N,width], after the final norm. `logits`: [N,V]. */
export type View = 'logp' | 'hidden' | 'logits'

/** One side of a kernel. */
export interface Side {
  readonly shape: ReadShape
  readonly view: View
}

/** Shape of what a view gives. */
export const viewShape = ({ vocab, width }: CausalLM, { shape: { reads }, view }: Side): Shape =>
  view === 'logp' ? [reads] : [reads, view === 'hidden' ? width : vocab]

/** {params, batch (readSpecs)} → {seen: the view}. */
export const viewProgram = (model: CausalLM, { shape, view }: Side): Program =>
  traceAs<ModelInputs>(
    ({ params, batch }) => {
      const hidden = readHidden(model, params, batch)
      return { seen: seenFrom(model, hidden, params, batch.targets, view) }
    },
    { params: model.params, batch: readSpecs(shape) },
  )

function seenFrom(
  model: CausalLM,
  hidden: Tensor,
  params: ModelInputs['params'],
  targets: Tensor,
  view: View,
): Tensor {
  switch (view) {
    case 'logp':
      return tokenLogProb(hidden, model.head(params), targets)
    case 'hidden':
      return hidden
    case 'logits':
      return matmul(hidden, model.head(params), false, true)
  }
}

/** A filter on paths below `params` as one on a program's input paths. */
export const belowParams =
  (filter: PathFilter = '') =>
  (path: string): boolean =>
    path.startsWith('params.') && matches(filter, path.slice('params.'.length))
