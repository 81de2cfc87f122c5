/**
 * What both sides answer: one JSON line for each line `job …`, after a first line `{"ready": true, …}`. Each side is a
 * process of its own, so that its memory can be told apart and its idle threads be watched; peer/peer.py is the other
 * implementation.
 */
export interface Ready {
  readonly ready: true
  readonly shape: string
  readonly threads: number
  readonly weights: string
  readonly parameters: number
  readonly versions: Readonly<Record<string, string>>
}

export interface Answer {
  readonly job: string
  readonly seconds: number
  /** The most memory that the process held during the job. */
  readonly peak_rss_mb: number
}

export interface MatmulAnswer extends Answer {
  readonly gflops: number
}

export interface ProbeAnswer extends Answer {
  /** Means over responses; `logp` is a sum over tokens in nats, by its definition in contracts.md §4. */
  readonly mean: Readonly<Record<string, number>>
  readonly updates: number
}

export interface StepAnswer extends Answer {
  readonly loss: number
  /** Before clipping. */
  readonly grad_norm: number
  readonly mean: { readonly logp: number }
  readonly updates: number
}

/** Ours tell more: what of it the engine took, and what had to be compiled first. */
export interface Engaged {
  /** Before the job's first run: tracing, compiling, uploading its inputs; for `dpo` the reference's log-probs. */
  readonly prepare_seconds: number
  /** Seconds inside ONNX Runtime's `run`. */
  readonly engine_seconds: number
  readonly compiled: readonly CompiledProgram[]
}

export interface CompiledProgram {
  /** Seconds of passes, of lowering, and of the engine's own compiler. */
  readonly passes: number
  readonly lowering: number
  readonly engine: number
  readonly nodes: number
}

/** FLOPs as a peer counts them: of what it does, and of what had to be done. */
export interface CountedFlops {
  readonly flops: { readonly done: number; readonly necessary: number }
}
