/**
 * Reverse mode: vjp(p) computes p's outputs and pulls a cotangent of them back to some inputs.
 *
 * All of it is one walk over the nodes from last to first. A value that more than one node reads adds its
 * cotangents up, which is also how a tied weight, read as embedding and as head, gets the sum of both.
 *
 * Checkpointed regions (`checkpoint` in graph.ts): when the walk first meets a region, its nodes are replayed
 * from the region's inputs with a `remat` tag, and the rules use these copies. The originals then serve the
 * forward
 * pass alone and die with it. What the rules add carries the tag too: a rule may repeat a forward expression
 * of a
 * region's input, and merging that with the forward one would keep its value after all.
 */
import { TraceError } from '../errors.ts'
import { at, currentGraph, type Tensor } from '../graph.ts'
import { add } from '../ops/pointwise.ts'
import { zerosLike } from '../ops/movement.ts'
import { constant } from '../ops/structure.ts'
import type { Program } from '../program.ts'
import { openInputs, replay, type Values } from '../trace.ts'
import { matches, type Leaf, type PathFilter } from '../tree.ts'
import { build, expandComposites, freeInput, rulesOf } from './rebuild.ts'
import { entry } from '../table.ts'

export interface VjpOptions {
  /** Inputs to pull back to; only f32 leaves count. */
  readonly wrt: PathFilter
  /** Outputs that have a cotangent; all f32 outputs unless given. */
  readonly of?: PathFilter
}

/**
 * Program → Program. Inputs `{…inputs, cotangent}` where `cotangent` mirrors the outputs' paths; outputs
 * `{primal, grads}` where `grads` mirrors the inputs' paths (`grads.params.embed`). An input that is the
 * whole tree
 * becomes `input`.
 * Throws TraceError if `wrt` or `of` matches nothing.
 */
export function vjp(program: Program, options: VjpOptions): Program {
  return pullBack(program, options, 'vjp', (p, outputs) => {
    const name = freeInput(program, 'cotangent')
    return outputs.map(({ path, value }) =>
      currentGraph().input(path === '' ? name : `${name}.${path}`, p.values[value]),
    )
  })
}

/**
 * vjp of one scalar output with cotangent 1. `of` may be left out where the program has one output. Outputs
 * `{primal, grads}`.
 */
export function grad(program: Program, options: VjpOptions): Program {
  return pullBack(program, options, 'grad', (p, outputs) => {
    if (outputs.length !== 1 || p.values[outputs[0].value].shape.length !== 0) {
      throw new TraceError(
        `grad: takes one f32 scalar; of = ${String(options.of ?? 'everything')} selects ${outputs.map((o) => `${o.path}[${p.values[o.value].shape.join(',')}]`).join(', ')}`,
      )
    }
    return [constant(1)]
  })
}

/** Values that an input in `sources` reaches along f32 values. */
function reachable(p: Program, sources: readonly number[]): Set<number> {
  const active = new Set(sources)
  for (const node of p.nodes) {
    if (!rulesOf(node).vjp || !node.inputs.some((v) => active.has(v))) continue
    for (const v of node.outputs) if (p.values[v].dtype === 'f32') active.add(v)
  }
  return active
}

type Seed = (p: Program, outputs: readonly Leaf<number>[]) => readonly Tensor[]

function pullBack(program: Program, { wrt, of = '' }: VjpOptions, name: string, seed: Seed): Program {
  const p = expandComposites(program, (op) => entry(op).vjp !== undefined)
  const sources = p.inputs.filter(({ path, value }) => matches(wrt, path) && p.values[value].dtype === 'f32')
  const outputs = p.outputs.filter(({ path, value }) => matches(of, path) && p.values[value].dtype === 'f32')
  if (sources.length === 0)
    throw new TraceError(
      `${name}: wrt matches no f32 input; there are ${p.inputs.map((i) => i.path).join(', ')}`,
    )
  if (outputs.length === 0)
    throw new TraceError(
      `${name}: of matches no f32 output; there are ${p.outputs.map((o) => o.path).join(', ')}`,
    )
  const active = reachable(
    p,
    sources.map((s) => s.value),
  )

  return build(() => {
    const values: Values = new Map()
    openInputs(p, values, 'input')
    for (const node of p.nodes) if (node.op !== 'input') replay(node, p, values)

    const cotangents = new Map<number, Tensor>()
    const accumulate = (v: number, g: Tensor): void => {
      const known = cotangents.get(v)
      cotangents.set(v, known ? add(known, g) : g)
    }
    seed(p, outputs).forEach((g, i) => accumulate(outputs[i].value, g))

    const kept = rematerialiser(p, values)
    for (let n = p.nodes.length - 1; n >= 0; n--) {
      const node = p.nodes[n]
      const g = node.outputs.map((v) => cotangents.get(v))
      const needs = node.inputs.map((v) => active.has(v))
      const rule = rulesOf(node).vjp
      if (!rule || !needs.some(Boolean) || g.every((v) => v === undefined)) continue
      const { remat, lookUp } = kept(node.region)
      const x = node.inputs.map(lookUp)
      const y = node.outputs.map(lookUp)
      at({ path: `${node.path}ᵀ`, remat }, () => {
        const back = rule({ x, y, g, attrs: node.attrs, needs })
        node.inputs.forEach((v, i) => needs[i] && back[i] && accumulate(v, back[i]))
      })
      node.outputs.forEach((v) => cotangents.delete(v))
    }
    const under = (prefix: string, path: string): string => (path === '' ? prefix : `${prefix}.${path}`)
    return [
      ...p.outputs.map(({ path, value }) => ({ path: under('primal', path), value: values.get(value)! })),
      ...sources.map(({ path, value }) => ({
        path: under('grads', path),
        value: cotangents.get(value) ?? zerosLike(p.values[value]),
      })),
    ]
  })
}

interface Kept {
  readonly remat?: number
  readonly lookUp: (v: number) => Tensor
}

/**
 * Looks forward values up as the backward pass may see them: kept, or computed again for the node's region.
 */
function rematerialiser(p: Program, values: Values): (region: number | undefined) => Kept {
  const copies = new Map<number, Kept>()
  let tag = p.nodes.reduce((n, node) => Math.max(n, (node.remat ?? -1) + 1), 0)
  return (region) => {
    if (region === undefined) return { lookUp: (v) => values.get(v)! }
    const known = copies.get(region)
    if (known) return known
    const inner: Values = new Map(values)
    const remat = tag++
    for (const node of p.nodes) {
      if (node.region === region && node.op !== 'input') replay(node, p, inner, { path: node.path, remat })
    }
    const kept: Kept = { remat, lookUp: (v) => inner.get(v)! }
    copies.set(region, kept)
    return kept
  }
}
