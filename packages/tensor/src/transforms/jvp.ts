/**
 * Forward mode: jvp(p) computes p's outputs and their derivative along a tangent of some inputs.
 *
 * Nodes are replayed in order and every node's rule turns its inputs' tangents into its outputs'. A tangent
 * that
 * is known to be zero is `undefined` and costs nothing. Several directions share one primal: the rule simply
 * runs
 * once for each, so that no op needs a batching rule. A composite with `linearise` gives result and rule together.
 */
import { TraceError } from '../errors.ts'
import { at, currentGraph, type Tensor } from '../graph.ts'
import { reshape, sliceAxis, stack, zerosLike } from '../ops/movement.ts'
import type { Maybe } from '../ops/op.ts'
import type { Node, Program } from '../program.ts'
import { openInputs, replay, type Values } from '../trace.ts'
import { matches, type PathFilter } from '../tree.ts'
import { build, expandComposites, freeInput, rulesOf } from './rebuild.ts'
import { entry } from '../table.ts'

export interface JvpOptions {
  /** Inputs that move; only f32 leaves can. */
  readonly wrt: PathFilter
  /** Number of directions; tangents in and out then have a leading axis of that size. */
  readonly directions?: number
}

/**
 * Program → Program. Inputs `{…inputs, tangent}` where `tangent` mirrors the paths of the moving inputs
 * (`tangent.params.embed`); outputs `{primal, tangent}`, the latter for every f32 output.
 * `tangent` becomes `tangent2` where the program already has such an input, so transforms nest; an input that
 * is
 * the whole tree becomes `input`.
 * Throws TraceError if `wrt` names no f32 input.
 */
export function jvp(program: Program, { wrt, directions }: JvpOptions): Program {
  const moving = program.inputs.filter(
    ({ path, value }) => matches(wrt, path) && program.values[value].dtype === 'f32',
  )
  if (moving.length === 0)
    throw new TraceError(
      `jvp: wrt matches no f32 input; there are ${program.inputs.map((i) => i.path).join(', ')}`,
    )
  const p = expandComposites(program, (op) => entry(op).jvp !== undefined || entry(op).linearise !== undefined)
  const name = freeInput(program, 'tangent')
  const count = directions ?? 1
  return build(() => {
    const values: Values = new Map()
    openInputs(p, values, 'input')
    const tangents = Array.from({ length: count }, (): Values => new Map())
    for (const { path, value } of p.inputs) {
      if (!moving.some((m) => m.path === path)) continue
      const s = p.values[value]
      const given = currentGraph().input(
        path === '' ? name : `${name}.${path}`,
        directions === undefined ? s : { shape: [directions, ...s.shape], dtype: s.dtype },
      )
      tangents.forEach((t, i) =>
        t.set(value, directions === undefined ? given : reshape(sliceAxis(given, 0, i, i + 1), s.shape)),
      )
    }
    for (const node of p.nodes) {
      if (node.op === 'input') continue
      const x = node.inputs.map((v) => values.get(v)!)
      const moved = tangents.map((tangent) => node.inputs.map((v) => tangent.get(v)))
      const moves = moved.some((t) => t.some((v) => v !== undefined))
      const rule = ruleOf(node, p, values, x, moves)
      if (!rule) continue
      for (const [i, tangent] of tangents.entries()) {
        const t = moved[i]
        if (t.every((v) => v === undefined)) continue
        const dy = at({ path: `${node.path}˙`, region: node.region, remat: node.remat }, () => rule(t))
        node.outputs.forEach((v, i) => dy[i] && tangent.set(v, dy[i]))
      }
    }
    const join = (value: number): Tensor => {
      const each = tangents.map((t) => t.get(value) ?? zerosLike(p.values[value]))
      return directions === undefined ? each[0] : stack(each)
    }
    const floats = p.outputs.filter(({ value }) => p.values[value].dtype === 'f32')
    return [
      ...p.outputs.map(({ path, value }) => ({
        path: path === '' ? 'primal' : `primal.${path}`,
        value: values.get(value)!,
      })),
      ...floats.map(({ path, value }) => ({
        path: path === '' ? 'tangent' : `tangent.${path}`,
        value: join(value),
      })),
    ]
  })
}

type Rule = (t: readonly Maybe[]) => readonly Maybe[]

/** Appends the node itself and returns how tangents pass through it; undefined where they end. */
function ruleOf(node: Node, p: Program, values: Values, x: readonly Tensor[], moves: boolean): Rule | undefined {
  const { jvp: rule, linearise } = rulesOf(node)
  if (!linearise || !moves) {
    const y = replay(node, p, values)
    return rule && ((t) => rule({ x, y, t, attrs: node.attrs }))
  }
  const site = { path: node.path, region: node.region, remat: node.remat }
  const { y, tangent } = at(site, () => linearise(x, node.attrs))
  node.outputs.forEach((v, i) => values.set(v, y[i]))
  return tangent
}
