/**
 * What the transforms share: opening a new graph on an old program, looking up rules, and expanding
 * composites.
 */
import { at, currentGraph, Graph, within, type Tensor } from '../graph.ts'
import type { OpAttrs, OpName } from '../ops/attrs.ts'
import type { Op } from '../ops/op.ts'
import type { Node, Program } from '../program.ts'
import { openInputs, outputLeaves, type Values } from '../trace.ts'
import { entry, isComposite } from '../table.ts'
import type { Leaf } from '../tree.ts'

/**
 * A node's entry, its attrs type erased: op and attrs come from the same node, so they fit each other,
 * but TypeScript cannot follow that through the union of nodes.
 */
export const rulesOf = (node: Node): Op<OpAttrs[OpName]> => entry(node.op) as unknown as Op<OpAttrs[OpName]>

/** A program built in a fresh graph. */
export function build(f: () => readonly Leaf<Tensor>[]): Program {
  const graph = new Graph()
  return within(graph, () => graph.finish(f()))
}

/**
 * Replaces every composite for which `keep` is false by its expansion, repeatedly; inner nodes carry the
 * composite's path and region. Attention is expanded wherever its derivative in the program is: both then share the
 * weights, which costs less than the fastest kernel does.
 */
export function expandComposites(program: Program, keep: (op: OpName) => boolean): Program {
  const shares = !keep('attentionBackward') && program.nodes.some((node) => node.op === 'attentionBackward')
  const unwanted = (op: OpName): boolean => isComposite(op) && (!keep(op) || (shares && op === 'attention'))
  let result = program
  while (result.nodes.some((node) => unwanted(node.op))) result = expandOnce(result, unwanted)
  return result
}

const expandOnce = (program: Program, unwanted: (op: OpName) => boolean): Program =>
  rewrite(program, (node, x, copy) => (unwanted(node.op) ? rulesOf(node).expand!(x, node.attrs) : copy(x)))

/**
 * The program with nodes replaced: `rule` gives what stands for a node's outputs, by ops on its new operands or as
 * `copy`, the node itself on any operands of the same specs. New nodes carry the old one's path and region.
 */
export function rewrite(
  program: Program,
  rule: (node: Node, x: readonly Tensor[], copy: (x: readonly Tensor[]) => readonly Tensor[]) => readonly Tensor[],
): Program {
  return build(() => {
    const values: Values = new Map()
    openInputs(program, values)
    for (const node of program.nodes) {
      if (node.op === 'input') continue
      const operands = node.inputs.map((v) => values.get(v)!)
      const specs = node.outputs.map((v) => program.values[v])
      const copy = (x: readonly Tensor[]): Tensor[] =>
        currentGraph().add(node.op as 'neg', node.attrs as OpAttrs['neg'], x, specs)
      const site = { path: node.path, region: node.region, remat: node.remat }
      const made = at(site, () => rule(node, operands, copy))
      node.outputs.forEach((v, i) => values.set(v, made[i]))
    }
    return outputLeaves(program, values)
  })
}

/** `name`, or `name2`, `name3`, … where a program's inputs already use it: so transforms nest. */
export function freeInput(program: Program, name: string): string {
  const taken = new Set(program.inputs.map(({ path }) => path.split('.')[0]))
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${name}${n}`
    if (!taken.has(candidate)) return candidate
  }
}
