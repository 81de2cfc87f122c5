/**
 * `trace` turns a function on trees of tensors into a Program; `call` puts a Program's nodes into another
 * trace.
 */
import { TraceError } from './errors.ts'
import { currentGraph, Graph, Tensor, within, type Site } from './graph.ts'
import type { OpAttrs } from './ops/attrs.ts'
import type { Node, Program } from './program.ts'
import { sameShape, show, type Spec } from './spec.ts'
import { leaves, mapTree, unflatten, type Leaf, type Tree } from './tree.ts'

/** The tree type S with every Spec replaced by a traced Tensor; a tree of unknown form stays one. */
export type Traced<S> = [Tree<Spec>] extends [S]
  ? Tree<Tensor>
  : S extends Spec
    ? Tensor
    : { readonly [K in keyof S]: Traced<S[K]> }

/**
 * Traces `f` once with symbolic tensors of the given specs. Shape errors are raised here and nowhere later.
 * Inputs and outputs keep the trees' order; every output leaf must come from this trace.
 */
export function trace<S>(f: (inputs: Traced<S>) => Tree<Tensor>, specs: S): Program {
  const graph = new Graph()
  return within(graph, () => {
    const inputs = mapTree<Spec, Tensor>(specs as Tree<Spec>, (s, path) =>
      graph.input(path, checked(s, path)),
    )
    const outputs = leaves(f(inputs as unknown as Traced<S>))
    for (const { path, value } of outputs) {
      if (!(value instanceof Tensor))
        throw new TraceError(`output '${path}' is not a tensor; wrap numbers in constant(…)`)
      if (value.graph !== graph) throw new TraceError(`output '${path}' belongs to another trace`)
    }
    return graph.finish(outputs)
  })
}

function checked(s: Spec, path: string): Spec {
  if (typeof s === 'object' && s.shape.every((d) => Number.isInteger(d) && d >= 0)) return s
  throw new TraceError(
    `input '${path}' needs a spec of whole sizes ≥ 0, got ${typeof s === 'object' ? show(s) : String(s)}`,
  )
}

/** Values of an old program as tensors of the graph that is being built. */
export type Values = Map<number, Tensor>

/**
 * Appends a copy of `node` to the current graph, its inputs looked up in `values`, and records its outputs
 * there.
 */
export function replay(node: Node, program: Program, values: Values, site: Site = node): Tensor[] {
  const graph = currentGraph()
  const outer = graph.site
  graph.site = { path: site.path, region: site.region, remat: site.remat }
  // A node's op and attrs belong together; 'neg' stands for whichever op it is.
  const outputs = graph.add(
    node.op as 'neg',
    node.attrs as OpAttrs['neg'],
    node.inputs.map((v) => values.get(v)!),
    node.outputs.map((v) => program.values[v]),
  )
  graph.site = outer
  node.outputs.forEach((v, i) => values.set(v, outputs[i]))
  return outputs
}

/**
 * Opens the inputs of `program` in the current graph and records them. An input that is the whole tree (path
 * '')
 * is opened as `lone`, for transforms that put others beside it.
 */
export function openInputs(program: Program, values: Values, lone = ''): void {
  for (const { path, value } of program.inputs)
    values.set(value, currentGraph().input(path || lone, program.values[value]))
}

/** The outputs of an old program, as leaves of the graph that is being built. */
export const outputLeaves = (program: Program, values: Values): Leaf<Tensor>[] =>
  program.outputs.map(({ path, value }) => ({ path, value: values.get(value)! }))

/** Runs a Program inside a trace: its nodes are copied in, so that steps are composed of programs. */
export function call(program: Program, inputs: Tree<Tensor>): Tree<Tensor> {
  const given = new Map(leaves(inputs).map(({ path, value }) => [path, value]))
  const values: Values = new Map()
  const base = currentGraph().site
  for (const { path, value } of program.inputs) {
    const x = given.get(path)
    const want = program.values[value]
    if (!x)
      throw new TraceError(
        `call: input '${path}' (${show(want)}) is missing; given are ${[...given.keys()].join(', ') || 'none'}`,
      )
    if (x.dtype !== want.dtype || !sameShape(x.shape, want.shape))
      throw new TraceError(`call: input '${path}' is ${show(x)} where the program takes ${show(want)}`)
    values.set(value, x)
  }
  const regions = new Map<number, number>()
  for (const node of program.nodes) {
    if (node.op === 'input') continue
    if (node.region !== undefined && !regions.has(node.region))
      regions.set(node.region, currentGraph().nextRegion())
    const path = [base.path, node.path].filter(Boolean).join('.')
    const region = base.region ?? (node.region === undefined ? undefined : regions.get(node.region))
    replay(node, program, values, { path, region, remat: node.remat })
  }
  return unflatten(outputLeaves(program, values))
}
