/**
 * Llama (Touvron et al. 2023): RMSNorm, rotary positions, grouped key heads, SwiGLU, no biases unless asked
 * for. As transformers' modeling_llama.py, dropout off. Qwen2 is the same network with other biases
 * (qwen2.ts).
 */
import { add, f32, mul, rmsNorm, scope, take, type Spec } from '@ldyn/tensor'
import {
  activations, attend, linearSpec, project, reading, repeat, rotaryAt, splitHeads, throughLayers,
  type Activation, type Rotary,
} from './blocks.ts'
import type { BaseConfig, BuildOptions, LanguageModel } from './model.ts'

export interface DecoderConfig extends BaseConfig {
  readonly activation: Activation
  readonly rotary: Rotary
  /** Key and value heads; each serves heads/kvHeads query heads. */
  readonly kvHeads: number
  /** Width of a head; usually width/heads. */
  readonly headDim: number
}

export interface LlamaConfig extends DecoderConfig {
  readonly family: 'llama'
  /** Biases on q, k, v and out. */
  readonly attentionBias: boolean
  /** Biases on gate, up and down. */
  readonly mlpBias: boolean
}

/** Which of the maps have biases: all that the two families differ in. */
export interface Biases { readonly qkv: boolean, readonly out: boolean, readonly mlp: boolean }

const scale = (width: number): { readonly w: Spec } => ({ w: f32(width) })

const parameters = (c: DecoderConfig, bias: Biases) => ({
  embed: f32(c.vocab, c.width),
  layers: repeat(c.layers, () => ({
    attnNorm: scale(c.width),
    attn: {
      q: linearSpec(c.width, c.heads * c.headDim, bias.qkv),
      k: linearSpec(c.width, c.kvHeads * c.headDim, bias.qkv),
      v: linearSpec(c.width, c.kvHeads * c.headDim, bias.qkv),
      out: linearSpec(c.heads * c.headDim, c.width, bias.out),
    },
    mlpNorm: scale(c.width),
    mlp: {
      gate: linearSpec(c.width, c.inner, bias.mlp),
      up: linearSpec(c.width, c.inner, bias.mlp),
      down: linearSpec(c.inner, c.width, bias.mlp),
    },
  })),
  norm: scale(c.width),
  ...(c.tied ? {} : { head: f32(c.vocab, c.width) }),
})

/** The network of Llama and Qwen2. */
export function decoder(config: DecoderConfig, bias: Biases, options: BuildOptions) {
  const { vocab, width, context, heads, kvHeads, eps, tied } = config
  const act = activations[config.activation]

  return {
    vocab, width, context, params: parameters(config, bias),
    ...reading<ReturnType<typeof parameters>>(tied, (p, { tokens, positions, segments }) => {
      const turn = rotaryAt(config.rotary, positions, context)
      const x = scope('embed', () => take(p.embed, tokens))
      const y = throughLayers(x, p.layers, options, (h, { attnNorm, attn, mlpNorm, mlp }) => {
        const attended = scope('attn', () => {
          const n = rmsNorm(h, attnNorm.w, eps)
          const q = turn(splitHeads(project(n, attn.q), heads))
          const k = turn(splitHeads(project(n, attn.k), kvHeads))
          const v = splitHeads(project(n, attn.v), kvHeads)
          return add(h, project(attend(q, k, v, segments), attn.out))
        })
        return scope('mlp', () => {
          const n = rmsNorm(attended, mlpNorm.w, eps)
          return add(attended, project(mul(act(project(n, mlp.gate)), project(n, mlp.up)), mlp.down))
        })
      })
      return scope('norm', () => rmsNorm(y, p.norm.w, eps))
    }),
  }
}

/** A Llama of the given sizes. */
export const llama = (config: LlamaConfig, options: BuildOptions = {}): LanguageModel => ({
  family: 'llama',
  config,
  ...decoder(config, { qkv: config.attentionBias, out: config.attentionBias, mlp: config.mlpBias }, options),
})
