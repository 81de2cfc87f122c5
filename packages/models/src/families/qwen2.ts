/**
 * Qwen2 and Qwen2.5 (Yang et al. 2024): Llama's network with biases on q, k and v alone. As transformers'
 * modeling_qwen2.py, dropout off. A sliding window that would cut into the context is refused when the config
 * is read (checkpoints/hf-config.ts).
 */
import { decoder, type DecoderConfig } from './llama.ts'
import type { BuildOptions, LanguageModel } from './model.ts'

export interface Qwen2Config extends DecoderConfig {
  readonly family: 'qwen2'
}

/** A Qwen2 of the given sizes. */
export const qwen2 = (config: Qwen2Config, options: BuildOptions = {}): LanguageModel => ({
  family: 'qwen2',
  config,
  ...decoder(config, { qkv: true, out: false, mlp: false }, options),
})
