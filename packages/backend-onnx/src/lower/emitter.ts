/**
 * An ONNX graph under construction, and what the lowerings say about a value in it.
 *
 * A value may be held smaller than it stands for: `broadcast` emits nothing, since ONNX's pointwise ops repeat
 * their operands anyway. So a Ref has a shape that it stands for and the shape that its ONNX tensor has, which
 * repeats to the former; a pointwise op of small operands stays small. Who needs all elements calls `full`.
 */
import { broadcastShapes, sameShape, sizeOf, type DType, type Shape, type Spec } from './shapes.ts'
import type { Attribute, ElementType, OnnxNode, OnnxTensor } from '../proto/onnx.ts'

export interface Ref extends Spec {
  /** Emits what makes the value if nothing did yet, and names it. */
  name(): string
  /** Shape of the ONNX tensor: right-aligned with `shape`, every axis equal to its or 1. */
  readonly held: Shape
  /** The number that all elements are, where that is known. */
  readonly value?: number
  /** Set while the value is a sum of rows that could be added into another tensor: see `scatterAdd`. */
  readonly scatter?: { into(data: string): string }
}

export interface Emitter {
  /** Bytes of the largest tensor that rows are scattered into at once. */
  readonly scatterBytes: number
  /** Appends a node; the names of its outputs. */
  nodes(op: string, inputs: readonly string[], attributes: Attributes, outputs: number): string[]
  /** Appends a node with one output and names that. */
  node(op: string, inputs: readonly string[], attributes?: Attributes): string
  /** A named tensor of known values. */
  initializer(type: ElementType, shape: Shape, data: ArrayBufferView): string
  /** A list of int64, as ONNX takes shapes and axes. */
  list(values: readonly number[]): string
  /** A value of which all elements are one number. */
  splat(value: number, s: Spec): Ref
  /** The name of a tensor with all elements of the value. */
  full(x: Ref): string
  /** A pointwise ONNX op on the operands as they are held. */
  pointwise(op: string, x: readonly Ref[], out: Spec, attributes?: Attributes): Ref
  /** What `make` emitted when the key was first asked for: a mask that all layers share. */
  shared(key: string, make: () => string): string
  /** The tensor under another shape of the same size. */
  reshape(name: string, from: Shape, to: Shape): string
}
export type Attributes = Readonly<Record<string, Attribute>>

/** A value whose ONNX tensor is there. */
export const ref = (name: string, { shape, dtype }: Spec, held: Shape = shape): Ref => ({
  name: () => name,
  shape,
  dtype,
  held,
})

const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** Numbers as the bytes of one dtype; f64 is rounded once. */
export function encoded(dtype: DType, values: ArrayLike<number>): ArrayBufferView {
  if (dtype === 'f32') return Float32Array.from(values)
  return dtype === 'i32' ? Int32Array.from(values) : Uint8Array.from(values)
}

export interface Recording extends Emitter {
  readonly recorded: OnnxNode[]
  readonly initializers: OnnxTensor[]
  /** Where the nodes that follow come from: the start of their names. */
  site: string
}

/** An empty graph. `taken` are names that its tensors must not have. */
export function recording(taken: ReadonlySet<string>, scatterBytes = Infinity): Recording {
  const known = new Map<string, string>()
  let count = 0
  const fresh = (): string => {
    const name = `t${count++}`
    return taken.has(name) ? fresh() : name
  }
  const e: Recording = {
    scatterBytes,
    recorded: [],
    initializers: [],
    site: '',
    nodes(op, inputs, attributes, outputs) {
      const names = Array.from({ length: outputs }, fresh)
      const name = `${e.site === '' ? '' : `${e.site}/`}${op}_${e.recorded.length}`
      e.recorded.push({ op, name, inputs, outputs: names, attributes })
      return names
    },
    node: (op, inputs, attributes = {}) => e.nodes(op, inputs, attributes, 1)[0],
    initializer(type, shape, data) {
      const raw = bytesOf(data)
      const key = raw.length <= 1024 ? `${type}|${shape.join(',')}|${raw.join(',')}` : undefined
      const found = key === undefined ? undefined : known.get(key)
      if (found !== undefined) return found
      const name = fresh()
      e.initializers.push({ name, type, shape, data: raw })
      if (key !== undefined) known.set(key, name)
      return name
    },
    list: (values) => e.initializer('i64', [values.length], BigInt64Array.from(values, BigInt)),
    splat: (value, { shape, dtype }) => ({
      name: () => e.initializer(dtype, [], encoded(dtype, [value])),
      shape,
      dtype,
      held: [],
      value,
    }),
    full: (x) => (sameShape(x.held, x.shape) ? x.name() : e.node('Expand', [x.name(), e.list(x.shape)])),
    pointwise(op, x, out, attributes) {
      const held = broadcastShapes(x.map((v) => v.held))
      return ref(
        e.node(
          op,
          x.map((v) => v.name()),
          attributes,
        ),
        out,
        held,
      )
    },
    shared(key, make) {
      const found = known.get(key) ?? make()
      known.set(key, found)
      return found
    },
    reshape: (name, from, to) =>
      sameShape(from, to) ? name : e.node('Reshape', [name, e.list(to)], { allowzero: 1 }),
  }
  return e
}

/** The held shape with ones in front, as long as the shape that it stands for. */
export const aligned = (x: Ref): Shape => [
  ...Array<number>(x.shape.length - x.held.length).fill(1),
  ...x.held,
]

/** Is every element held? Ones in front do not count. */
export const isWhole = (x: Ref): boolean => sizeOf(x.held) === sizeOf(x.shape)
