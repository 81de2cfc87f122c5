/** @ldyn/testkit: the conformance suite that any backend must pass, and the pieces it is made of. */
export { describeBackend, type BackendUnderTest } from './describe.ts'
export { conformance, runConformance, type Outcome, type Skip, type SuiteOptions } from './suite.ts'
export type { ConformanceTest } from './session.ts'
export { checkDerivatives, checkProgram, checkValues, tangentFor } from './checks.ts'
export { mustAgree, tolerances, worst, type Difference, type Measure } from './tolerance.ts'
export { Held, once, readAll, runToHost, uploadAll } from './session.ts'
