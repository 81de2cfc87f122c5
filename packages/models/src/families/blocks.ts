/**
 * What the families share: linear maps and norms with their optional biases, heads, rotary tables,
 * activations, the walk through the layers. Every forward pass in this folder is written in these and in the
 * ops of @ldyn/tensor.
 *
 * Rotary positions: Su et al. 2021 (arXiv 2104.09864), in the half-split form of GPT-NeoX and Llama; the
 * frequency scalings `linear` and `llama3` as transformers' modeling_rope_utils.py defines them.
 */
import {
  attention, checkpoint, constant, f32, gelu, layerNorm, linear, maximum, reshape, rope, scope, silu, take, transpose,
  type Spec, type Tensor, type Traced, type Tree,
} from '@ldyn/tensor'
import type { PackedInput } from '@ldyn/core'
import type { BuildOptions } from './model.ts'

// Type aliases, since an interface has no index signature and so is no branch of a tree.
/** A linear map x·w + b: w [in, out], b [out] or absent. */
export type LinearSpec = { readonly w: Spec, readonly b?: Spec }
/** A LayerNorm's γ and β, both [width]. */
export type NormSpec = { readonly w: Spec, readonly b: Spec }

export const linearSpec = (from: number, to: number, bias: boolean): LinearSpec =>
  bias ? { w: f32(from, to), b: f32(to) } : { w: f32(from, to) }
export const normSpec = (width: number): NormSpec => ({ w: f32(width), b: f32(width) })

export const project = (x: Tensor, p: Traced<LinearSpec>): Tensor => linear(x, p.w, p.b)
export const normalize = (x: Tensor, p: Traced<NormSpec>, eps: number): Tensor => layerNorm(x, p.w, p.b, eps)

/** [B,T,H·D] → [B,H,T,D]. */
export const splitHeads = (x: Tensor, heads: number): Tensor => {
  const [b, t, width] = x.shape
  return transpose(reshape(x, [b, t, heads, width / heads]), [0, 2, 1, 3])
}

/** [B,H,T,D] → [B,T,H·D]. */
const mergeHeads = (x: Tensor): Tensor => {
  const [b, h, t, d] = x.shape
  return reshape(transpose(x, [0, 2, 1, 3]), [b, t, h * d])
}

/** Causal attention inside each segment and to the prompt: q [B,H,T,D], k and v [B,Hkv,T,D] → [B,T,H·D]. */
export const attend = (q: Tensor, k: Tensor, v: Tensor, segments: Tensor, scale = 1 / Math.sqrt(q.shape[3])): Tensor =>
  mergeHeads(attention(q, k, v, { scale, causal: true, segments }))

/** Activations by the names that config.json uses; the three tanh forms of gelu are one function. */
export const activations = {
  gelu: (x: Tensor) => gelu(x, 'erf'),
  gelu_new: (x: Tensor) => gelu(x, 'tanh'),
  gelu_fast: (x: Tensor) => gelu(x, 'tanh'),
  gelu_pytorch_tanh: (x: Tensor) => gelu(x, 'tanh'),
  silu,
  swish: silu,
  relu: (x: Tensor) => maximum(x, 0),
} as const
export type Activation = keyof typeof activations

/** How positions turn queries and keys. */
export interface Rotary {
  /** Base of the frequencies, θ in base^(−2i/dims). */
  readonly base: number
  /** Leading dimensions of a head that are turned (all, or a part in GPT-NeoX); even. */
  readonly dims: number
  readonly scaling?: RotaryScaling
}
export type RotaryScaling =
  /** Positions divided by `factor`. */
  | { readonly type: 'linear', readonly factor: number }
  /** Llama 3.1: long wavelengths divided by `factor`, short ones kept, a smooth passage between. */
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalContext: number
    }

/** Angle per position of each turned pair, in radians: dims/2 numbers, in f64. */
export function frequencies({ base, dims, scaling }: Rotary): number[] {
  const plain = Array.from({ length: dims / 2 }, (_, i) => base ** (-(2 * i) / dims))
  if (!scaling) return plain
  if (scaling.type === 'linear') return plain.map((w) => w / scaling.factor)
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalContext } = scaling
  return plain.map((w) => {
    const turns = (originalContext * w) / (2 * Math.PI)
    if (turns < low) return w / factor
    if (turns > high) return w
    const smooth = (turns - low) / (high - low)
    return ((1 - smooth) * w) / factor + smooth * w
  })
}

/**
 * A function that turns heads [B,H,T,D] by their positions. Its tables have a row for every position that can
 * occur.
 */
export function rotaryAt(rotary: Rotary, positions: Tensor, context: number): (x: Tensor) => Tensor {
  const half = rotary.dims / 2
  // Positions restart inside a row, so none reaches the row's length, however long it is.
  const rows = Math.min(context, positions.shape[1])
  const omega = frequencies(rotary)
  const table = (f: (angle: number) => number): Tensor => {
    const values = Float64Array.from({ length: rows * half }, (_, i) => f(Math.floor(i / half) * omega[i % half]))
    return take(constant(values, [rows, half]), positions)
  }
  const [cos, sin] = scope('rotary', () => [table(Math.cos), table(Math.sin)])
  return (x) => rope(x, cos, sin)
}

/** Runs x through all layers, each under its module path and, where asked, rematerialised. */
export const throughLayers = <P>(
  x: Tensor, layers: readonly P[], options: BuildOptions, layer: (x: Tensor, p: P, index: number) => Tensor,
): Tensor =>
  layers.reduce((h, p, i) => scope(`layers.${i}`, () => (options.checkpoint ? checkpoint(() => layer(h, p, i)) : layer(h, p, i))), x)

/** `hidden` of a CausalLM from one whose parameters have the family's own type, and `head` by the tie. */
export const reading = <S>(tied: boolean, hidden: (params: Traced<S>, input: PackedInput) => Tensor) => ({
  tied,
  // A backend hands over the tree that `params` describes; TypeScript cannot follow it through the leaves.
  hidden: (params: Tree<Tensor>, input: PackedInput): Tensor => hidden(params as unknown as Traced<S>, input),
  head: (params: Tree<Tensor>): Tensor => {
    const { embed, head } = params as unknown as { readonly embed: Tensor, readonly head?: Tensor }
    if (head) return head
    if (!tied) throw new TypeError('the model is untied and its parameters have no head: give `head` [vocab, width]')
    return embed
  },
})

/** n specs of a layer. */
export const repeat = <S>(n: number, make: () => S): S[] => Array.from({ length: n }, make)
