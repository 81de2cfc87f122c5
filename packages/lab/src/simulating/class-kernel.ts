/**
 * The exact eNTK of a classifier between classes (paper.md §6.2, App. C.1): K(o,u) = J(x_o) J(x_u)ᵀ, J the C×P Jacobian
 * of the logits by all parameters, one vjp a class, and ‖K(o,u)‖_F averaged over pairs of different images.
 */
import { inner, spearman, traceAs } from '@ldyn/core'
import type { Classifier } from '@ldyn/models'
import { call, concat, f32, leaves, reshape, stack, vjp, constant, type Program, type Tensor, type Tree } from '@ldyn/tensor'

interface Inputs {
  readonly params: Tree<Tensor>
  readonly x: Tensor
}

/** {params, x [1, …]} → {jacobian [C, P]}: parameters flattened one after the other in the order of their paths. */
export function jacobianProgram(model: Classifier): Program {
  const specs = { params: model.params, x: f32(1, ...model.input) }
  const back = vjp(
    traceAs<Inputs>(({ params, x }) => ({ logits: model.logits(params, x) }), specs),
    { wrt: 'params' },
  )
  return traceAs<Inputs>(({ params, x }) => {
    const rows = Array.from({ length: model.classes }, (_, c) => {
      const oneHot = Float64Array.from({ length: model.classes }, (_, i) => Number(i === c))
      const cotangent = { logits: constant(oneHot, [1, model.classes]) }
      const { grads } = call(back, { params, x, cotangent }) as unknown as { grads: { params: Tree<Tensor> } }
      return concat(
        leaves(grads.params).map(({ value }) => reshape(value, [-1])),
        0,
      )
    })
    return { jacobian: stack(rows) }
  }, specs)
}

/** One image: its class, and its Jacobian row-major [C, P]. */
export interface Anchor {
  readonly label: number
  readonly jacobian: Float64Array
}

/** K(o,u) of every ordered pair of anchors with o ≥ u: C×C each, row-major; K(u,o) is the transpose. */
export interface AnchorKernel {
  readonly labels: readonly number[]
  readonly classes: number
  readonly blocks: readonly (readonly Float64Array[])[]
}

export function anchorKernel(anchors: readonly Anchor[], classes: number): AnchorKernel {
  const rows = anchors.map(({ jacobian }) => {
    const width = jacobian.length / classes
    return Array.from({ length: classes }, (_, c) => jacobian.subarray(c * width, (c + 1) * width))
  })
  return {
    labels: anchors.map(({ label }) => label),
    classes,
    blocks: rows.map((o, i) =>
      rows.slice(0, i + 1).map((u) => Float64Array.from(o.flatMap((a) => u.map((b) => inner(a, b))))),
    ),
  }
}

const norm = (x: Float64Array): number => Math.sqrt(x.reduce((n, v) => n + v * v, 0))

/** Mean ‖K(o,u)‖_F over pairs of different images by class of o and of u: [C][C], symmetric. */
export function classNorms({ labels, classes, blocks }: AnchorKernel): number[][] {
  const sums = Array.from({ length: classes }, () => Array.from({ length: classes }, () => ({ sum: 0, n: 0 })))
  blocks.forEach((row, o) =>
    row.forEach((block, u) => {
      if (o === u) return
      const size = norm(block)
      for (const [a, b] of labels[o] === labels[u] ? [[o, u]] : [[o, u], [u, o]]) {
        const cell = sums[labels[a]][labels[b]]
        cell.sum += size
        cell.n++
      }
    }),
  )
  return sums.map((row) => row.map(({ sum, n }) => (n === 0 ? 0 : sum / n)))
}

/** E‖K‖_F over all pairs of different images. */
export const meanNorm = ({ blocks }: AnchorKernel): number => {
  const sizes = blocks.flatMap((row, o) => row.slice(0, o).map(norm))
  return sizes.reduce((a, b) => a + b, 0) / sizes.length
}

/** E‖K − K′‖_F over the same pairs. */
export function meanDrift(a: AnchorKernel, b: AnchorKernel): number {
  const sizes = a.blocks.flatMap((row, o) =>
    row.slice(0, o).map((block, u) => norm(block.map((v, i) => v - b.blocks[o][u][i]))),
  )
  return sizes.reduce((x, y) => x + y, 0) / sizes.length
}

/** Mean over u of Spearman's ρ between the rankings of the observed classes o ≠ u by ‖K(o,u)‖. */
export function rankAgreement(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  const others = (m: readonly (readonly number[])[], u: number): number[] =>
    m.map((row) => row[u]).filter((_, o) => o !== u)
  const rhos = a.map((_, u) => spearman(others(a, u), others(b, u)).rho ?? 1)
  return rhos.reduce((x, y) => x + y, 0) / rhos.length
}
