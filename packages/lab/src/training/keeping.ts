/**
 * What a session keeps on its way, so that a run that was stopped goes on with the very same numbers: weights with
 * their optimizer's state, and each stage's reference. A page keeps them in its memory (keeping-in-memory.ts).
 */
import type { ReferenceLogps } from './reference.ts'
import type { Weights } from './update.ts'

/** Where in its run something kept stands. */
export interface Position {
  /** Updates done in the whole run. */
  readonly step: number
  /** Index of the stage, and updates done in it. */
  readonly stage: number
  readonly update: number
}

export interface Kept extends Position {
  /** The last update of its stage: on disk such checkpoints stay. */
  readonly stageEnd: boolean
}

export interface Keeping {
  /** Weights of where the session goes on; called where there is such a place. */
  load(): Promise<Weights>
  reference(stage: string): Promise<ReferenceLogps | undefined>
  keepReference(stage: string, reference: ReferenceLogps): Promise<void>
  /** The weights stay alive. Gives what the run's files say of it: nothing where nothing is on file. */
  save(
    at: Kept & { readonly stageName: string },
    weights: Weights,
  ): Promise<{ readonly directory: string; readonly path: string } | undefined>
}
