/** @ldyn/backend-tfjs: programs on TensorFlow.js. */
export { tfjsBackend, tfjsBackend as createBackend } from './backend.ts'
export { available } from './load/available.ts'
export type { TensorFlow, TfjsOptions, Variant } from './options.ts'
