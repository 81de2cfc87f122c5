/**
 * Cleans a program up before a backend lowers it: constant folding, a few identities, merging equal nodes,
 * dropping dead ones. Values stay the same up to rounding.
 *
 * Recomputed nodes (`remat`) are never merged with their originals, or checkpointing would be undone.
 */
import { currentGraph, Tensor } from '../graph.ts'
import type { OpName } from '../ops/attrs.ts'
import { broadcast, concat, reshape, transpose } from '../ops/movement.ts'
import { add, mul, neg } from '../ops/pointwise.ts'
import { constant } from '../ops/structure.ts'
import { producers, type Node, type Program } from '../program.ts'
import { sameShape, sizeOf, type HostArray, type Spec } from '../spec.ts'
import { openInputs, outputLeaves, replay, type Values } from '../trace.ts'
import { isComposite } from '../table.ts'
import { build, expandComposites, rulesOf } from './rebuild.ts'

export interface SimplifyOptions {
  /** No derivative will be taken any more: `stopGradient` may go. */
  readonly final?: boolean
}

/** Constants of at most this many elements are folded and compared by content. */
const SMALL = 1024

/**
 * An equivalent program with no dead, repeated or trivial nodes. All inputs stay. Simplifying again changes
 * nothing.
 */
export function simplify(program: Program, options: SimplifyOptions = {}): Program {
  // What one pass makes (a merged factor, a folded constant) the next may merge further: two or three settle
  // it.
  for (let result = program; ; ) {
    const next = simplifyOnce(result, options)
    if (sameGraph(next, result)) return next
    result = next
  }
}

const sameGraph = (a: Program, b: Program): boolean =>
  a.nodes.length === b.nodes.length &&
  a.nodes.every(
    ({ op, inputs }, n) => op === b.nodes[n].op && inputs.every((v, i) => v === b.nodes[n].inputs[i]),
  )

function simplifyOnce(program: Program, { final = false }: SimplifyOptions): Program {
  return dropDead(
    build(() => {
      const values: Values = new Map()
      openInputs(program, values)
      const graph = currentGraph()
      const seen = new Map<string, readonly number[]>()
      const key = keys()
      // Of every value in the new graph: who makes it, and its tensor. Rewrites add nodes of their own.
      const maker: Node[] = []
      const byId: Tensor[] = []
      let tracked = 0
      const track = (): void => {
        for (; tracked < graph.nodes.length; tracked++) {
          for (const v of graph.nodes[tracked].outputs) {
            maker[v] = graph.nodes[tracked]
            byId[v] = new Tensor(graph, v, graph.values[v])
          }
        }
      }
      track()

      for (const node of program.nodes) {
        if (node.op === 'input') continue
        const inputs = node.inputs.map((v) => values.get(v)!)
        const outer = graph.site
        graph.site = { path: node.path, region: node.region, remat: node.remat }
        const specs = node.outputs.map((v) => program.values[v])
        const same = final && node.op === 'stopGradient' ? inputs[0] : reduceNode(node, inputs, maker, byId)
        const simpler = ofNothing(node, inputs, specs) ?? (same && [same])
        graph.site = outer
        if (simpler) {
          node.outputs.forEach((v, i) => values.set(v, simpler[i]))
        } else {
          const k = key(node, inputs)
          const known = seen.get(k)
          if (known) node.outputs.forEach((v, i) => values.set(v, byId[known[i]]))
          else
            seen.set(
              k,
              replay(node, program, values).map((t) => t.id),
            )
        }
        track()
      }
      return outputLeaves(program, values)
    }),
  )
}

