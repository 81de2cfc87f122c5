/**
 * The two runs that the demo sets side by side (paper.md §6.5, Fig. 5): SFT on the chosen answers and then DPO, and
 * the paper's remedy, SFT on chosen and rejected ("extend") and then the same DPO.
 *
 * The paper's extend makes as many passes as its baseline, and so sees twice the examples. Here both SFT stages have
 * the same number of updates and of examples (the baseline sees each chosen answer twice as often), so that a
 * difference after them is not one of how long was trained.
 */
import type { StageConfig } from '@ldyn/lab'

/** A stage of a fixed length. */
export type FixedStage = StageConfig & { readonly updates: number }

export interface Arm {
  readonly name: 'baseline' | 'extend'
  readonly says: string
  readonly stages: readonly FixedStage[]
}

export interface Size {
  readonly sftUpdates: number
  readonly dpoUpdates: number
  readonly batch: number
  readonly probes: number
  readonly observeEvery: number
  readonly decomposeEvery: number
}

/** 4 passes over the 288 training rows in SFT (2 over both of their answers in extend), 2 in DPO. */
export const FULL: Size = { sftUpdates: 144, dpoUpdates: 72, batch: 8, probes: 24, observeEvery: 9, decomposeEvery: 24 }
/** Enough to see that everything works, and nothing of what the demo is about. */
export const QUICK: Size = { sftUpdates: 2, dpoUpdates: 2, batch: 4, probes: 4, observeEvery: 1, decomposeEvery: 1 }

const SFT_RATE = 3e-4
const DPO_RATE = 5e-5
const WARMUP = 10

type Particular = Pick<StageConfig, 'name' | 'loss' | 'targets' | 'lr'> & { readonly updates: number }

/** The released code's training (paper.md §4.2): RMSprop, warm-up then constant, clip 10; rates are this model's. */
const stage = (batch: number, particular: Particular): FixedStage => ({
  ...particular,
  batch,
  accumulate: 1,
  schedule: { name: 'paper', warmup: WARMUP },
  optimizer: { name: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 },
  maxGradNorm: 10,
  shuffle: true,
  dropLast: true,
})

const sft = (name: string, targets: readonly string[], { batch, sftUpdates: updates }: Size): FixedStage =>
  stage(batch, { name, loss: { name: 'sft', reduction: 'sum' }, targets, lr: SFT_RATE, updates })

const dpo = ({ batch, dpoUpdates: updates }: Size): FixedStage =>
  stage(batch, {
    name: 'dpo',
    loss: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false },
    targets: ['chosen', 'rejected'],
    lr: DPO_RATE,
    updates,
  })

export const arms = (size: Size): readonly Arm[] => [
  { name: 'baseline', says: 'SFT on the chosen answers, then DPO', stages: [sft('sft', ['chosen'], size), dpo(size)] },
  {
    name: 'extend',
    says: 'SFT on chosen and rejected answers, then DPO',
    stages: [sft('extend', ['chosen', 'rejected'], size), dpo(size)],
  },
]
