/**
 * Losses by name and plain options, as a config gives them. What each is, and its closed form, stands in
 * @ldyn/core/losses; what is divided by what is said here for every loss, since learning rates do not carry over.
 */
import {
  calDpo,
  dpo,
  dpop,
  gateRejected,
  ipo,
  kto,
  orpo,
  rpo,
  sft,
  simpo,
  slic,
  sppo,
  type GateOptions,
  type Loss,
  type NllOptions,
} from '@ldyn/core'

interface Comparison {
  readonly beta: number
  /** Multiplies what pushes y⁻ by a gate (core's `gateRejected`). */
  readonly gate?: GateOptions
}
interface Smoothed {
  readonly labelSmoothing: number
}
interface Referenced {
  readonly referenceFree: boolean
}

export type LossConfig =
  | { readonly name: 'sft'; readonly reduction: 'sum' | 'token-mean' }
  | ({ readonly name: 'dpo' } & Comparison & Smoothed & Referenced)
  | ({ readonly name: 'ipo'; readonly reduction: 'sum' | 'mean' } & Comparison & Referenced)
  /** alpha is λ of the regulariser on y⁺. */
  | ({ readonly name: 'slic'; readonly delta: number } & Comparison & Referenced & NllOptions)
  /** η = 1/β. */
  | ({ readonly name: 'sppo'; readonly form: 'true' | 'printed' } & Comparison)
  | ({ readonly name: 'simpo'; readonly gamma: number } & Comparison & Smoothed & NllOptions)
  | ({ readonly name: 'dpop'; readonly lambda: number } & Comparison)
  | ({ readonly name: 'rpo' } & Comparison & Smoothed & Referenced & NllOptions)
  | ({ readonly name: 'cal-dpo' } & Comparison)
  | ({ readonly name: 'orpo' } & Comparison & NllOptions)
  | {
      readonly name: 'kto'
      readonly beta: number
      readonly desirableWeight: number
      readonly undesirableWeight: number
    }

/** Throws RangeError for options out of range. */
export function lossOf(config: LossConfig): Loss {
  const loss = ungated(config)
  return 'gate' in config && config.gate ? gateRejected(loss, config.gate) : loss
}

function ungated(config: LossConfig): Loss {
  switch (config.name) {
    case 'sft':
      return sft(config)
    case 'dpo':
      return dpo(config)
    case 'ipo':
      return ipo(config)
    case 'slic':
      return slic({ ...config, nll: config })
    case 'sppo':
      return sppo({ eta: 1 / config.beta, form: config.form })
    case 'simpo':
      return simpo({ ...config, nll: config })
    case 'dpop':
      return dpop(config)
    case 'rpo':
      return rpo(config)
    case 'cal-dpo':
      return calDpo(config)
    case 'orpo':
      return orpo({ beta: config.beta, nll: config })
    case 'kto':
      return kto(config)
  }
}

/** Whether the loss compares y⁺ with y⁻ of one prompt. */
export const isPreference = (config: LossConfig): boolean => lossOf(config).needs.pairs

/** What the loss's mean is over: tokens, sequences, pairs or labelled responses (core's `Loss.count`, on the host). */
export function countOf(
  loss: LossConfig,
  { sequences, tokens }: { readonly sequences: number; readonly tokens: number },
): number {
  // A labelled response of KTO comes with a mismatched one.
  if (isPreference(loss) || loss.name === 'kto') return sequences / 2
  return loss.name === 'sft' && loss.reduction === 'token-mean' ? tokens : sequences
}
