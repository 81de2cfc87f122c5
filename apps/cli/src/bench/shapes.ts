/** Models whose training step is timed, with random weights: published shapes and a tiny one. */
import type { LlamaConfig, ModelConfig, NeoxConfig } from '@ldyn/models'

const pythia = (width: number, heads: number, layers: number): NeoxConfig => ({
  family: 'gpt_neox',
  vocab: 50304,
  width,
  context: 2048,
  layers,
  heads,
  inner: 4 * width,
  eps: 1e-5,
  tied: false,
  activation: 'gelu',
  rotary: { base: 10000, dims: width / heads / 4 },
  parallel: true,
  attentionBias: true,
})

const llama = (shape: Pick<LlamaConfig, 'vocab' | 'width' | 'layers' | 'heads' | 'kvHeads' | 'inner'>): LlamaConfig => ({
  family: 'llama',
  context: 8192,
  headDim: shape.width / shape.heads,
  eps: 1e-5,
  tied: true,
  activation: 'silu',
  rotary: { base: 100000, dims: shape.width / shape.heads },
  attentionBias: false,
  mlpBias: false,
  ...shape,
})

export const SHAPES = {
  tiny: llama({ vocab: 1024, width: 128, layers: 4, heads: 4, kvHeads: 2, inner: 384 }),
  'pythia-14m': pythia(128, 4, 6),
  'pythia-70m': pythia(512, 8, 6),
  'smollm2-135m': llama({ vocab: 49152, width: 576, layers: 30, heads: 9, kvHeads: 3, inner: 1536 }),
  'pythia-160m': pythia(768, 12, 12),
  'pythia-410m': pythia(1024, 16, 24),
} as const satisfies Record<string, ModelConfig>
export type ShapeName = keyof typeof SHAPES
export const SHAPE_NAMES = Object.keys(SHAPES) as ShapeName[]
