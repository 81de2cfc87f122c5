/**
 * The list of ops and what parametrises each. Signatures and rules stand with the ops beside this file;
 * the table (`table.ts`) has one entry for every name here, and so must every backend: lowered or expanded.
 */
import type { DType, Shape } from '../spec.ts'

type None = Record<string, never>

export interface PrimitiveAttrs {
  // structure
  input: { readonly path: string }
  /** Kept in f64; a backend that computes in f32 rounds once. */
  constant: {
    readonly values: Float64Array | Int32Array | Uint8Array
    readonly shape: Shape
    readonly dtype: DType
  }
  iota: { readonly shape: Shape; readonly axis: number }
  stopGradient: None
  cast: { readonly dtype: DType }
  // pointwise
  neg: None
  exp: None
  log: None
  sqrt: None
  tanh: None
  erf: None
  isFinite: None
  add: None
  sub: None
  mul: None
  div: None
  maximum: None
  less: None
  equal: None
  select: None
  // reductions
  sum: { readonly axes: readonly number[]; readonly keepdims: boolean }
  max: { readonly axes: readonly number[]; readonly keepdims: boolean }
  argmax: { readonly axis: number }
  topK: { readonly k: number }
  // linear algebra
  matmul: { readonly ta: boolean; readonly tb: boolean }
  // movement
  reshape: { readonly shape: Shape }
  transpose: { readonly perm: readonly number[] }
  broadcast: { readonly shape: Shape }
  slice: { readonly start: readonly number[]; readonly end: readonly number[] }
  pad: { readonly lo: readonly number[]; readonly hi: readonly number[] }
  concat: { readonly axis: number }
  // indexing
  take: None
  scatterAdd: { readonly rows: number }
  updateRows: None
}

export interface CompositeAttrs {
  sigmoid: None
  silu: None
  gelu: { readonly form: 'erf' | 'tanh' }
  softplus: None
  logSigmoid: None
  expm1: None
  softmax: None
  logSoftmax: None
  logSumExp: None
  takeAlong: None
  addAlong: None
  linear: None
  layerNorm: { readonly eps: number }
  rmsNorm: { readonly eps: number }
  rope: None
  attention: { readonly scale: number; readonly causal: boolean }
  attentionBackward: { readonly scale: number; readonly causal: boolean }
  tokenLogProb: { readonly chunkRows: number }
  /** Which cotangents are wanted: hidden's, the head's, or both in this order. */
  tokenLogProbBackward: { readonly chunkRows: number; readonly hidden: boolean; readonly head: boolean }
  tokenStats: { readonly chunkRows: number }
  conv2d: { readonly padding: number }
  avgPool: { readonly size: number }
}

export interface OpAttrs extends PrimitiveAttrs, CompositeAttrs {}
export type PrimitiveName = keyof PrimitiveAttrs
export type CompositeName = keyof CompositeAttrs
export type OpName = keyof OpAttrs
