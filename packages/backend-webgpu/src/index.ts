/// <reference types="@webgpu/types" preserve="true" />
/** @ldyn/backend-webgpu: programs as generated WGSL, in Node (through Dawn) and in browsers. */
export { webgpuBackend, webgpuBackend as createBackend, type WebgpuBackend } from './backend.ts'
export { available, type WebgpuOptions } from './device/open.ts'
/** Kernels by shape, for what counts them. */
export { attention, attentionBackward, type AttentionShape } from './kernels/attention.ts'
export { choose, matmul, productOf, type Product } from './kernels/matmul.ts'
export type { Limits, MatmulPrecision } from './kernels/kernel.ts'
export type { PlanBytes } from './plan/plan.ts'
export type { WebgpuExecutable, WebgpuStats } from './run/executable.ts'
