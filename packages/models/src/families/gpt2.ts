/**
 * GPT-2 (Radford et al. 2019): learned positions, pre-norm, biases everywhere, tanh-gelu, tied head.
 * As transformers' modeling_gpt2.py, dropout off. `attn.qkv` is [width, 3·width] with q, k, v side by side.
 */
import { add, f32, sliceAxis, scope, take, type Tensor } from '@ldyn/tensor'
import {
  activations, attend, linearSpec, normalize, normSpec, project, reading, repeat, splitHeads, throughLayers,
  type Activation,
} from './blocks.ts'
import type { BaseConfig, BuildOptions, LanguageModel } from './model.ts'

export interface Gpt2Config extends BaseConfig {
  readonly family: 'gpt2'
  readonly activation: Activation
  /** Scores times 1/√(head width); on unless config.json says otherwise. */
  readonly scaleScores: boolean
  /** Scores of layer i also divided by i + 1. */
  readonly scaleByLayer: boolean
}

const parameters = (c: Gpt2Config) => ({
  embed: f32(c.vocab, c.width),
  positions: f32(c.context, c.width),
  layers: repeat(c.layers, () => ({
    attnNorm: normSpec(c.width),
    attn: { qkv: linearSpec(c.width, 3 * c.width, true), out: linearSpec(c.width, c.width, true) },
    mlpNorm: normSpec(c.width),
    mlp: { up: linearSpec(c.width, c.inner, true), down: linearSpec(c.inner, c.width, true) },
  })),
  norm: normSpec(c.width),
  ...(c.tied ? {} : { head: f32(c.vocab, c.width) }),
})

/** A GPT-2 of the given sizes. */
export function gpt2(config: Gpt2Config, options: BuildOptions = {}): LanguageModel {
  const { vocab, width, context, heads, eps, tied } = config
  const act = activations[config.activation]
  const scale = (layer: number): number =>
    (config.scaleScores ? 1 / Math.sqrt(width / heads) : 1) / (config.scaleByLayer ? layer + 1 : 1)

  return {
    family: 'gpt2', config, vocab, width, context, params: parameters(config),
    ...reading<ReturnType<typeof parameters>>(tied, (p, { tokens, positions, segments }) => {
      const x = scope('embed', () => add(take(p.embed, tokens), take(p.positions, positions)))
      const y = throughLayers(x, p.layers, options, (h, layer, i) => {
        const attended = scope('attn', () => {
          const qkv = project(normalize(h, layer.attnNorm, eps), layer.attn.qkv)
          const part = (n: number): Tensor => splitHeads(sliceAxis(qkv, 2, n * width, (n + 1) * width), heads)
          return add(h, project(attend(part(0), part(1), part(2), segments, scale(i)), layer.attn.out))
        })
        return scope('mlp', () =>
          add(attended, project(act(project(normalize(attended, layer.mlpNorm, eps), layer.mlp.up)), layer.mlp.down)))
      })
      return scope('norm', () => normalize(y, p.norm, eps))
    }),
  }
}
