/**
 * A stage: one loss over one selection of the data for so many updates. Stages run in turn, each on the last one's
 * result.
 */
import {
  adamw,
  hfDecay,
  rmsprop,
  schedules,
  sgd,
  type Optimizer,
  type Schedule,
} from '@ldyn/core'
import { DataError, type Row } from '../rows/row.ts'
import type { Sequence, EncodedRow } from '../tokens/tokenise.ts'
import { labelledExamples, unpaired } from './labelled.ts'
import { isPreference, type LossConfig } from './losses.ts'

export type OptimizerConfig =
  | { readonly name: 'sgd'; readonly momentum: number; readonly weightDecay: number }
  | { readonly name: 'rmsprop'; readonly alpha: number; readonly eps: number; readonly weightDecay: number }
  | {
      readonly name: 'adamw'
      readonly beta1: number
      readonly beta2: number
      readonly eps: number
      readonly weightDecay: number
    }

export interface ScheduleConfig {
  /** Warm-up then: `paper` constant (factor min(1, (step+1)/(warmup+1))); the others as transformers' get_scheduler. */
  readonly name: 'paper' | 'constant' | 'linear' | 'cosine'
  readonly warmup: number
}

export interface StageConfig {
  readonly name: string
  readonly loss: LossConfig
  /** SFT: the types to learn. `['chosen', 'rejected']` is the paper's *extend*: each row gives two examples. */
  readonly targets: readonly string[]
  readonly updates?: number
  readonly epochs?: number
  /** Examples in a micro-batch, and micro-batches in an update. */
  readonly batch: number
  readonly accumulate: number
  readonly lr: number
  readonly schedule: ScheduleConfig
  readonly optimizer: OptimizerConfig
  /** Gradients are scaled down to this global norm; 0 leaves them. */
  readonly maxGradNorm: number
  readonly shuffle: boolean
  readonly dropLast: boolean
}

export function optimizerOf(config: OptimizerConfig): Optimizer {
  switch (config.name) {
    case 'sgd':
      return sgd({ ...config, decay: hfDecay })
    case 'rmsprop':
      return rmsprop({ ...config, decay: hfDecay })
    case 'adamw':
      return adamw({ ...config, decay: hfDecay })
  }
}

/** The learning rate of update 0, 1, … of a stage of `steps` updates. */
export function scheduleOf({ schedule: { name, warmup }, lr }: StageConfig, steps: number): Schedule {
  const factor = schedules[name]({ warmup, steps })
  return (update) => lr * factor(update)
}

/** What one example is made of: a pair, a single target, or for KTO a labelled response with a mismatched one. */
export interface StageExample {
  /** Index among the data rows. */
  readonly row: number
  readonly sequences: readonly Sequence[]
  /** What the loss's batch fields hold for each sequence. */
  readonly fields?: Readonly<Record<string, readonly number[]>>
}

/** The types that a stage reads from every row. */
export const typesOf = (stage: StageConfig): readonly string[] =>
  isPreference(stage.loss) || stage.loss.name === 'kto' ? ['chosen', 'rejected'] : stage.targets

/** The data rows as the stage tokenises them. */
export const stageRows = (stage: StageConfig, rows: readonly Row[]): readonly Row[] =>
  stage.loss.name === 'kto' ? unpaired(rows) : rows

/**
 * The examples of a stage, in the data's order. `maxLength` bounds what a stage puts together itself (KTO's mismatched
 * responses). Throws DataError where a row lacks what the loss needs.
 */
export function stageExamples(
  stage: StageConfig,
  rows: readonly EncodedRow[],
  maxLength?: number,
): StageExample[] {
  if (stage.loss.name === 'kto') return labelledExamples(stage, rows, maxLength)
  const find = (row: EncodedRow, type: string): Sequence => {
    const found = row.sequences.find((s) => s.type === type)
    if (!found) throw missing(row.row, type, stage)
    return found
  }
  return rows.flatMap((row, index) =>
    isPreference(stage.loss)
      ? [{ row: index, sequences: [find(row, 'chosen'), find(row, 'rejected')] }]
      : stage.targets.map((type) => ({ row: index, sequences: [find(row, type)] })),
  )
}

const missing = (row: Row, type: string, stage: StageConfig): DataError =>
  new DataError(`stage '${stage.name}' needs a '${type}' response`, {
    where: row.where,
    why: `the row has ${
      Object.keys(row.responses)
        .filter((k) => row.responses[k] !== '')
        .join(', ') || 'no response'
    }`,
    fix: isPreference(stage.loss)
      ? 'give every row a chosen and a rejected response, or use an SFT or KTO stage'
      : 'name another target, or add the response',
  })
