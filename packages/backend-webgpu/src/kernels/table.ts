/** The ops that have kernels of their own, by name: all others are fused into generated ones. */
import { sizeOf, type NodeOf, type OpName, type Spec } from '@ldyn/tensor'
import type { Epilogue, Limits, Lowering, MatmulPrecision } from './kernel.ts'
import { matmul, productOf } from './matmul.ts'
import { scatterAdd } from './scatter.ts'
import { topK } from './topk.ts'

export interface KernelContext {
  readonly limits: Limits
  readonly matmulPrecision: MatmulPrecision
  readonly epilogue?: Epilogue
}
type Native<K extends OpName> = (
  node: NodeOf<K>, inputs: readonly Spec[], outputs: readonly Spec[], context: KernelContext,
) => Lowering

export const native: { readonly [K in OpName]?: Native<K> } = {
  matmul: ({ attrs: { ta, tb } }, [a, b], _, { limits, matmulPrecision, epilogue }) =>
    matmul(productOf(a.shape, b.shape, ta, tb), limits, { precision: matmulPrecision, epilogue }),
  scatterAdd: ({ attrs: { rows } }, [idx], [out], { limits }) =>
    scatterAdd(sizeOf(idx.shape), sizeOf(out.shape.slice(1)), rows, limits),
  topK: ({ attrs: { k } }, [x], _, { limits }) => topK(x.shape, k, limits),
}
