/** @ldyn/backend-onnx: programs on ONNX Runtime, and programs as `.onnx` files. */
export { onnxBackend, onnxBackend as createBackend } from './backend.ts'
export { available } from './runtime/engine.ts'
export type { ExecutionProvider, OnnxOptions, Optimization } from './runtime/options.ts'
export { toOnnx, type ExportOptions } from './model.ts'
