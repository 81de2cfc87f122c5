/**
 * The contract that every backend keeps. It is this small on purpose: a backend sees Programs and nothing
 * else.
 *
 * Donation: `donate` names inputs that a *successful* run consumes; their handles are dead afterwards and the
 * backend may reuse their memory for the outputs. If a program has a bool scalar output `finite` and a run
 * ends
 * with it false, or if the run fails, donated inputs are still alive and hold their old values, and `run`
 * rejects
 * (NonFiniteError in the first case).
 */
import type { CompositeName } from './ops/attrs.ts'
import type { Program } from './program.ts'
import type { HostTensor, Spec } from './spec.ts'
import type { PathFilter, Tree } from './tree.ts'

/** A tensor that lives on a backend's device until it is disposed of or donated. */
export interface DeviceTensor extends Spec, Disposable {
  readonly backend: string
  readonly alive: boolean
  dispose(): void
}

export interface Capabilities {
  /** What computes, in words: CPU or adapter name. */
  readonly device: string
  /** Version of the engine beneath (`onnxruntime-node 1.30.0`). */
  readonly version: string
  /** Composites that it lowers by itself; the others reach it expanded. */
  readonly composites: readonly CompositeName[]
  /** Computing in f64 (the reference) rather than f32. */
  readonly f64: boolean
  /** What the device bounds, in its own names: bytes or counts. */
  readonly limits?: Readonly<Record<string, number>>
}

export interface Memory {
  /** Live device tensors and their bytes. */
  readonly tensors: number
  readonly bytes: number
  /** Bytes held for reuse. */
  readonly pooled: number
}

/** What `run` takes for a leaf: a handle, host values, or a number for a scalar. */
export type RunInput = DeviceTensor | HostTensor | number

export interface CompileStats {
  /** Milliseconds spent in the passes, in lowering, and in the engine's own compiler. */
  readonly simplifyMs: number
  readonly lowerMs: number
  readonly engineMs: number
  readonly nodes: number
  /** Kernels that a run starts, where the backend knows. */
  readonly dispatches?: number
  /** Device memory that a run takes beside its inputs and outputs, where the backend plans it. */
  readonly bytes?: number
}

export interface Executable extends Disposable {
  readonly program: Program
  readonly stats: CompileStats
  /**
   * Runs once. The outputs belong to the caller; inputs that the program has not are ignored. Rejects with
   * TraceError or DeviceError where an input (named by its path) is missing, does not fit, is dead or lives
   * elsewhere; with NonFiniteError, DeviceError or UnsupportedError where the run itself fails.
   */
  run(inputs: Tree<RunInput>): Promise<Tree<DeviceTensor>>
  dispose(): void
}

export interface CompileOptions {
  readonly donate?: PathFilter
}

export interface Backend extends AsyncDisposable {
  readonly name: string
  readonly capabilities: Capabilities
  /** Copies: the caller may change its data afterwards. */
  upload(value: HostTensor): Promise<DeviceTensor>
  /**
   * The caller's own copy. f32 comes back as Float32Array (Float64Array from the reference), i32 as
   * Int32Array, bool as Uint8Array.
   */
  read(tensor: DeviceTensor): Promise<HostTensor>
  compile(program: Program, options?: CompileOptions): Promise<Executable>
  memory(): Memory
  dispose(): Promise<void>
}
