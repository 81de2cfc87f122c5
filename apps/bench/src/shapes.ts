/**
 * The three shapes that are compared and the token ids of the work; the peer's side of both is peer/shapes.py.
 *
 * Ids come from a formula, so that no file is shared: prompt p is sequence p, response r sequence 100 + r. The probe's
 * prompt is 0 and its responses 0..11; pair p has prompt p, response 2p as the chosen one and 2p + 1 as the rejected.
 */
import type { LlamaConfig, NeoxConfig } from '@ldyn/models'
import type { EncodedRow, Sequence, StageConfig, StageExample } from '@ldyn/lab'

export const PROMPT = 96
export const RESPONSE = 64
export const PROBE_RESPONSES = 12
export const PAIRS = 4

const pythia = (width: number, heads: number): NeoxConfig => ({
  family: 'gpt_neox', vocab: 50304, width, context: 2048, layers: 6, heads, inner: 4 * width, eps: 1e-5, tied: false,
  activation: 'gelu', rotary: { base: 10000, dims: width / heads / 4 }, parallel: true, attentionBias: true,
})

const smollm2: LlamaConfig = {
  family: 'llama', vocab: 49152, width: 576, context: 8192, layers: 30, heads: 9, kvHeads: 3, headDim: 64, inner: 1536,
  eps: 1e-5, tied: true, activation: 'silu', rotary: { base: 100000, dims: 64 }, attentionBias: false, mlpBias: false,
}

export const SHAPES = {
  'pythia-14m': pythia(128, 4),
  'pythia-70m': pythia(512, 8),
  'smollm2-135m': smollm2,
} as const
export type ShapeName = keyof typeof SHAPES
export const shapeNames = Object.keys(SHAPES) as ShapeName[]

/** Token i of sequence s. */
export const token = (s: number, i: number, vocab: number): number =>
  ((Math.imul(i, 2654435761) + Math.imul(s, 2246822519) + 374761393) >>> 8) % vocab

const ids = (s: number, length: number, vocab: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => token(s, i, vocab))

const sequence = (type: string, p: number, r: number, vocab: number): Sequence => ({
  type, prompt: ids(p, PROMPT, vocab), response: ids(100 + r, RESPONSE, vocab), truncated: 0,
})

/** One probe row: a prompt with its responses. */
export function probeRow(vocab: number): EncodedRow {
  const sequences = Array.from({ length: PROBE_RESPONSES }, (_, r) => sequence(`response ${r}`, 0, r, vocab))
  const responses = Object.fromEntries(sequences.map(({ type }) => [type, '']))
  return { row: { row: 0, where: 'the benchmark', prompt: '', responses, templated: false }, sequences }
}

/** The pairs of an update. */
export const pairs = (vocab: number): StageExample[] =>
  Array.from({ length: PAIRS }, (_, p) => ({
    row: p,
    sequences: [sequence('chosen', p, 2 * p, vocab), sequence('rejected', p, 2 * p + 1, vocab)],
  }))

/** DPO as the released code trains: β 0.1, RMSprop with PyTorch's defaults, learning rate 5e-7, clipped at 10. */
export const dpoStage = (updates: number): StageConfig => ({
  name: 'dpo', loss: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false }, targets: [], updates,
  batch: PAIRS, accumulate: 1, lr: 5e-7, schedule: { name: 'constant', warmup: 0 },
  optimizer: { name: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 }, maxGradNorm: 10, shuffle: false, dropLast: true,
})
