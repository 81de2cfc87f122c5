/** The parts of a factored block that need the head W on the device, and the embedding's way into hidden states. */
import {
  call,
  f32,
  i32,
  jvp,
  leaves,
  matmul,
  reshape,
  scatterAdd,
  sliceAxis,
  stack,
  take,
  type Program,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import type { CausalLM } from '../model.ts'
import { readSpecs, type ReadShape } from '../programs/evaluate.ts'
import { traceAs } from '../programs/forward.ts'
import { viewProgram } from './views.ts'

/**
 * {params, vectors f32 [q,V], rows i32 [R]} → {projected: vectors·W [q,d], gram: WᵀW [d,d], rows: W at `rows`
 * [R,d]}.
 */
export const headProgram = (model: CausalLM, q: number, R: number): Program =>
  traceAs<{ params: Tree<Tensor>; vectors: Tensor; rows: Tensor }>(
    ({ params, vectors, rows }) => {
      const W = model.head(params)
      return { projected: matmul(vectors, W), gram: matmul(W, W, true, false), rows: take(W, rows) }
    },
    { params: model.params, vectors: f32(q, model.vocab), rows: i32(R) },
  )

/** The head and the embedding are one stored tensor. */
export const isTied = ({ params }: Pick<CausalLM, 'params'>): boolean =>
  !leaves(params).some(({ path }) => path === 'head')

/**
 * How hidden states move where single rows of the embedding do: {params, batch (readSpecs), rows i32 [n],
 * direction f32 [d]} → {tangents: [n,N,d]}, the i-th along W_{rows[i]} += direction. The head's own use of W is
 * not in it.
 */
export function embeddingTangentProgram(model: CausalLM, shape: ReadShape, n: number): Program {
  const push = jvp(viewProgram(model, { shape, view: 'hidden' }), { wrt: 'params.embed' })
  return traceAs<{
    params: Tree<Tensor>
    batch: Readonly<Record<string, Tensor>>
    rows: Tensor
    direction: Tensor
  }>(
    ({ params, batch, rows, direction }) => ({
      tangents: stack(
        Array.from({ length: n }, (_, i) => {
          const moved = scatterAdd(
            sliceAxis(rows, 0, i, i + 1),
            reshape(direction, [1, model.width]),
            model.vocab,
          )
          const { tangent } = call(push, { params, batch, tangent: { params: { embed: moved } } }) as {
            tangent: { seen: Tensor }
          }
          return tangent.seen
        }),
      ),
    }),
    { params: model.params, batch: readSpecs(shape), rows: i32(n), direction: f32(model.width) },
  )
}