/** What makes two nodes equal. Large constants are told apart by identity, which copies of a node share. */
function keys(): (node: Node, inputs: readonly Tensor[]) => string {
  const large = new Map<HostArray, number>()
  const content = (values: HostArray): string => {
    if (values.length <= SMALL) return Array.from(values, (v) => (Object.is(v, -0) ? '-0' : v)).join(',')
    if (!large.has(values)) large.set(values, large.size)
    return `#${large.get(values)}`
  }
  return (node, inputs) => {
    if (node.op === 'constant')
      return `constant|${node.attrs.dtype}|${node.attrs.shape.join(',')}|${content(node.attrs.values)}`
    return `${node.op}|${inputs.map((t) => t.id).join(',')}|${JSON.stringify(node.attrs)}|${node.remat ?? ''}`
  }
}

const POINTWISE = new Set<string>([
  'neg',
  'exp',
  'log',
  'sqrt',
  'tanh',
  'erf',
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
])

/** The one number that all elements are, if that is known. */
function splat(t: Tensor, maker: readonly Node[]): number | undefined {
  const node = maker[t.id]
  if (node?.op === 'broadcast' || node?.op === 'reshape') {
    const from = maker[node.inputs[0]]
    return from?.op === 'constant' && from.attrs.values.length === 1 ? from.attrs.values[0] : undefined
  }
  return node?.op === 'constant' && node.attrs.values.length === 1 ? node.attrs.values[0] : undefined
}

/** What is known where a node or its operands have no elements, so that no lowering need cope with them. */
function ofNothing(node: Node, x: readonly Tensor[], outputs: readonly Spec[]): readonly Tensor[] | undefined {
  const empty = ({ shape }: Spec): boolean => shape.includes(0)
  if (x.length > 0 && outputs.every(empty)) return outputs.map(({ shape, dtype }) => constant([], shape, dtype))
  switch (node.op) {
    case 'pad':
    case 'sum':
    case 'matmul':
    case 'scatterAdd':
    case 'tokenLogProbBackward':
      return empty(x[0]) ? outputs.map((s) => broadcast(constant([0], [], s.dtype), s.shape)) : undefined
    case 'updateRows':
      return empty(x[1]) ? [x[0]] : undefined
    case 'concat': {
      const some = x.filter((part) => !empty(part))
      return some.length < x.length ? [some.length === 1 ? some[0] : concat(some, node.attrs.axis)] : undefined
    }
  }
  return undefined
}

