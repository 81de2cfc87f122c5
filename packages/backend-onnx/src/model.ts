/**
 * Programs as `.onnx` files: a forward pass, a gradient, a whole training step, for any ONNX runtime.
 *
 * Inputs and outputs are named by their dot paths (an output with an input's path is `<path>.out`). Only ops of
 * ONNX's own set are used, opset 23. Parameters are inputs unless `weights` gives their values.
 */
import {
  leaves,
  sameShape,
  show,
  TraceError,
  UnsupportedError,
  type HostTensor,
  type Program,
  type Tree,
} from '@ldyn/tensor'
import { encoded } from './lower/emitter.ts'
import { lower, prepared } from './lower/program.ts'
import { encodeModel, type External, type OnnxGraph, type OnnxTensor } from './proto/onnx.ts'

export interface ExportOptions {
  /** The graph's name. */
  readonly name?: string
  /** What the model is and takes, in words; stored as the graph's documentation. */
  readonly docs?: string
  /** Values of inputs, by their paths: these become part of the model and are no inputs any more. */
  readonly weights?: Tree<HostTensor>
  /** Where tensors of 1 KiB and more go, beside the model. Needed above 2 GB, which is all that a protobuf holds. */
  readonly external?: {
    /** Name of the data file, as the model will look for it in its own folder. */
    readonly file: string
    /** Receives the data file's bytes, in order. */
    write(bytes: Uint8Array): void
  }
}

const LIMIT = 2 ** 31 - 1
const bytesOf = (a: ArrayBufferView): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength)

function appending({ file, write }: NonNullable<ExportOptions['external']>): External {
  let offset = 0
  return {
    file,
    append(data) {
      const at = offset
      write(data)
      offset += data.length
      return at
    },
  }
}

function withWeights(graph: OnnxGraph, weights: Tree<HostTensor>): OnnxGraph {
  const baked = leaves(weights).map(({ path, value }): OnnxTensor => {
    const input = graph.inputs.find((i) => i.name === path)
    if (!input)
      throw new TraceError(
        `toOnnx: weights has '${path}', which is no input; there are ${graph.inputs.map((i) => i.name).join(', ')}`,
      )
    if (input.type !== value.dtype || !sameShape(input.shape, value.shape)) {
      throw new TraceError(
        `toOnnx: the weight '${path}' is ${show(value)} where the program takes ${input.type}[${input.shape.join(',')}]`,
      )
    }
    return {
      name: path,
      type: value.dtype,
      shape: value.shape,
      data: bytesOf(encoded(value.dtype, value.data)),
    }
  })
  const names = new Set(baked.map((t) => t.name))
  return {
    ...graph,
    initializers: [...graph.initializers, ...baked],
    inputs: graph.inputs.filter((i) => !names.has(i.name)),
  }
}

/**
 * The program as the bytes of an ONNX model that `onnx.checker` accepts. Throws TraceError where `weights` does not
 * fit the inputs, UnsupportedError where the model would not fit in a file without `external`.
 */
export function toOnnx(
  program: Program,
  { name = 'program', docs, weights, external }: ExportOptions = {},
): Uint8Array {
  const { graph } = lower(prepared(program), { name, doc: docs })
  const whole = weights === undefined ? graph : withWeights(graph, weights)
  const size = whole.initializers.reduce((n, t) => n + t.data.length, 0)
  if (size > LIMIT && !external) {
    throw new UnsupportedError(
      `toOnnx: ${name} holds ${(size / 1e9).toFixed(1)} GB of values and a protobuf at most 2; give 'external', a data file beside the model`,
    )
  }
  return encodeModel(whole, external && appending(external))
}
