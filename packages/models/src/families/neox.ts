/**
 * GPT-NeoX (Black et al. 2022) and so Pythia: partial rotary positions, attention and MLP side by side on one
 * residual (or one after the other), exact gelu, untied head. As transformers' modeling_gpt_neox.py, dropout
 * off. `attn.qkv` is [width, 3·width], its columns ordered by head, then q, k, v, then the head's dimensions.
 */
import { add, f32, reshape, scope, sliceAxis, take, transpose, type Tensor } from '@ldyn/tensor'
import {
  activations, attend, linearSpec, normalize, normSpec, project, reading, repeat, rotaryAt, throughLayers,
  type Activation, type Rotary,
} from './blocks.ts'
import type { BaseConfig, BuildOptions, LanguageModel } from './model.ts'

export interface NeoxConfig extends BaseConfig {
  readonly family: 'gpt_neox'
  readonly activation: Activation
  readonly rotary: Rotary
  /** x + attn(norm₁ x) + mlp(norm₂ x), rather than one after the other. */
  readonly parallel: boolean
  readonly attentionBias: boolean
}

const parameters = (c: NeoxConfig) => ({
  embed: f32(c.vocab, c.width),
  layers: repeat(c.layers, () => ({
    attnNorm: normSpec(c.width),
    attn: {
      qkv: linearSpec(c.width, 3 * c.width, c.attentionBias),
      out: linearSpec(c.width, c.width, c.attentionBias),
    },
    mlpNorm: normSpec(c.width),
    mlp: { up: linearSpec(c.width, c.inner, true), down: linearSpec(c.inner, c.width, true) },
  })),
  norm: normSpec(c.width),
  ...(c.tied ? {} : { head: f32(c.vocab, c.width) }),
})

/** A GPT-NeoX of the given sizes. */
export function neox(config: NeoxConfig, options: BuildOptions = {}): LanguageModel {
  const { vocab, width, context, heads, eps, tied, parallel } = config
  const act = activations[config.activation]
  const size = width / heads

  return {
    family: 'gpt_neox', config, vocab, width, context, params: parameters(config),
    ...reading<ReturnType<typeof parameters>>(tied, (p, { tokens, positions, segments }) => {
      const turn = rotaryAt(config.rotary, positions, context)
      const [rows, length] = tokens.shape
      const x = scope('embed', () => take(p.embed, tokens))
      const y = throughLayers(x, p.layers, options, (h, layer) => {
        const attn = scope('attn', () => {
          const qkv = project(normalize(h, layer.attnNorm, eps), layer.attn.qkv)
          const byHead = transpose(reshape(qkv, [rows, length, heads, 3 * size]), [0, 2, 1, 3])
          const part = (n: number): Tensor => sliceAxis(byHead, 3, n * size, (n + 1) * size)
          return project(attend(turn(part(0)), turn(part(1)), part(2), segments), layer.attn.out)
        })
        const attended = add(h, attn)
        const mlp = scope('mlp', () =>
          project(act(project(normalize(parallel ? h : attended, layer.mlpNorm, eps), layer.mlp.up)), layer.mlp.down))
        return add(mlp, attended)
      })
      return scope('norm', () => normalize(y, p.norm, eps))
    }),
  }
}
