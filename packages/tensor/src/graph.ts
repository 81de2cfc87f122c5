/**
 * A graph under construction. `trace` (trace.ts) and the transforms open one, ops append nodes to it.
 *
 * Tracing is synchronous, so "the graph that is being built" is one module variable, and module paths and
 * checkpoint regions are plain stacks.
 */
import { TraceError } from './errors.ts'
import type { OpAttrs, OpName } from './ops/attrs.ts'
import type { Node, Program } from './program.ts'
import type { DType, Shape, Spec } from './spec.ts'
import type { Leaf } from './tree.ts'

/** A value in a graph under construction. Ops take and give these. */
export class Tensor implements Spec {
  readonly graph: Graph
  readonly id: number
  readonly shape: Shape
  readonly dtype: DType
  constructor(graph: Graph, id: number, { shape, dtype }: Spec) {
    this.graph = graph
    this.id = id
    this.shape = shape
    this.dtype = dtype
  }
}

/** What tags a node beyond its op: where it was traced, its checkpoint region, whose recomputation it is. */
export interface Site {
  readonly path: string
  readonly region?: number
  readonly remat?: number
}

export class Graph {
  readonly values: Spec[] = []
  readonly nodes: Node[] = []
  readonly inputs: Leaf<number>[] = []
  site: Site = { path: '' }
  private regions = 0

  add<K extends OpName>(
    op: K,
    attrs: OpAttrs[K],
    inputs: readonly Tensor[],
    specs: readonly Spec[],
  ): Tensor[] {
    for (const x of inputs) {
      if (x.graph !== this) {
        throw new TraceError(
          `${op}${this.site.path && ` in ${this.site.path}`} was given a tensor of another trace; pass it in as an input`,
        )
      }
    }
    const outputs = specs.map((s) => {
      this.values.push({ shape: s.shape, dtype: s.dtype })
      return new Tensor(this, this.values.length - 1, s)
    })
    // The pair (op, attrs) is right by the signature above; TypeScript cannot carry K through the union.
    this.nodes.push({
      op,
      attrs,
      inputs: inputs.map((x) => x.id),
      outputs: outputs.map((y) => y.id),
      ...this.site,
    } as Node)
    return outputs
  }

  input(path: string, s: Spec): Tensor {
    const [x] = this.add('input', { path }, [], [s])
    this.inputs.push({ path, value: x.id })
    return x
  }

  nextRegion(): number {
    return this.regions++
  }

  finish(outputs: readonly Leaf<Tensor>[]): Program {
    return {
      values: this.values,
      nodes: this.nodes,
      inputs: this.inputs,
      outputs: outputs.map(({ path, value }) => ({ path, value: value.id })),
    }
  }
}

let current: Graph | undefined

/** The graph that is being traced. Throws TraceError outside a trace. */
export function currentGraph(): Graph {
  if (!current)
    throw new TraceError('ops build a program and run nowhere by themselves; call them inside trace(…)')
  return current
}

/** Runs `build` with `graph` as the one that ops append to. */
export function within<T>(graph: Graph, build: () => T): T {
  const outer = current
  current = graph
  try {
    return build()
  } finally {
    current = outer
  }
}

/** Runs `build` with its nodes tagged as given. */
export function at<T>(site: Partial<Site>, build: () => T): T {
  const graph = currentGraph()
  const outer = graph.site
  graph.site = { ...outer, ...site }
  try {
    return build()
  } finally {
    graph.site = outer
  }
}

/** Names a part of a model: nodes, errors and NaN reports inside carry the dot path. */
export function scope<T>(name: string | number, build: () => T): T {
  const { path } = currentGraph().site
  return at({ path: path === '' ? `${name}` : `${path}.${name}` }, build)
}

/**
 * Marks a region whose inner values are computed again in the backward pass rather than kept
 * (rematerialisation). Forward values and all derivatives are the same; memory for time.
 */
export function checkpoint<T>(build: () => T): T {
  const graph = currentGraph()
  return graph.site.region === undefined ? at({ region: graph.nextRegion() }, build) : build()
}
