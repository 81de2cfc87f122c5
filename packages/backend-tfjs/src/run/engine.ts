/**
 * The tf namespace at work: which of its backends computes, under what name, and the few things that tfjs-core lacks
 * and libtensorflow has.
 *
 * tfjs has one engine a process, and one of its backends is selected for all. So whoever computes selects its own
 * first and puts the other back afterwards; in between nothing is awaited.
 */
import { DeviceError, UnsupportedError, type DType } from '@ldyn/tensor'
import type { Variant } from '../options.ts'

export type Tf = typeof import('@tensorflow/tfjs-core')
export type Tensor = import('@tensorflow/tfjs-core').Tensor
export type Tensor1D = import('@tensorflow/tfjs-core').Tensor1D

/** Ops of libtensorflow itself, where tfjs-node is what computes. */
export interface Native {
  /** ln softmax over the last axis of a matrix, in one pass where tfjs-core takes six ops. */
  logSoftmax(x: Tensor): Tensor
  /** c ? a : b with operands that repeat; tfjs-core writes every repetition out first. */
  select(c: Tensor, a: Tensor, b: Tensor): Tensor
}

export interface Engine {
  readonly tf: Tf
  /** What tf calls its backend: 'tensorflow', 'wasm', 'cpu', or what was injected ('webgl', …). */
  readonly backend: string
  /** For messages: `tfjs:wasm`. */
  readonly name: string
  readonly native?: Native
  readonly dtypes: Readonly<Record<DType, 'float32' | 'int32' | 'bool'>>
  has(kernel: string): boolean
  /** Runs `work` with this backend selected. */
  within<R>(work: () => R): R
  /** Whatever tf threw while it computed, as an error of the tensor layer. */
  failure(error: unknown, op: string, path: string): Error
}

/** What tfjs-node's backend offers beyond tfjs-core; absent on every other. */
interface NodeBackend {
  executeSingleOutput?(name: string, attrs: readonly object[], inputs: readonly Tensor[]): Tensor
  readonly binding?: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number; readonly TF_Version: string }
  getDTypeInteger?(dtype: string): number
}

const DTYPES = { f32: 'float32', i32: 'int32', bool: 'bool' } as const

export function engineOf(tf: Tf, backend: string, variant: Variant | undefined): Engine {
  const name = `tfjs:${variant ?? backend}`
  return {
    tf,
    backend,
    name,
    native: nativeOps(tf.engine().findBackend(backend) as unknown as NodeBackend),
    dtypes: DTYPES,
    has: (kernel) => tf.getKernel(kernel, backend) != null,
    within(work) {
      const selected = tf.getBackend()
      if (selected === backend) return work()
      // Of a backend that was started before, this is done when the call returns.
      void tf.setBackend(backend)
      try {
        return work()
      } finally {
        if (selected) void tf.setBackend(selected)
      }
    },
    failure(error, op, path) {
      const reason = error instanceof Error ? error.message : String(error)
      const where = `${op}${path === '' ? '' : ` in ${path}`}`
      const kernel = /Kernel '([^']+)' not registered/.exec(reason)?.[1]
      if (kernel !== undefined) {
        return new UnsupportedError(
          `${name} cannot run ${where}: it has no kernel '${kernel}'; choose another variant (tfjs:node has it)`,
        )
      }
      return new DeviceError(`${name} failed in ${where}: ${reason}`, { cause: error })
    },
  }
}

function nativeOps(backend: NodeBackend): Native | undefined {
  const { binding } = backend
  if (!backend.executeSingleOutput || !backend.getDTypeInteger || !binding) return undefined
  const type = (dtype: string): object => ({
    name: 'T',
    type: binding.TF_ATTR_TYPE,
    value: backend.getDTypeInteger!(dtype),
  })
  return {
    logSoftmax: (x) => backend.executeSingleOutput!('LogSoftmax', [type(x.dtype)], [x]),
    select: (c, a, b) => backend.executeSingleOutput!('SelectV2', [type(a.dtype)], [c, a, b]),
  }
}
