/**
 * What every op is tried with: one table of cases, written once, for this package's own tests and for the
 * conformance suite of @ldyn/testkit. Nothing here is needed to run a model.
 */
import type { OpName } from '../ops/attrs.ts'
import { compositeCases } from './composites.ts'
import type { OpCase } from './opcase.ts'
import { primitiveCases } from './primitives.ts'

/** A new op without cases does not compile. */
export const opCases: { readonly [K in OpName]: readonly OpCase[] } = { ...primitiveCases, ...compositeCases }

export * from './argument.ts'
export * from './opcase.ts'
export { randomProgram, type RandomProgram } from './random.ts'
export { tinyTransformer } from './transformer.ts'
