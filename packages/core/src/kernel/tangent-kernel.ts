/**
 * Θ·u = J_o·(J_uᵀ·u) without Θ and without J: one vjp at the updating side and one jvp at the observed one, in one
 * program (peers.md table 3, rows 2 and 6; architecture.md §4). The gradient in between is not even made where
 * rows are few: `reassociate` joins each weight's xᵀḡ with the activations that it is multiplied by (row 3b's
 * ghost products).
 *
 * What u is decides what comes out: one-hot rows give columns of Θ, a loss's cotangents the contracted kernel (the
 * change per unit of learning rate, with a minus), random rows estimates of norms and traces (hutchinson.ts).
 */
import {
  call,
  f32,
  jvp,
  leaves,
  matmul,
  mean,
  mul,
  reassociate,
  reshape,
  sizeOf,
  sliceAxis,
  square,
  stack,
  sub,
  sum,
  unflatten,
  vjp,
  type PathFilter,
  type Program,
  type Spec,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import type { CausalLM } from '../model.ts'
import { readSpecs } from '../programs/evaluate.ts'
import { traceAs } from '../programs/forward.ts'
import { trainableLeaves } from '../optim/step.ts'
import { belowParams, viewProgram, viewShape, type Side } from './views.ts'

type Tensors = Readonly<Record<string, Tensor>>

export interface TangentKernel {
  readonly model: CausalLM
  /** The updating side u, and the observed side o. */
  readonly from: Side
  readonly to: Side
  /** Rows of `cotangents` in one run; they share both forward passes. */
  readonly columns: number
  /** Paths below `params` that count; all unless given. */
  readonly wrt?: PathFilter
}

interface KernelInputs {
  readonly params: Tree<Tensor>
  readonly from: Tensors
  readonly to: Tensors
  readonly cotangents: Tensor
}

/** Θ·u for every row u, in the current trace. */
function applied(kernel: TangentKernel, { params, from, to, cotangents }: KernelInputs): Tensor[] {
  const { model, columns, wrt } = kernel
  trainableLeaves(model.params, wrt)
  const back = vjp(viewProgram(model, kernel.from), { wrt: belowParams(wrt) })
  const push = jvp(viewProgram(model, kernel.to), { wrt: belowParams(wrt) })
  return Array.from({ length: columns }, (_, i) => {
    const seen = reshape(sliceAxis(cotangents, 0, i, i + 1), viewShape(model, kernel.from))
    const { grads } = call(back, { params, batch: from, cotangent: { seen } }) as { grads: Tree<Tensor> }
    const pushed = call(push, { params, batch: to, tangent: grads }) as { tangent: { seen: Tensor } }
    return pushed.tangent.seen
  })
}

const kernelSpecs = ({ model, from, to, columns }: TangentKernel): Record<string, Tree<Spec>> => ({
  params: model.params,
  from: readSpecs(from.shape),
  to: readSpecs(to.shape),
  cotangents: f32(columns, ...viewShape(model, from)),
})

/**
 * {params, from, to (readSpecs each), cotangents [n, …view of from]} → {columns: [n, …view of to]}, Θ·u for each
 * row.
 * Throws RangeError where `wrt` selects no parameter.
 */
export const tangentKernelProgram = (kernel: TangentKernel): Program =>
  reassociate(
    traceAs<KernelInputs>((inputs) => ({ columns: stack(applied(kernel, inputs)) }), kernelSpecs(kernel)),
  )

/**
 * The same for two views of V entries a read, summed up on the device: {squares: [n,N_to], Σ_v (Θu)²}; where
 * `same` says that `from` and `to` are one batch also {quadratic: [n,N], Σ_v u·Θu}; where `centred`, of P·Θ·P with
 * P = I − 11ᵀ/V, which leaves out what moves all logits alike.
 */
export const kernelSquaresProgram = (
  kernel: TangentKernel,
  { same = false, centred = false }: { readonly same?: boolean; readonly centred?: boolean } = {},
): Program =>
  reassociate(
    traceAs<KernelInputs>((inputs) => {
      const seen = (x: Tensor): Tensor => (centred ? sub(x, mean(x, -1, true)) : x)
      const cotangents = seen(inputs.cotangents)
      const columns = seen(stack(applied(kernel, { ...inputs, cotangents })))
      return {
        squares: sum(square(columns), -1),
        ...(same ? { quadratic: sum(mul(cotangents, columns), -1) } : {}),
      }
    }, kernelSpecs(kernel)),
  )

/** {params, batch (readSpecs), cotangent (the view's shape)} → {grads: Jᵀ·cotangent, paths as in `params`}. */
export function gradientProgram(model: CausalLM, side: Side, wrt?: PathFilter): Program {
  trainableLeaves(model.params, wrt)
  const back = vjp(viewProgram(model, side), { wrt: belowParams(wrt) })
  return traceAs<{ params: Tree<Tensor>; batch: Tensors; cotangent: Tensor }>(
    ({ params, batch, cotangent }) => {
      const { grads } = call(back, { params, batch, cotangent: { seen: cotangent } }) as {
        grads: { params: Tree<Tensor> }
      }
      return { grads: grads.params }
    },
    { params: model.params, batch: readSpecs(side.shape), cotangent: f32(...viewShape(model, side)) },
  )
}

/** Specs of a gradient: those of the parameters that count. Throws RangeError where there are none. */
export const gradientSpecs = (model: Pick<CausalLM, 'params'>, wrt?: PathFilter): Tree<Spec> =>
  unflatten(trainableLeaves(model.params, wrt))

/**
 * {a: n gradients, b: a gradient} → {dots: [n, leaves]}: ⟨a_i, b⟩ for every parameter by itself, in the order of
 * its leaves, so that Grams by layer cost nothing more. Row by row and then over rows: a single running f32 sum
 * over 10⁸ products would lose digits.
 */
export const dotsProgram = (specs: Tree<Spec>, n: number): Program =>
  traceAs<{ a: readonly Tree<Tensor>[]; b: Tree<Tensor> }>(
    ({ a, b }) => {
      const right = leaves(b)
      const dots = a.map((tree) =>
        stack(
          leaves(tree).map(({ value }, i) => {
            const width = value.shape.at(-1) ?? 1
            const rows = sizeOf(value.shape) / width
            return sum(
              matmul(reshape(value, [rows, 1, width]), reshape(right[i].value, [rows, width, 1])),
            )
          }),
        ),
      )
      return { dots: stack(dots) }
    },
    { a: Array.from({ length: n }, () => specs), b: specs },
  )
