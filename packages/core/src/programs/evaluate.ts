/**
 * Everything that is followed of the distribution at every response token (paper.md §5), in one forward pass.
 * Sums and means over a response are the host's (metrics/response.ts): N numbers a statistic are read back.
 */
import { tokenStats, type Program, type Spec } from '@ldyn/tensor'
import { batchSpecs, type BatchShape } from '../batch.ts'
import { massBands } from '../geometry/bands.ts'
import type { CausalLM } from '../model.ts'
import { readHidden, traceAs, type ModelInputs } from './forward.ts'

/** The part of a batch's shape that an evaluation depends on. */
export type ReadShape = Pick<BatchShape, 'rows' | 'length' | 'reads'>

/** Specs of an evaluation's batch: that of `batchSpecs` without `grid` and `mask`. */
export function readSpecs(
  shape: ReadShape,
): Record<'tokens' | 'positions' | 'segments' | 'reads' | 'targets', Spec> {
  const { tokens, positions, segments, reads, targets } = batchSpecs({ ...shape, sequences: 0, tokens: 0 })
  return { tokens, positions, segments, reads, targets }
}

export interface EvaluateStats {
  /** Also `mass` [N,5], the probability by bands of ranks (geometry/bands.ts): a second pass of the head. */
  readonly bands?: boolean
}

/**
 * {params, batch (readSpecs)} → {logp, argmaxLogp, restLogp, entropy, piSquared, pError, argmax}, each [N] in the
 * order of `batch.reads`; argmax is i32, the rest f32. Definitions: `tokenStats` of @ldyn/tensor.
 */
export const evaluateProgram = (model: CausalLM, shape: ReadShape, { bands }: EvaluateStats = {}): Program =>
  traceAs<ModelInputs>(
    ({ params, batch }) => {
      const [hidden, head] = [readHidden(model, params, batch), model.head(params)]
      return {
        ...tokenStats(hidden, head, batch.targets),
        ...(bands ? { mass: massBands(hidden, head) } : {}),
      }
    },
    { params: model.params, batch: readSpecs(shape) },
  )
