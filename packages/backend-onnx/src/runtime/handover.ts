/**
 * Results that stay where they were written.
 *
 * onnxruntime-node 1.30 writes into outputs that it is given, and then copies every one of them into a new JavaScript
 * tensor all the same: for a gigabyte of parameters and state that is half a second a step of page faults, and the
 * copies are never looked at. It converts outputs in order and refuses the first that is no tensor. So a graph with
 * large outputs gets a first one that is a sequence: the run ends with that refusal, all results in place and nothing
 * copied. Whether this engine does so is tried once, on a graph of two nodes; if not, runs are ordinary ones.
 */
import type { InferenceSession } from 'onnxruntime-node'
import type { OnnxGraph } from '../proto/onnx.ts'
import { encodeModel } from '../proto/onnx.ts'
import type { Engine } from './engine.ts'
import { PROBE } from './probe.ts'

type Feeds = InferenceSession.FeedsType
type Fetches = InferenceSession.NullableOnnxValueMapType

export interface Handover {
  /** The graph with the refused output in front, where that is worth it and works. */
  prepare(graph: OnnxGraph, outputBytes: number): OnnxGraph
  /** Runs a session; afterwards the results are in the memory of `fetches`. */
  run(session: InferenceSession, feeds: Feeds, fetches: Fetches): Promise<void>
}

/** Below this many bytes of outputs the copy is not felt. */
const WORTH = 2 ** 20
const REFUSED = 'handover/refused'

function withRefused(graph: OnnxGraph): OnnxGraph {
  const zero = { name: 'handover/zero', type: 'i32', shape: [1], data: new Uint8Array(4) } as const
  const node = {
    op: 'SequenceConstruct',
    name: REFUSED,
    inputs: [zero.name],
    outputs: [REFUSED],
    attributes: {},
  }
  return {
    ...graph,
    nodes: [...graph.nodes, node],
    initializers: [...graph.initializers, zero],
    outputs: [{ name: REFUSED, type: 'i32', shape: [1], sequence: true }, ...graph.outputs],
  }
}

/** The refusal's own message, or undefined where results would not be in place. */
async function refusal(ort: Engine): Promise<string | undefined> {
  const y = new Float32Array(2)
  let session: InferenceSession | undefined
  try {
    session = await ort.InferenceSession.create(encodeModel(withRefused(PROBE)), {
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    })
    const fetches = { [REFUSED]: null, y: new ort.Tensor('float32', y, [2]) }
    await session.run({ x: new ort.Tensor('float32', Float32Array.of(3, -4), [2]) }, fetches)
  } catch (error) {
    const inPlace = session !== undefined && y[0] === -3 && y[1] === 4
    return inPlace && error instanceof Error ? error.message : undefined
  } finally {
    await session?.release()
  }
  return undefined
}

export async function handover(ort: Engine): Promise<Handover> {
  const expected = await refusal(ort)
  return {
    prepare: (graph, outputBytes) =>
      expected !== undefined && outputBytes >= WORTH ? withRefused(graph) : graph,
    async run(session, feeds, fetches) {
      if (session.outputNames[0] !== REFUSED) {
        await session.run(feeds, fetches)
        return
      }
      try {
        await session.run(feeds, { [REFUSED]: null, ...fetches })
      } catch (error) {
        if (!(error instanceof Error) || error.message !== expected) throw error
      }
    },
  }
}
