/**
 * @ldyn/tensor: what a computation is (programs), how it is differentiated (jvp, vjp), and what runs it
 * (Backend).
 */
export * from './spec.ts'
export * from './tree.ts'
export * from './errors.ts'
export * from './program.ts'
export * from './backend.ts'
export { holdings, finiteOf, type Holdings, type Store, type Compiled, type NamedSpec, type Handle } from './holdings.ts'
export { Tensor, scope, checkpoint } from './graph.ts'
export { trace, call, type Traced } from './trace.ts'
export type {
  OpAttrs,
  OpName,
  PrimitiveName,
  CompositeName,
  PrimitiveAttrs,
  CompositeAttrs,
} from './ops/attrs.ts'
export type { Op, JvpArgs, VjpArgs, Maybe } from './ops/op.ts'
export { ops, primitives, composites, isComposite, entry } from './table.ts'
export { constant, iota, stopGradient, cast } from './ops/structure.ts'
export * from './ops/pointwise.ts'
export { sum, max, mean, argmax, topK, all } from './ops/reductions.ts'
export { matmul } from './ops/linear.ts'
export {
  reshape,
  transpose,
  transposeLast,
  broadcast,
  slice,
  sliceAxis,
  pad,
  concat,
  stack,
  zeros,
  zerosLike,
  repeatedAxes,
  inverse,
} from './ops/movement.ts'
export { take, scatterAdd, updateRows } from './ops/indexing.ts'
export { sigmoid, silu, gelu, softplus, logSigmoid, expm1 } from './composites/activations.ts'
export { softmax, logSoftmax, logSumExp, takeAlong, addAlong } from './composites/softmax.ts'
export { layerNorm, rmsNorm } from './composites/norms.ts'
export { linear, rope, attention, MASKED } from './composites/transformer.ts'
export { tokenLogProb, tokenStats, type TokenStats } from './composites/head.ts'
export { conv2d, avgPool } from './composites/convolution.ts'
export { jvp, type JvpOptions } from './transforms/jvp.ts'
export { vjp, grad, type VjpOptions } from './transforms/vjp.ts'
export { simplify, lowerable, dropDead, type SimplifyOptions } from './transforms/simplify.ts'
export { reassociate } from './transforms/reassociate.ts'
export { expandComposites, rewrite } from './transforms/rebuild.ts'
export { watchFinite, type Watched } from './transforms/watch.ts'
export { serveBackend } from './remote/serve.ts'
export { remoteBackend, type RemoteBackend, type RemoteOptions, type UploadOptions } from './remote/client.ts'
export type { Port } from './remote/port.ts'
