/** What a caller may choose. */

/** What computes beneath tfjs: libtensorflow with CUDA or without, WebAssembly, plain JavaScript. */
export type Variant = 'node-gpu' | 'node' | 'wasm' | 'cpu'

/** Best first: the order in which an installed one is looked for. */
export const variants: readonly Variant[] = ['node-gpu', 'node', 'wasm', 'cpu']

/** A namespace of TensorFlow.js, as `import * as tf from '@tensorflow/tfjs-core'` gives it. */
export interface TensorFlow {
  engine(): object
  ready(): Promise<void>
  getBackend(): string
  setBackend(name: string): Promise<boolean>
}

export interface TfjsOptions {
  /** A tf namespace whose selected backend (`tf.setBackend`) computes: webgl, webgpu, a test's own. */
  readonly tf?: TensorFlow
  /** Which installed package computes; the best that loads unless given. Not beside `tf`. */
  readonly variant?: Variant
}
