/**
 * The errors of the tensor layer. Shape errors are raised while tracing; a backend raises only the last
 * three.
 */
import { show, type Spec } from './spec.ts'

/** An op was given operands that it cannot take. Names the op, its operands and the module path. */
export class ShapeError extends Error {
  override name = 'ShapeError'
  readonly op: string
  readonly operands: readonly Spec[]
  readonly path: string
  constructor(op: string, operands: readonly Spec[], why: string, path = '') {
    super(`${op}(${operands.map(show).join(', ')})${path && ` in ${path}`}: ${why}`)
    this.op = op
    this.operands = operands
    this.path = path
  }
}

/**
 * The tensor interface was used in a way that has no meaning (an op outside a trace, a path that does not
 * exist).
 */
export class TraceError extends Error {
  override name = 'TraceError'
}

/** A backend cannot run this op, dtype or option. */
export class UnsupportedError extends Error {
  override name = 'UnsupportedError'
}

/** A backend's device failed: it is gone, out of memory, or was disposed. */
export class DeviceError extends Error {
  override name = 'DeviceError'
}

/**
 * A run ended with its output `finite` false. Nothing was donated: every input is as it was before the run.
 */
export class NonFiniteError extends Error {
  override name = 'NonFiniteError'
}
