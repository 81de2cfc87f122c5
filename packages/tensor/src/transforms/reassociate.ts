/**
 * Products of products in the cheaper order: a·(X·Y) = (a·X)·Y where X·Y serves nothing else and is large.
 *
 * What it is for: a vjp followed by a jvp along its result (a tangent kernel J_o·J_uᵀ) makes every weight's gradient
 * X·Y = xᵀḡ only to multiply it by activations again. With few rows, (a·xᵀ)·ḡ takes far less work and no memory of
 * the weights' size; it is how "ghost" dot products are taken per layer (peers.md table 3, row 3b), found here in the
 * graph. The same for an embedding: rows taken of a scattered gradient are a small product of matching ids.
 */
import { at } from '../graph.ts'
import { broadcast, reshape } from '../ops/movement.ts'
import { matmul } from '../ops/linear.ts'
import { equal } from '../ops/pointwise.ts'
import { cast } from '../ops/structure.ts'
import { producers, useCounts, type NodeOf, type Program } from '../program.ts'
import { sizeOf, type Shape } from '../spec.ts'
import { openInputs, outputLeaves, replay, type Values } from '../trace.ts'
import { build } from './rebuild.ts'
import { dropDead } from './simplify.ts'

/** An equivalent program, up to rounding, with no dead nodes. */
export function reassociate(program: Program): Program {
  const p = dropDead(program)
  const made = producers(p)
  const uses = useCounts(p)
  const alone = (v: number): boolean => uses[v] === 1
  return dropDead(
    build(() => {
      const values: Values = new Map()
      const value = (v: number) => values.get(v)!
      openInputs(p, values)
      for (const node of p.nodes) {
        if (node.op === 'input') continue
        const inner = p.nodes[made[node.inputs[node.op === 'matmul' ? 1 : 0] ?? -1]]
        const site = { path: node.path, region: node.region, remat: node.remat }
        if (node.op === 'matmul' && inner?.op === 'matmul' && alone(node.inputs[1]) && cheaper(p, node, inner)) {
          const { ta, tb } = node.attrs
          const { ta: tx, tb: ty } = inner.attrs
          const [a, x, y] = [value(node.inputs[0]), value(inner.inputs[0]), value(inner.inputs[1])]
          // op(a)·(op(X)·op(Y))ᵀ = (op(a)·op(Y)ᵀ)·op(X)ᵀ.
          const joined = at(site, () =>
            tb ? matmul(matmul(a, y, ta, !ty), x, false, !tx) : matmul(matmul(a, x, ta, tx), y, false, ty),
          )
          values.set(node.outputs[0], joined)
        } else if (node.op === 'take' && inner?.op === 'scatterAdd' && alone(node.inputs[0]) && sparse(p, node, inner)) {
          const [asked, given, rows] = [value(node.inputs[1]), value(inner.inputs[0]), value(inner.inputs[1])]
          const [q, t] = [sizeOf(asked.shape), sizeOf(given.shape)]
          const width = rows.shape.slice(given.shape.length)
          const joined = at(site, () => {
            const same = equal(
              broadcast(reshape(asked, [q, 1]), [q, t]),
              broadcast(reshape(given, [1, t]), [q, t]),
            )
            return reshape(matmul(cast(same, 'f32'), reshape(rows, [t, sizeOf(width)])), [...asked.shape, ...width])
          })
          values.set(node.outputs[0], joined)
        } else replay(node, p, values)
      }
      return outputLeaves(p, values)
    }),
  )
}

const shapes = (p: Program, { inputs }: { readonly inputs: readonly number[] }): Shape[] =>
  inputs.map((v) => p.values[v].shape)

/** Multiplications of op(a)·(op(X)·op(Y)) against (op(a)·op(X))·op(Y); only plain matrices on the right. */
function cheaper(p: Program, outer: NodeOf<'matmul'>, inner: NodeOf<'matmul'>): boolean {
  const [a, product] = shapes(p, outer)
  const [x, y] = shapes(p, inner)
  if (x.length !== 2 || y.length !== 2 || (a.length > 2 && outer.attrs.ta)) return false
  const rows = sizeOf(a) / (outer.attrs.tb ? product[1] : product[0])
  const between = inner.attrs.ta ? x[0] : x[1]
  const [m, n] = product
  return rows * between * (m + n) < m * n * (rows + between)
}

/** The table is much larger than the ids that are compared. */
function sparse(p: Program, outer: NodeOf<'take'>, inner: NodeOf<'scatterAdd'>): boolean {
  const [table, asked] = shapes(p, outer)
  const [given] = shapes(p, inner)
  return sizeOf(asked) * sizeOf(given) < sizeOf(table)
}
