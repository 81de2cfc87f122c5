/**
 * The shape of what a program is fed: packed rows, and which hidden states are asked for which next token.
 *
 * The head runs on N rows only, one for each response token (padded up to a bucket). `grid` puts their
 * log-probs back into sequences: sequence s, token l is entry grid[s,l] of the N, or N itself where the
 * sequence has ended (mask 0).
 */
import { f32, i32, type Spec } from '@ldyn/tensor'

export interface BatchShape {
  /** Packed rows, and their length. */
  readonly rows: number
  readonly length: number
  /** Response tokens that the head runs on, over all rows. */
  readonly reads: number
  /** Sequences (responses), and the longest one's tokens. */
  readonly sequences: number
  readonly tokens: number
}

export interface BatchSpecs {
  readonly [key: string]: Spec
  readonly tokens: Spec
  readonly positions: Spec
  readonly segments: Spec
  /** i32 [N]: index row·T + t of the hidden state that predicts the token. */
  readonly reads: Spec
  /** i32 [N]: the token that is predicted there. */
  readonly targets: Spec
  /** i32 [S,L]: index into the N reads; N for padding. */
  readonly grid: Spec
  /** f32 [S,L]: 1 for a token, 0 for padding. */
  readonly mask: Spec
}

export const batchSpecs = ({ rows, length, reads, sequences, tokens }: BatchShape): BatchSpecs => ({
  tokens: i32(rows, length),
  positions: i32(rows, length),
  segments: i32(rows, length),
  reads: i32(reads),
  targets: i32(reads),
  grid: i32(sequences, tokens),
  mask: f32(sequences, tokens),
})
