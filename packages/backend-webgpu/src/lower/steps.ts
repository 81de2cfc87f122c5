/**
 * A graph as steps in order: fused clusters, and ops that have kernels of their own, with the pointwise cluster that
 * alone reads such a result as its epilogue.
 */
import { show, sizeOf, UnsupportedError, type Node, type OpName } from '@ldyn/tensor'
import { along, flatten, render } from '@ldyn/tensor/indexing'
import type { Kernel, Limits, Lowering, MatmulPrecision } from '../kernels/kernel.ts'
import { native } from '../kernels/table.ts'
import { kindOf } from './kinds.ts'
import { fuse, type Cluster, type Fused } from './fuse.ts'
import { generate, generateEpilogue } from './generate.ts'
import { stored, type Graph } from './program.ts'

export interface Step {
  readonly kernels: readonly Kernel[]
  /** Words of each temporary. */
  readonly temporaries: readonly number[]
  /** Values in memory that are read, in the order of `in0`, `in1`, …, and those that are written. */
  readonly inputs: readonly number[]; readonly outputs: readonly number[]
}

/** Before its kernels are written: what must come earlier, and where in the program it stood. */
interface Draft {
  readonly order: number; readonly reads: ReadonlySet<number>; readonly writes: readonly number[]
  write(): Step
}

export interface StepOptions {
  readonly matmulPrecision: MatmulPrecision
  /** Off: every value is computed by a kernel of its own and kept. The plain twin that tests compare with. */
  readonly fusion: boolean
}

const leavesOf = (graph: Graph, k: Cluster): Set<number> =>
  new Set([...k.access.keys()].filter((v) => !k.members.has(v)).map((v) => stored(graph, v)))

export function stepsOf(graph: Graph, limits: Limits, options: StepOptions): Step[] {
  const windows = (v: number): number => Math.ceil((sizeOf(graph.values[v].shape) * 4) / limits.maxBindingBytes)
  const fused = fuse(graph, limits.maxStorageBuffers, windows, options.fusion)
  const taken = new Set<Cluster>()
  const drafts = fused.kernels.map((node) => {
    const k = options.fusion ? epilogueOf(graph, fused, node, limits, windows) : undefined
    if (k) taken.add(k)
    return kernelDraft(graph, node, k, limits, options)
  })
  for (const k of fused.clusters) if (!taken.has(k)) drafts.push(clusterDraft(graph, k, limits))
  return ordered(drafts).map((draft) => draft.write())
}

const described = (node: Node, graph: Graph): string =>
  `${node.op}${node.path && ` in ${node.path}`} (${show(graph.values[node.outputs[0]])})`

function clusterDraft(graph: Graph, k: Cluster, limits: Limits): Draft {
  const writes = k.roots.map(({ value }) => value)
  // An optimizer's update that is fused to a gradient's sum belongs where the sum is, not at the program's end.
  const sums = [...k.members].filter((v) => kindOf(graph.maker[v].op) === 'reduction')
  return {
    order: Math.min(...writes, sums.length > 0 ? Math.max(...sums) : Infinity),
    reads: leavesOf(graph, k),
    writes,
    write() {
      const { kernel, ...values } = generate(graph, k, limits, described(graph.maker[writes[0]], graph))
      return { kernels: [kernel], temporaries: [], ...values }
    },
  }
}

/** The cluster that alone reads the result of a product, element by element. */
function epilogueOf(
  graph: Graph, { readers, wanted }: Fused, node: Node, limits: Limits, windows: (v: number) => number,
): Cluster | undefined {
  const [result] = node.outputs
  const alone = (v: number): boolean => readers.get(v)?.size === 1 && !wanted.has(v)
  if (node.op !== 'matmul' || !alone(result)) return undefined
  const [k] = readers.get(result)!
  if (k.frame.r || k.roots.length !== 1 || graph.values[k.roots[0].value].dtype !== 'f32') return undefined
  // Where two products meet in one cluster, the later one takes it.
  const products = [...k.access.keys()].filter((v) => !k.members.has(v) && graph.maker[v].op === 'matmul')
  if (products.some((v) => v > result && alone(v))) return undefined
  const { shape } = graph.values[result]
  const places = [...k.access.get(result)!.values()].map((coords) => render(flatten(coords, shape)))
  const identity = sizeOf(shape) === k.frame.o.size && places.length === 1 && places[0] === render(along(k.frame.o))
  // One buffer may not be bound twice where it is written too, and intermediates share buffers with results.
  const operands = node.inputs.map((v) => stored(graph, v))
  const leaves = [...leavesOf(graph, k)]
  if (leaves.some((v) => operands.includes(v))) return undefined
  const bindings = leaves.reduce((n, v) => n + windows(v), 0)
  return identity && bindings + 3 <= limits.maxStorageBuffers ? k : undefined
}

function kernelDraft(
  graph: Graph, node: Node, k: Cluster | undefined, limits: Limits, { matmulPrecision: precision }: StepOptions,
): Draft {
  const operands = node.inputs.map((v) => stored(graph, v))
  const extra = k ? [...leavesOf(graph, k)].filter((v) => v !== node.outputs[0]) : []
  const outputs = k ? [k.roots[0].value] : node.outputs
  const specs = (list: readonly number[]) => list.map((v) => graph.values[v])
  return {
    order: node.outputs[0],
    reads: new Set([...operands, ...extra]),
    writes: outputs,
    write() {
      const after = k && generateEpilogue(graph, k, node.outputs[0], limits, operands.length)
      const lower = native[node.op as OpName]
      if (!lower) throw new UnsupportedError(`the webgpu backend has no kernel for ${described(node, graph)}`)
      const context = { limits, precision, epilogue: after?.epilogue }
      const made: Lowering = lower(node as never, specs(node.inputs), specs(node.outputs), context)
      return {
        kernels: made.kernels.map((kernel) => ({ ...kernel, label: `${kernel.label} of ${described(node, graph)}` })),
        temporaries: made.temporaries, outputs, inputs: [...operands, ...(after?.inputs ?? [])],
      }
    },
  }
}

/** Every draft after those that write what it reads; among what can be next, what stood first (short lives). */
function ordered(drafts: readonly Draft[]): Draft[] {
  const writer = new Map(drafts.flatMap((d) => d.writes.map((v) => [v, d])))
  const waits = new Map<Draft, number>()
  const readers = new Map<Draft, Draft[]>(drafts.map((d) => [d, []]))
  for (const d of drafts) {
    const before = new Set([...d.reads].flatMap((v) => writer.get(v) ?? []).filter((w) => w !== d))
    waits.set(d, before.size)
    for (const w of before) readers.get(w)!.push(d)
  }
  // The latest first, so that the next one is popped.
  const ready = drafts.filter((d) => waits.get(d) === 0).sort((a, b) => b.order - a.order)
  const result: Draft[] = []
  for (let next = ready.pop(); next; next = ready.pop()) {
    result.push(next)
    for (const d of readers.get(next)!) {
      waits.set(d, waits.get(d)! - 1)
      if (waits.get(d)! > 0) continue
      const place = ready.findIndex((other) => other.order < d.order)
      ready.splice(place < 0 ? ready.length : place, 0, d)
    }
  }
  if (result.length < drafts.length) throw new Error('fusing made a cycle of kernels')
  return result
}
