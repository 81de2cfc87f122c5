/**
 * A Program as a plan: simplified, composites without a way of their own here expanded, then node by node into tf
 * calls, and at the end what every step is the last to read.
 */
import {
  isComposite, lowerable, type Node, type OpAttrs, type OpName, type Program, type Spec,
} from '@ldyn/tensor'
import type { Engine } from '../run/engine.ts'
import { composites } from './composites.ts'
import { recording, type Constant, type Step, type Value } from './emitter.ts'
import { primitives, type Lowering } from './primitives.ts'

export interface Port {
  readonly path: string
  readonly spec: Spec
  readonly id: number
}

export interface Plan {
  readonly steps: readonly Step[]
  /** For every step, the values that nothing reads after it. Inputs, constants and outputs are never among them. */
  readonly frees: readonly (readonly number[])[]
  readonly constants: readonly Constant[]
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Value ids are below it. */
  readonly values: number
}

/** What `lower` takes: without the composites that have no way of their own here. */
export const prepared = (program: Program): Program =>
  lowerable(program, (op: OpName) => isComposite(op) && composites[op] !== 'expand')

/**
 * A node's lowering, its attrs type erased: op and attrs come from the same node, so they fit each other,
 * but TypeScript cannot follow that through the union of nodes.
 */
function loweringOf(node: Node): Lowering<OpAttrs[OpName]> {
  if (node.op === 'input') throw new Error('inputs are given, not lowered')
  const found = isComposite(node.op) ? composites[node.op] : primitives[node.op]
  if (found === 'expand') throw new Error(`${node.op} should have been expanded`)
  return found as unknown as Lowering<OpAttrs[OpName]>
}

/** Lowers a program that went through `prepared`. */
export function lower(program: Program, engine: Engine): Plan {
  const e = recording(engine)
  const values = new Map<number, Value>()
  const inputs = program.inputs.map(({ path, value }): Port => {
    const made = e.input(program.values[value])
    values.set(value, made)
    return { path, spec: program.values[value], id: made.id }
  })
  for (const node of program.nodes) {
    if (node.op === 'input') continue
    e.op = node.op
    e.path = node.path
    const out = node.outputs.map((v) => program.values[v])
    const operands = node.inputs.map((v) => values.get(v)!)
    const made = loweringOf(node)(e, operands, node.attrs, out)
    node.outputs.forEach((v, i) => values.set(v, made[i]))
  }
  e.op = 'output'
  e.path = ''
  const outputs = program.outputs.map(
    ({ path, value }): Port => ({ path, spec: program.values[value], id: e.full(values.get(value)!).id }),
  )
  return planned(e.steps, e.constants, inputs, outputs, e.count())
}

/** Drops steps that nothing needs, and finds each value's last reader. */
function planned(
  all: readonly Step[],
  constants: readonly Constant[],
  inputs: readonly Port[],
  outputs: readonly Port[],
  values: number,
): Plan {
  const seen = new Set(outputs.map((o) => o.id))
  const steps: Step[] = []
  for (const step of [...all].reverse()) {
    if (!step.outputs.some((v) => seen.has(v))) continue
    steps.push(step)
    for (const v of step.inputs) seen.add(v)
  }
  steps.reverse()
  const held = new Set([...inputs, ...outputs, ...constants].map((v) => v.id))
  const frees: number[][] = steps.map(() => [])
  for (let n = steps.length - 1; n >= 0; n--) {
    // An output that is read nowhere (the second of topk) goes at once.
    for (const v of [...steps[n].inputs, ...steps[n].outputs]) {
      if (held.has(v)) continue
      held.add(v)
      frees[n].push(v)
    }
  }
  return { steps, frees, constants: constants.filter((c) => seen.has(c.id)), inputs, outputs, values }
}
