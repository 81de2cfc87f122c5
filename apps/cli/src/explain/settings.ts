/**
 * The update that `ldyn explain` is asked about, as a stage of one update: the same settings, names and checks as a
 * training config, so that a step explained and a step trained are one and the same.
 */
import type { StageConfig } from '@ldyn/lab'
import type { ConfigLayer } from '../config/assignments.ts'
import { resolve, stageConfig } from '../config/resolve.ts'
import { flagLayer, joined, setLayer } from '../config/sources.ts'

export interface UpdateFlags {
  readonly loss: string
  readonly lr: number
  readonly optimizer: string
  readonly beta?: number
  readonly momentum?: number
  readonly weightDecay?: number
  readonly maxGradNorm: number
  /** Examples in a micro-batch; all of the update's unless given. */
  readonly batch?: number
  readonly set?: readonly string[]
}

/** The stage, and what was said that does nothing. Throws CliError for settings that do not fit the loss. */
export function updateSettings(
  flags: UpdateFlags,
  rows: number,
): { stage: StageConfig; warnings: readonly string[] } {
  const given = (path: string, flag: string, value: unknown) => ({ [path]: { flag, value } })
  const layers: ConfigLayer[] = [
    joined([
      flagLayer({
        ...given('stages', '--loss', flags.loss),
        ...given('lr', '--lr', flags.lr),
        ...given('optimizer', '--optimizer', flags.optimizer),
        ...given('beta', '--beta', flags.beta),
        ...given('momentum', '--momentum', flags.momentum),
        ...given('weightDecay', '--weight-decay', flags.weightDecay),
        ...given('maxGradNorm', '--max-grad-norm', flags.maxGradNorm),
        ...given('batch', '--batch', flags.batch ?? Math.max(1, rows)),
      }),
      setLayer(flags.set ?? []),
      // One update at exactly the rate that was given.
      flagLayer({
        ...given('schedule', 'explain', 'constant'),
        ...given('warmup', 'explain', 0),
        ...given('updates', 'explain', 1),
      }),
    ]),
  ]
  const config = resolve(layers)
  const own = config.warnings.filter((text) => !text.includes('(explain)'))
  return { stage: { ...stageConfig(config.stages[0], rows), shuffle: false, dropLast: false }, warnings: own }
}
