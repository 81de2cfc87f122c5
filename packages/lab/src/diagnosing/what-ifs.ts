/** What a stage is compared with: the same data under another loss, β, gate, or with y⁻ learned before (extend). */
import type { LossConfig } from '../training/losses.ts'
import type { StageConfig } from '../training/stage.ts'

export interface WhatIf {
  readonly name: string
  readonly says: string
  readonly stage: StageConfig
}

/** β of a loss that has one; 0.1, the paper's, for one that has none. */
const betaOfLoss = (loss: LossConfig): number => ('beta' in loss ? loss.beta : 0.1)

/** What is compared with a stage as it is: remedies that are losses (paper.md §9), the paper's own extend, a gate. */
export function whatIfsOf(base: StageConfig): readonly WhatIf[] {
  const beta = betaOfLoss(base.loss)
  const dpo: LossConfig =
    base.loss.name === 'dpo' ? base.loss : { name: 'dpo', beta, labelSmoothing: 0, referenceFree: false }
  const as = (name: string, says: string, loss: LossConfig): WhatIf => ({
    name,
    says,
    stage: { ...base, loss },
  })
  const all = [
    as('dpo', 'DPO', dpo),
    as(`dpo, β ${Number((3 * beta).toPrecision(3))}`, 'DPO with three times the β', {
      ...dpo,
      beta: 3 * beta,
    }),
    as('dpo, gated', 'DPO whose push on y⁻ is gated by the probability of its tokens (Gate-DPO)', {
      ...dpo,
      gate: { statistic: 'quantile', sharpness: 20, threshold: 0.1 },
    }),
    as('rpo, α 1', 'DPO and the NLL of y⁺ per token (RPO)', {
      ...dpo,
      name: 'rpo',
      alpha: 1,
      reduction: 'mean',
    }),
    as('dpop, λ 5', 'DPO with a penalty where y⁺ falls below the reference (DPOP)', {
      name: 'dpop',
      beta,
      lambda: 5,
    }),
    as('ipo', 'IPO: pulls and pushes until the log-ratio is 1/(2β)', {
      name: 'ipo',
      beta,
      reduction: 'sum',
      referenceFree: false,
    }),
    {
      name: 'extend',
      says: 'finetuning on both y⁺ and y⁻ (the paper’s remedy, before DPO)',
      stage: {
        ...base,
        loss: { name: 'sft', reduction: 'sum' },
        targets: ['chosen', 'rejected'],
      } as StageConfig,
    },
    {
      name: 'sft',
      says: 'finetuning on y⁺ alone',
      stage: { ...base, loss: { name: 'sft', reduction: 'sum' }, targets: ['chosen'] } as StageConfig,
    },
  ]
  const own = JSON.stringify(base.loss) + JSON.stringify(base.targets)
  return all.filter(({ stage }) => JSON.stringify(stage.loss) + JSON.stringify(stage.targets) !== own)
}
