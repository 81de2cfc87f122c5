/**
 * A Program as one ONNX graph: simplified, composites that ONNX lacks expanded, then node by node.
 *
 * Inputs and outputs are named by their dot paths. ONNX names a value once, so an output that has the path of an
 * input (a step's new params) is called `<path>.out`, and a lone root is called `input` or `output`.
 */
import {
  isComposite,
  lowerable,
  type Leaf,
  type Node,
  type OpAttrs,
  type OpName,
  type Program,
  type Spec,
} from '@ldyn/tensor'
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../proto/onnx.ts'
import { dialectOf, type Dialect } from './dialect.ts'
import { recording, ref, type Ref } from './emitter.ts'
import type { Lowering } from './primitives.ts'

export interface Port {
  readonly path: string
  /** What the ONNX graph calls it. */
  readonly name: string
  readonly spec: Spec
}

export interface Lowered {
  readonly graph: OnnxGraph
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Some nodes are recomputations that no common-subexpression pass may merge with their originals. */
  readonly recomputes: boolean
}

/** What `lower` takes: without the composites that the dialect lacks. */
export const prepared = (program: Program, { composites } = dialectOf('cpu')): Program =>
  lowerable(program, (op: OpName) => isComposite(op) && composites[op] !== 'expand')

/**
 * A node's lowering, its attrs type erased: op and attrs come from the same node, so they fit each other,
 * but TypeScript cannot follow that through the union of nodes.
 */
function loweringOf(node: Node, { primitives, composites }: Dialect): Lowering<OpAttrs[OpName]> {
  if (node.op === 'input') throw new Error('inputs are opened, not lowered')
  const found = isComposite(node.op) ? composites[node.op] : primitives[node.op]
  if (found === 'expand') throw new Error(`${node.op} should have been expanded`)
  return found as unknown as Lowering<OpAttrs[OpName]>
}

const inputName = (path: string): string => (path === '' ? 'input' : path)

function outputNames(outputs: readonly Leaf<number>[], taken: ReadonlySet<string>): string[] {
  return outputs.map(({ path }) => (path === '' ? 'output' : taken.has(path) ? `${path}.out` : path))
}

/** Lowers a program that went through `prepared` for the same dialect. `name` and `doc` are written into the graph. */
export function lower(
  program: Program,
  {
    name = 'program',
    doc,
    dialect = dialectOf('cpu'),
  }: { name?: string; doc?: string; dialect?: Dialect } = {},
): Lowered {
  const inputs = program.inputs.map(({ path, value }): Port => ({
    path,
    name: inputName(path),
    spec: program.values[value],
  }))
  const taken = new Set(inputs.map((i) => i.name))
  const names = outputNames(program.outputs, taken)
  const e = recording(new Set([...taken, ...names]), dialect.scatterBytes)
  const refs = new Map<number, Ref>()
  program.inputs.forEach(({ value }, i) => refs.set(value, ref(inputs[i].name, program.values[value])))

  for (const node of program.nodes) {
    if (node.op === 'input') continue
    e.site = node.path
    const out = node.outputs.map((v) => program.values[v])
    const operands = node.inputs.map((v) => refs.get(v)!)
    const made = loweringOf(node, dialect)(e, operands, node.attrs, out)
    node.outputs.forEach((v, i) => refs.set(v, made[i]))
  }

  e.site = ''
  const renamed = new Map<string, string>()
  const made = new Set(e.recorded.flatMap((n) => n.outputs))
  const outputs = program.outputs.map(({ path, value }, i): Port => {
    let held = e.full(refs.get(value)!)
    // An output needs a node that makes it, and one of its own: a copied input or a second name gets an Identity.
    const last = e.recorded.at(-1)
    if (last?.outputs.includes(held)) made.add(held)
    if (!made.has(held) || renamed.has(held)) held = e.node('Identity', [held])
    renamed.set(held, names[i])
    return { path, name: names[i], spec: program.values[value] }
  })
  return {
    graph: {
      name,
      doc,
      nodes: e.recorded.map((n) => withNames(n, renamed)),
      initializers: used(e.initializers, e.recorded),
      inputs: inputs.map((p) => ({ name: p.name, type: p.spec.dtype, shape: p.spec.shape })),
      outputs: outputs.map((p) => ({ name: p.name, type: p.spec.dtype, shape: p.spec.shape })),
    },
    inputs,
    outputs,
    recomputes: program.nodes.some((n) => n.remat !== undefined),
  }
}

const withNames = (n: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode => ({
  ...n,
  inputs: n.inputs.map((v) => names.get(v) ?? v),
  outputs: n.outputs.map((v) => names.get(v) ?? v),
})

function used(initializers: readonly OnnxTensor[], nodes: readonly OnnxNode[]): OnnxTensor[] {
  const read = new Set(nodes.flatMap((n) => n.inputs))
  return initializers.filter((t) => read.has(t.name))
}
