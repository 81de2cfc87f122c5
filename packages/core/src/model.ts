/**
 * What the dynamics need of a model: hidden states and a head. Families live in @ldyn/models; core imports none.
 */
import type { Spec, Tensor, Tree } from '@ldyn/tensor'

/** Packed rows: each is one prompt followed by all of its responses (contracts.md §1, architecture.md §5). */
export interface PackedInput {
  /** i32 [B,T] token ids; padding may hold any valid id. */
  readonly tokens: Tensor
  /** i32 [B,T]: counts from 0 through the prompt, and restarts after the prompt for every response. */
  readonly positions: Tensor
  /** i32 [B,T]: 0 for the prompt, 1, 2, … for its responses, a number of its own for padding. */
  readonly segments: Tensor
}

export interface CausalLM {
  /** Entries of the vocabulary. */
  readonly vocab: number
  /** Width of a hidden state. */
  readonly width: number
  /** Longest sequence (prompt and one response) that it was made for. */
  readonly context: number
  /** Specs of the stored parameters; a tied model has no `head`. */
  readonly params: Tree<Spec>
  /** Hidden states after the final norm, [B,T,width]. The state at t predicts the token that follows t. */
  hidden(params: Tree<Tensor>, input: PackedInput): Tensor
  /** The head as [vocab, width]: `params.head`, or where the model is tied and none is given, `params.embed`. */
  head(params: Tree<Tensor>): Tensor
}
