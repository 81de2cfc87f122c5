/** @ldyn/testkit: the conformance suite that any backend must pass, and the pieces it is made of. */
export { describeBackend, type BackendUnderTest, type Skip } from './describe.ts'
export { checkDerivatives, checkProgram, checkValues, tangentFor } from './checks.ts'
export { mustAgree, tolerances, worst, type Difference, type Measure } from './tolerance.ts'
export { Held, once, readAll, runToHost, uploadAll } from './session.ts'
