// What the page and the worker that trains say to each other. Bytes of the run's files come as they are written.
import type { MemoryChange } from '@ldyn/runs'
import type { GptSettings } from '../settings.ts'

/** What computes; `replay`: nothing does, a recorded run is played. */
export interface EngineAbout {
  readonly rung: 'webgpu' | 'cpu' | 'replay'
  readonly device: string
  readonly limits: Readonly<Record<string, number>>
  /** Why it is not the rung above, where it is not. */
  readonly instead?: string
}

/** Sizes of a training, and how often it is looked at. */
export interface TrainRequest {
  readonly id: string
  readonly settings: GptSettings
  readonly every: number
  readonly probes: number
  readonly decompose: number
}

export type ToWorker =
  | { readonly do: 'train'; readonly request: TrainRequest }
  | { readonly do: 'pause' | 'resume' | 'stop' }

export interface Progress {
  readonly stage: string
  readonly step: number
  readonly steps: number
  readonly seconds: number
  readonly values: Readonly<Record<string, number>>
}

/** Evaluating probes, or computing the reference's log-probs: so many of so many are done. */
export interface Doing {
  readonly what: 'evaluate' | 'reference'
  readonly done: number
  readonly total: number
}

export type FromWorker =
  | { readonly say: 'engine'; readonly about: EngineAbout }
  | { readonly say: 'change'; readonly change: MemoryChange }
  | { readonly say: 'progress'; readonly progress: Progress }
  /** Beside updates: what takes its time now. */
  | { readonly say: 'doing'; readonly doing: Doing }
  /** The device was lost: the training goes on elsewhere, from the update that was kept last. */
  | { readonly say: 'lost'; readonly why: string; readonly from: number }
  | { readonly say: 'ended'; readonly status: 'done' | 'interrupted' }
  | { readonly say: 'failed'; readonly what: string; readonly where?: string }
