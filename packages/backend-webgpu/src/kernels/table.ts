/** The ops that have kernels of their own, by name: all others are fused into generated ones. */
import { sizeOf, type NodeOf, type OpName, type Spec } from '@ldyn/tensor'
import { attention, attentionBackward, type AttentionShape } from './attention.ts'
import { tokenLogProb, tokenLogProbBackward, tokenStats, type HeadShape } from './head.ts'
import type { Epilogue, Limits, Lowering, MatmulPrecision } from './kernel.ts'
import { matmul, productOf } from './matmul.ts'
import { scatterAdd } from './scatter.ts'
import { topK } from './topk.ts'

export interface KernelContext {
  readonly limits: Limits; readonly precision: MatmulPrecision; readonly epilogue?: Epilogue
}
type Native<K extends OpName> = (
  node: NodeOf<K>, inputs: readonly Spec[], outputs: readonly Spec[], context: KernelContext,
) => Lowering

function attentionShape(
  { scale, causal }: { readonly scale: number; readonly causal: boolean }, q: Spec, k: Spec, segments?: Spec,
): AttentionShape {
  const [batch, heads, length, width] = q.shape
  return { batch, heads, groups: k.shape[1], length, width, scale, causal, segments: segments !== undefined }
}
const headShape = (hidden: Spec, head: Spec): HeadShape =>
  ({ rows: hidden.shape[0], width: hidden.shape[1], vocabulary: head.shape[0] })

export const native: { readonly [K in OpName]?: Native<K> } = {
  matmul: ({ attrs: { ta, tb } }, [a, b], _, { limits, precision, epilogue }) =>
    matmul(productOf(a.shape, b.shape, ta, tb), limits, { precision, epilogue }),
  attention: ({ attrs }, [q, k, , segments], _, { limits }) =>
    attention(attentionShape(attrs, q, k, segments), limits),
  attentionBackward: ({ attrs }, [q, k, , , , segments], _, { limits }) =>
    attentionBackward(attentionShape(attrs, q, k, segments), limits),
  tokenLogProb: (_, [hidden, head], __, { limits }) => tokenLogProb(headShape(hidden, head), limits),
  tokenLogProbBackward: ({ attrs }, [hidden, head], _, { limits, precision }) =>
    tokenLogProbBackward(headShape(hidden, head), attrs, limits, precision),
  tokenStats: (_, [hidden, head], __, { limits }) => tokenStats(headShape(hidden, head), limits),
  scatterAdd: ({ attrs: { rows } }, [idx], [out], { limits }) =>
    scatterAdd(sizeOf(idx.shape), sizeOf(out.shape.slice(1)), rows, limits),
  topK: ({ attrs: { k } }, [x], _, { limits }) => topK(x.shape, k, limits),
}

/** Kernels for cards: on an adapter that is a CPU, what they would save is less than their barriers cost. */
const FOR_CARDS: readonly OpName[] = [
  'attention', 'attentionBackward', 'tokenLogProb', 'tokenLogProbBackward', 'tokenStats',
]

/** The ops that are not expanded on a device. `takeAlong` is a gather, which the fused kernels read in place. */
export const nativeOn = ({ software }: Limits): ReadonlySet<OpName> =>
  new Set((Object.keys(native) as OpName[]).filter((op) => !software || !FOR_CARDS.includes(op))).add('takeAlong')