function reduceNode(
  node: Node,
  x: readonly Tensor[],
  maker: readonly Node[],
  byId: readonly Tensor[],
): Tensor | undefined {
  const from = (t: Tensor): Node | undefined => maker[t.id]
  const source = (n: Node, i = 0): Tensor => byId[n.inputs[i]]
  const shape = x[0]?.shape
  if (POINTWISE.has(node.op) && x.every((t) => t.dtype === 'f32')) {
    const known = x.map((t) => splat(t, maker))
    if (known.every((v) => v !== undefined)) {
      const specs = x.map((t) => ({ shape: [], dtype: t.dtype }))
      const [value] = rulesOf(node).evaluate!(
        known.map((v) => Float64Array.of(v!)),
        node.attrs,
        specs,
        [{ shape: [], dtype: 'f32' }],
      )
      if (Number.isFinite(value[0])) return broadcast(constant(value[0]), shape)
    }
    const [a, b] = known
    if (node.op === 'mul' && a === 1) return x[1]
    if (node.op === 'mul' && b === 1) return x[0]
    if (node.op === 'mul' && (a === -1 || b === -1)) return neg(a === -1 ? x[1] : x[0])
    if (node.op === 'add' && a === 0) return x[1]
    if ((node.op === 'add' || node.op === 'sub') && b === 0) return x[0]
    if (node.op === 'div' && b === 1) return x[0]
    if (node.op === 'neg' && from(x[0])?.op === 'neg') return source(from(x[0])!)
    // c·(d·x) = (cd)·x, and the same for sums.
    if ((node.op === 'mul' || node.op === 'add') && (a === undefined) !== (b === undefined)) {
      const [c, rest] = a === undefined ? [b!, x[0]] : [a, x[1]]
      const inner = from(rest)
      if (inner?.op === node.op && inner.remat === node.remat) {
        const [p, q] = inner.inputs.map((v) => byId[v])
        const [ps, qs] = [splat(p, maker), splat(q, maker)]
        const d = ps ?? qs
        if (d !== undefined && (ps === undefined) !== (qs === undefined)) {
          const merged = node.op === 'mul' ? c * d : c + d
          // 1e-30·(1e30·x) has an f32 product; 1e60·x has not.
          if (!inF32Range(merged)) return undefined
          return (node.op === 'mul' ? mul : add)(ps === undefined ? p : q, merged)
        }
      }
    }
    return undefined
  }
  switch (node.op) {
    case 'cast':
      return x[0].dtype === node.attrs.dtype ? x[0] : fold(node, x, maker)
    case 'reshape': {
      const inner = from(x[0])
      if (sameShape(shape, node.attrs.shape)) return x[0]
      return inner?.op === 'reshape' ? reshape(source(inner), node.attrs.shape) : fold(node, x, maker)
    }
    case 'transpose': {
      const inner = from(x[0])
      if (inner?.op !== 'transpose')
        return node.attrs.perm.every((p, a) => p === a) ? x[0] : fold(node, x, maker)
      return transpose(
        source(inner),
        node.attrs.perm.map((a) => inner.attrs.perm[a]),
      )
    }
    case 'broadcast': {
      const inner = from(x[0])
      if (sameShape(shape, node.attrs.shape)) return x[0]
      return inner?.op === 'broadcast' ? broadcast(source(inner), node.attrs.shape) : undefined
    }
    case 'sum':
      return node.attrs.axes.every((a) => shape[a] === 1)
        ? reshape(x[0], node.attrs.keepdims ? shape : shape.filter((_, a) => !node.attrs.axes.includes(a)))
        : undefined
    case 'slice':
      return node.attrs.start.every((s) => s === 0) && sameShape(shape, node.attrs.end) ? x[0] : undefined
    default:
      return fold(node, x, maker)
  }
}

const inF32Range = (v: number): boolean => v === 0 || (Math.abs(v) > 1e-30 && Math.abs(v) < 1e30)

/** Evaluates a single-output primitive whose operands are all small constants. */
function fold(node: Node, x: readonly Tensor[], maker: readonly Node[]): Tensor | undefined {
  const rules = rulesOf(node)
  if (x.length === 0 || node.outputs.length !== 1 || isComposite(node.op) || !rules.evaluate) return undefined
  const data: HostArray[] = []
  for (const t of x) {
    const made = maker[t.id]
    if (made?.op !== 'constant' || made.attrs.values.length > SMALL) return undefined
    data.push(made.attrs.values)
  }
  const [out] = rules.infer(x, node.attrs)
  if (sizeOf(out.shape) > SMALL) return undefined
  return constant(rules.evaluate(data, node.attrs, x, [out])[0], out.shape, out.dtype)
}

/**
 * The passes before a backend lowers a program, for good: composites but those that it keeps are expanded, between two
 * rounds, so that their parts merge too. Nothing then works on tensors without elements, but outputs and inputs.
 */
export function lowerable(program: Program, keep: (op: OpName) => boolean): Program {
  return simplify(expandComposites(simplify(program, { final: true }), keep), { final: true })
}

/** The program without nodes that no output needs. Input nodes stay: they are the interface. */
export function dropDead(program: Program): Program {
  const made = producers(program)
  const live = new Uint8Array(program.nodes.length)
  const pending = program.outputs.map((o) => made[o.value])
  while (pending.length > 0) {
    const n = pending.pop()!
    if (live[n]) continue
    live[n] = 1
    for (const v of program.nodes[n].inputs) pending.push(made[v])
  }
  return build(() => {
    const values: Values = new Map()
    openInputs(program, values)
    program.nodes.forEach((node, n) => live[n] && node.op !== 'input' && replay(node, program, values))
    return outputLeaves(program, values)
  })
}
