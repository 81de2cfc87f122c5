/**
 * The part of onnx.proto that programs need: ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto and
 * ValueInfoProto, as plain data and its encoding. Field numbers are those of onnx/onnx.proto (IR version 10).
 */
import type { DType, Shape } from '@ldyn/tensor'
import { bytes, float, int, ints, joined, message, nested, string, type Message } from './wire.ts'

/** TensorProto.DataType of the element types that the lowering uses; i64 stays inside a graph. */
export type ElementType = DType | 'i64'
const DATA_TYPE: Readonly<Record<ElementType, number>> = { f32: 1, i32: 6, i64: 7, bool: 9 }

/** IR version 10 and opset 23 (RMSNormalization, RotaryEmbedding, Attention) belong to ONNX 1.18. */
const IR_VERSION = 10
const OPSET = 23

export type Attribute = number | string | readonly number[] | { readonly float: number }

export interface OnnxNode {
  readonly op: string
  readonly name: string
  /** An empty name is an optional input that is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** A number is an int, a list is ints, `{float}` a float. */
  readonly attributes: Readonly<Record<string, Attribute>>
  /** '' is ONNX's own set; `com.microsoft` is ONNX Runtime's. */
  readonly domain?: string
  readonly doc?: string
}

export interface OnnxTensor {
  readonly name: string
  readonly type: ElementType
  readonly shape: Shape
  /** Little-endian values. */
  readonly data: Uint8Array
}

export interface OnnxValue {
  readonly name: string
  readonly type: ElementType
  readonly shape: Shape
  /** A sequence of such tensors rather than one. */
  readonly sequence?: boolean
  readonly doc?: string
}

export interface OnnxGraph {
  readonly name: string
  readonly doc?: string
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

/** Where large initializers go beside the model: see toOnnx. Returns the tensor's byte offset in that file. */
export interface External {
  readonly file: string
  append(data: Uint8Array): number
}

/** Initializers below this stay in the model even where the others lie outside: shapes must be readable. */
const EXTERNAL_FROM = 1024

function attribute(name: string, value: Attribute): Message {
  const head = string(1, name)
  if (typeof value === 'number') return message([head, int(3, value), int(20, 2)])
  if (typeof value === 'string') return message([head, string(4, value), int(20, 3)])
  if ('float' in value) return message([head, float(2, value.float), int(20, 1)])
  return message([head, ints(8, value), int(20, 7)])
}

const node = (n: OnnxNode): Message =>
  message([
    ...n.inputs.map((v) => string(1, v)),
    ...n.outputs.map((v) => string(2, v)),
    string(3, n.name),
    string(4, n.op),
    ...Object.entries(n.attributes).map(([name, value]) => nested(5, attribute(name, value))),
    ...(n.doc ? [string(6, n.doc)] : []),
    ...(n.domain ? [string(7, n.domain)] : []),
  ])

const entry = (key: string, value: string): Message => nested(13, message([string(1, key), string(2, value)]))

function tensor(t: OnnxTensor, external?: External): Message {
  const head = [...t.shape.map((d) => int(1, d)), int(2, DATA_TYPE[t.type]), string(8, t.name)]
  if (!external || t.data.length < EXTERNAL_FROM) return message([...head, bytes(9, t.data)])
  const offset = external.append(t.data)
  const place = [
    entry('location', external.file),
    entry('offset', `${offset}`),
    entry('length', `${t.data.length}`),
  ]
  return message([...head, ...place, int(14, 1)])
}

function value(v: OnnxValue): Message {
  const shape = message(v.shape.map((d) => nested(1, message([int(1, d)]))))
  const tensorType = nested(1, message([int(1, DATA_TYPE[v.type]), nested(2, shape)]))
  const type = v.sequence ? nested(4, message([nested(1, message([tensorType]))])) : tensorType
  return message([string(1, v.name), nested(2, message([type])), ...(v.doc ? [string(3, v.doc)] : [])])
}

/** A ModelProto of one graph. Nodes are in topological order. */
export function encodeModel(graph: OnnxGraph, external?: External): Uint8Array {
  const body = message([
    ...graph.nodes.map((n) => nested(1, node(n))),
    string(2, graph.name),
    ...graph.initializers.map((t) => nested(5, tensor(t, external))),
    ...(graph.doc ? [string(10, graph.doc)] : []),
    ...graph.inputs.map((v) => nested(11, value(v))),
    ...graph.outputs.map((v) => nested(12, value(v))),
  ])
  const domains = new Set(['', ...graph.nodes.map((n) => n.domain ?? '')])
  return joined(
    message([
      int(1, IR_VERSION),
      string(2, 'ldyn'),
      nested(7, body),
      ...[...domains].map((d) => nested(8, message([string(1, d), int(2, d === '' ? OPSET : 1)]))),
    ]),
  )
}
