/** What an update starts from, gives, and how it can fail. */
import type { DeviceTree } from '../device/trees.ts'

export interface Weights {
  readonly params: DeviceTree
  readonly state: DeviceTree
}

/** What one update did. `loss`, `grad_norm` (before clipping) and the loss's own metrics, under TRL's names. */
export interface UpdateReport {
  /** Counts from 0 in the stage. */
  readonly update: number
  readonly lr: number
  readonly metrics: Readonly<Record<string, number>>
}

/** An update made a number that is not finite. The weights are as they were before it. */
export class NumericalError extends Error {
  override name = 'NumericalError'
  readonly stage: string
  readonly update: number
  /** The first op, in the order of computing, whose result was not finite, and its module path. */
  readonly op: string
  readonly path: string
  constructor(stage: string, update: number, op: string, path: string) {
    super(
      `update ${update} of stage '${stage}' made a number that is not finite, first in ${op}${path && ` of ${path}`}`,
    )
    this.stage = stage
    this.update = update
    this.op = op
    this.path = path
  }
}
