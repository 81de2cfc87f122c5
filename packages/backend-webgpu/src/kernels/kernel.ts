/**
 * What a kernel generator gives and what the plan does with it.
 *
 * A generator is a pure function of shapes, dtypes and the device's limits to a `Lowering`: dispatches in order, over
 * the op's operands (`in0`, `in1`, …), its results (`out0`, …) and temporaries of its own (`temp0`, …). It knows
 * nothing of buffers. The plan places every operand at an aligned offset of some buffer, writes the binding
 * declarations in front of the WGSL, and binds. So equal shapes give equal WGSL, and one pipeline serves all layers.
 *
 * Rules for generated WGSL:
 * - Operands are contiguous, row-major, 4 bytes an element: f32, i32, and bool as u32 (0 or 1). Index with i32 or u32.
 * - `wgsl` holds everything but bindings and `enable`s; sizes are literals in it. A binding is used by its `name`;
 *   whether it is declared `read` or `read_write` is the plan's choice.
 * - A binding may cover a window of its operand (the whole by default), whose offset is a multiple of `WINDOW` words;
 *   none is larger than `maxBindingBytes`. What is larger is done in several dispatches or through several windows.
 * - At most `maxStorageBuffers` bindings a dispatch, `maxWorkgroups` workgroups a dimension (`fold` below).
 * - A dispatch sees all that earlier ones wrote; within one, no invocation reads what another workgroup writes.
 * - WGSL may assume that NaN and ∞ do not exist: masks are finite, NaN is told by bits, exp and tanh are clamped.
 */

/** What a generator may know of the device. All limits are the adapter's own, asked for in full. */
export interface Limits {
  readonly maxBindingBytes: number; readonly maxBufferBytes: number; readonly maxStorageBuffers: number
  readonly maxWorkgroups: number; readonly maxInvocations: number
  /** Largest workgroup size along x; y is the same on every known device, z is 64. */
  readonly maxWorkgroupSize: number; readonly workgroupBytes: number
  /** The adapter is a CPU: workgroup memory is then no faster than any other, and a barrier is dear. */
  readonly software?: boolean
  readonly f16: boolean; readonly subgroups: boolean; readonly subgroupMin: number; readonly subgroupMax: number
  /** Shapes of hardware matrix products, where the adapter has them. */
  readonly subgroupMatrices: readonly SubgroupMatrix[]
}

/** Operands m×k and k×n of f16, their product in f32. */
export interface SubgroupMatrix { readonly m: number; readonly n: number; readonly k: number }
/** How matmuls multiply: in f32; as three f16 products of a split operand (21–22 bits); in f16 with f32 sums. */
export type MatmulPrecision = 'f32' | 'split-f16' | 'f16'
/** An operand by its place: of the op's inputs, its outputs, or the lowering's temporaries. */
export type Ref = `in${number}` | `out${number}` | `temp${number}`
export type Element = 'f32' | 'i32' | 'u32' | 'vec2<f32>' | 'vec4<f32>'
/** `write` may also be read by its writer. */
export type Access = 'read' | 'write'

export interface Binding {
  /** Its variable in WGSL, an `array<element>`. */
  readonly name: string; readonly of: Ref; readonly element: Element; readonly access: Access
  /** The window in 4-byte words: `at` a multiple of WINDOW. The whole operand where absent. */
  readonly window?: { readonly at: number; readonly words: number }
}

export const bind = (name: string, of: Ref, access: Access, element: Element = 'f32'): Binding =>
  ({ name, of, element, access })

/** 256 bytes: what every device can align a binding to. */
export const WINDOW = 64

/** One dispatch. */
export interface Kernel {
  /** The op and its variant, for errors and traces: `matmul nt 64×64`. */
  readonly label: string; readonly wgsl: string
  /** Language extensions: `f16`, `subgroups`, `chromium_experimental_subgroup_matrix`. */
  readonly enables?: readonly string[]
  readonly bindings: readonly Binding[]; readonly workgroups: readonly [x: number, y: number, z: number]
}

/** Dispatches in order, and the sizes of their temporaries in 4-byte words. */
export interface Lowering { readonly kernels: readonly Kernel[]; readonly temporaries: readonly number[] }

/**
 * Pointwise work on results as a kernel stores them (a bias, an activation, a residual). `wgsl` defines
 * `fn epilogue(v: f32, i: i32) -> f32`, v the value and i its flat index in the output, which is what is stored at i;
 * its bindings are operands that follow the op's own inputs.
 */
export interface Epilogue { readonly wgsl: string; readonly bindings: readonly Binding[] }

/** `count` workgroups as a grid within the limit of a dimension; it may be a few more, so WGSL checks (`entry`). */
export function fold(count: number, { maxWorkgroups }: Pick<Limits, 'maxWorkgroups'>): [number, number, number] {
  const y = Math.max(1, Math.ceil(count / maxWorkgroups))
  return [Math.max(1, Math.ceil(count / y)), y, 1]
}

/** The entry point's head. Workgroups have the number `wid.x + wid.y * grid.x`: `flat`, below a given `count`. */
export const entry = (threads: number, count?: number): string =>
  `@compute @workgroup_size(${threads}) fn main(@builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) tid: u32) {${count === undefined ? '' : `
  let flat = wid.x + wid.y * grid.x;
  if (flat >= ${count}u) { return; }`}`

/** A kernel of `count` threads, each of which does `body` with its number in `t`; `declare` stands before it. */
export const eachOf = (
  t: string, count: number, label: string, bindings: readonly Binding[], limits: Limits, body: string, declare = '',
): Kernel => ({
  label, bindings, workgroups: fold(Math.ceil(count / 64), limits),
  wgsl: `${declare}
${entry(64)}
  let ${t} = (wid.x + wid.y * grid.x) * 64u + tid;
  if (${t} >= ${count}u) { return; }
  ${body}
}`,
})

/** f(0), f(1), … as text. */
export const each = (n: number, f: (i: number) => string, by = '\n'): string =>
  Array.from({ length: n }, (_, i) => f(i)).join(by)

/** The smallest multiple of `step` that is at least n. */
export const roundUp = (n: number, step: number): number => Math.ceil(n / step) * step
