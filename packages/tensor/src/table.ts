/**
 * The op table: one typed entry for every op. The API, the transforms, the conformance suite and the docs
 * come
 * from it; a name in attrs.ts without an entry here does not compile.
 */
import type { CompositeName, OpAttrs, OpName, PrimitiveName } from './ops/attrs.ts'
import type { Op } from './ops/op.ts'
import { structure } from './ops/structure.ts'
import { pointwise } from './ops/pointwise.ts'
import { reductions } from './ops/reductions.ts'
import { linearAlgebra } from './ops/linear.ts'
import { movement } from './ops/movement.ts'
import { indexing } from './ops/indexing.ts'
import { activations } from './composites/activations.ts'
import { softmaxFamily } from './composites/softmax.ts'
import { norms } from './composites/norms.ts'
import { transformer } from './composites/transformer.ts'
import { headOps } from './composites/head.ts'
import { convolution } from './composites/convolution.ts'

export const primitives: { readonly [K in PrimitiveName]: Op<OpAttrs[K]> } = {
  ...structure,
  ...pointwise,
  ...reductions,
  ...linearAlgebra,
  ...movement,
  ...indexing,
}

export const composites: { readonly [K in CompositeName]: Op<OpAttrs[K]> } = {
  ...activations,
  ...softmaxFamily,
  ...norms,
  ...transformer,
  ...headOps,
  ...convolution,
}

export const ops: { readonly [K in OpName]: Op<OpAttrs[K]> } = { ...primitives, ...composites }

export const isComposite = (op: OpName): op is CompositeName => op in composites

/** The entry of an op. Its attrs are those of the node that it was looked up for. */
export const entry = <K extends OpName>(op: K): Op<OpAttrs[K]> => ops[op] as Op<OpAttrs[K]>
