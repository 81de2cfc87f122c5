/** From a config of any family to its model. */
import { gpt2 } from './gpt2.ts'
import { llama } from './llama.ts'
import type { BuildOptions, LanguageModel, ModelConfig } from './model.ts'
import { neox } from './neox.ts'
import { qwen2 } from './qwen2.ts'

/** The model that a config describes. */
export function buildModel(config: ModelConfig, options: BuildOptions = {}): LanguageModel {
  switch (config.family) {
    case 'gpt2': return gpt2(config, options)
    case 'gpt_neox': return neox(config, options)
    case 'llama': return llama(config, options)
    case 'qwen2': return qwen2(config, options)
  }
}
