/**
 * What every family gives: a CausalLM that also knows its family, its config and whether its head is tied. A
 * config here is the family's own, checked and without defaults; Hugging Face's and GGUF's forms of it are
 * read in `checkpoints/`.
 */
import type { CausalLM } from '@ldyn/core'
import type { Gpt2Config } from './gpt2.ts'
import type { LlamaConfig } from './llama.ts'
import type { NeoxConfig } from './neox.ts'
import type { Qwen2Config } from './qwen2.ts'

export type ModelConfig = Gpt2Config | NeoxConfig | LlamaConfig | Qwen2Config
export type Family = ModelConfig['family']

export interface LanguageModel extends CausalLM {
  readonly family: Family
  readonly config: ModelConfig
  /** The head is the embedding; `params` has no `head`. */
  readonly tied: boolean
}

export interface BuildOptions {
  /** Compute each layer again in the backward pass rather than keep its inner values: memory for time. */
  readonly checkpoint?: boolean
}

/** What all families' configs share. */
export interface BaseConfig {
  /** Entries of the vocabulary. */
  readonly vocab: number
  /** Width of a hidden state. */
  readonly width: number
  /** Longest sequence that the model was made for. */
  readonly context: number
  readonly layers: number
  readonly heads: number
  /** Width inside the MLP. */
  readonly inner: number
  /** ε of the norms. */
  readonly eps: number
  /** The head is the embedding. */
  readonly tied: boolean
}
