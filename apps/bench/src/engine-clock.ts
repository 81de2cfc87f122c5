/**
 * How long ONNX Runtime itself computed: its `InferenceSession.run`, timed from outside, since the backend keeps it to
 * itself. What a step takes beyond that is the host's: filling inputs, handing buffers over, reading numbers back.
 */
import { performance } from 'node:perf_hooks'

export interface EngineClock {
  readonly version: string
  /** Seconds inside `run` so far. */
  seconds(): number
}

interface Sessions {
  readonly prototype: { run(...args: unknown[]): Promise<unknown> }
}

/** Call once, before the first session is made. Rejects where onnxruntime-node is not installed. */
export async function watchEngine(): Promise<EngineClock> {
  const ort = await import('onnxruntime-node')
  const { prototype } = ort.InferenceSession as unknown as Sessions
  const run = prototype.run
  let total = 0
  prototype.run = async function (...args) {
    const from = performance.now()
    try {
      return await run.apply(this, args)
    } finally {
      total += performance.now() - from
    }
  }
  return { version: ort.env.versions.node ?? 'unknown', seconds: () => total / 1000 }
}
