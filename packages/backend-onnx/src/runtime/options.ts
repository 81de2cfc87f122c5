/** What a caller may choose, and the session options of ONNX Runtime that follow (ts-ecosystem: rules 11 and 12). */
import { availableParallelism } from 'node:os'
import type { InferenceSession } from 'onnxruntime-node'

export type ExecutionProvider = 'cpu' | 'webgpu' | 'cuda' | 'coreml' | 'dml'
export type Optimization = 'disabled' | 'basic' | 'extended' | 'all'

export interface OnnxOptions {
  /** What computes; `cpu` unless given. Others must be in the installed onnxruntime-node. */
  readonly executionProvider?: ExecutionProvider
  /** Threads of one run; all that the machine offers unless given. */
  readonly threads?: number
  /** Threads that wait for work spin rather than sleep: faster alone, costly beside others. True unless given. */
  readonly spin?: boolean
  /**
   * Keep a session's working memory for its next run. True unless given; false runs 10–25 % slower, and holds
   * memory only while a run lasts: for many live programs (length buckets), each of which keeps its own.
   */
  readonly arena?: boolean
  /** ONNX Runtime's graph optimizations; `all` unless given. */
  readonly optimization?: Optimization
  /** A directory to which every compiled model is written as `<hash>.onnx`, for a look at it. */
  readonly saveTo?: string
  /** A path prefix for ONNX Runtime's own profiles, one JSON file a session, written when it is disposed of. */
  readonly profile?: string
}

/**
 * Optimizers of ONNX Runtime that a session does without. Folding would turn a large `Expand` of one number into a
 * stored tensor (simplify has folded what is small); merging equal nodes would undo checkpointing.
 */
const withoutOptimizers = (recomputes: boolean): string =>
  ['ConstantFolding', ...(recomputes ? ['CommonSubexpressionElimination'] : [])].join(';')

export function sessionOptions(options: OnnxOptions, recomputes: boolean): InferenceSession.SessionOptions {
  const provider = options.executionProvider ?? 'cpu'
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    graphOptimizationLevel: options.optimization ?? 'all',
    intraOpNumThreads: options.threads ?? availableParallelism(),
    interOpNumThreads: 1,
    executionMode: 'sequential',
    enableCpuMemArena: options.arena ?? true,
    enableMemPattern: false,
    // Failures are thrown; nothing need be printed as well.
    logSeverityLevel: 4,
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    extra: {
      session: { intra_op: { allow_spinning: (options.spin ?? true) ? '1' : '0' } },
      optimization: { disable_specified_optimizers: withoutOptimizers(recomputes) },
    },
  }
}
