/** What a caller may choose. */
import type { Limits, MatmulPrecision } from '../kernels/kernel.ts'

export interface WebgpuOptions {
  /**
   * How products multiply. `f32` (default): in f32. `split-f16`: in three f16 products of halves that keep 21–22 bits,
   * on the adapter's matrix units. `f16`: operands rounded to f16, sums in f32. The latter two need `shader-f16`.
   */
  readonly matmulPrecision?: MatmulPrecision
  readonly powerPreference?: 'low-power' | 'high-performance'
  /** An adapter that the caller asked for. */
  readonly adapter?: GPUAdapter
  /** Flags for Dawn in Node (`adapter=…`, `backend=vulkan`, `enable-dawn-features=…`). */
  readonly dawn?: readonly string[]
  /** Bytes that plan and live tensors may take together; a program that needs more is refused. Default: no limit. */
  readonly memoryLimit?: number
  /** Fuse pointwise ops and reductions into generated kernels. Default true; false is the plain twin for comparison. */
  readonly fusion?: boolean
  /**
   * Lower some of the adapter's limits, to try what a smaller device would do; or say that the adapter is no CPU
   * (`software: false`), to try a card's kernels.
   */
  readonly limits?: Partial<Pick<Limits, 'maxBindingBytes' | 'maxStorageBuffers' | 'maxWorkgroups' | 'software'>>
}
