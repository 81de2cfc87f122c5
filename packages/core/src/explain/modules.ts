/**
 * Where in the model a change comes from: for a response's Σ log π, one vjp, dotted with the direction tensor by
 * tensor; the dots add up to the jvp along the direction. A tied head is told apart from the embedding by passing the
 * one stored tensor as two (contracts.md §1).
 */
import {
  f32,
  grad,
  leaves,
  call,
  mul,
  reshape,
  concat,
  sum,
  tokenLogProb,
  type PathFilter,
  type Program,
  type Tensor,
  type Tree,
} from '@ldyn/tensor'
import type { CausalLM } from '../model.ts'
import { readSpecs, type ReadShape } from '../programs/evaluate.ts'
import { readHidden, traceAs, type ModelInputs } from '../programs/forward.ts'
import { gradSpecs } from '../programs/accumulate.ts'
import { trainableLeaves } from '../optim/step.ts'

/** What a parameter does in the network. */
export type ModuleKind = 'embedding' | 'attention' | 'mlp' | 'norm' | 'head'
export const MODULE_KINDS: readonly ModuleKind[] = ['embedding', 'attention', 'mlp', 'norm', 'head']

export interface Module {
  readonly kind: ModuleKind
  /** From 0; undefined for what is in no layer. */
  readonly layer?: number
}

/** The module of a parameter, from its path: `layers.3.attn.q.w` is attention of layer 3. */
export function moduleOf(path: string): Module {
  const [, number, inside = path] = /^layers?\.(\d+)\.(.*)$/.exec(path) ?? []
  const kind = kindOf(inside)
  return number === undefined ? { kind } : { kind, layer: Number(number) }
}

function kindOf(path: string): ModuleKind {
  const [first] = path.split('.')
  if (/norm/i.test(first)) return 'norm'
  if (/attn|attention|qkv/i.test(path)) return 'attention'
  if (/mlp/i.test(first)) return 'mlp'
  return first === 'head' ? 'head' : 'embedding'
}

/** `3.attention`, `norm`, `head`: a module's name in tables and JSON. */
export const moduleName = ({ kind, layer }: Module): string =>
  layer === undefined ? kind : `${layer}.${kind}`

interface AttributeInputs extends ModelInputs {
  readonly weights: Tensor
  readonly delta: Tree<Tensor>
}

export interface Attribution {
  readonly program: Program
  /** Module of each number of `dots`; a tied head comes last. */
  readonly modules: readonly Module[]
}

/**
 * Inputs {params, batch (readSpecs), weights f32 [N], delta (the trained parameters)}; outputs {total: Σ weights·log π,
 * dots f32 [D]}: ⟨∇total, Δ⟩ of every trained tensor, in the order of `modules`.
 */
export function attributeProgram(model: CausalLM, shape: ReadShape, trainable: PathFilter = ''): Attribution {
  const paths = trainableLeaves(model.params, trainable).map(({ path }) => path)
  const tied = !leaves(model.params).some(({ path }) => path === 'head')
  const specs = { params: model.params, batch: readSpecs(shape), weights: f32(shape.reads) }
  const headSpec = f32(model.vocab, model.width)
  const readsHead = tied && paths.includes('embed')
  const total = traceAs<Omit<AttributeInputs, 'delta'> & { readonly head?: Tensor }>(
    ({ params, batch, weights, head }) => {
      const logp = tokenLogProb(readHidden(model, params, batch), head ?? model.head(params), batch.targets)
      return { total: sum(mul(logp, weights)) }
    },
    { ...specs, ...(readsHead ? { head: headSpec } : {}) },
  )
  const wanted = new Set([...paths.map((path) => `params.${path}`), ...(readsHead ? ['head'] : [])])
  const back = grad(total, { wrt: (path) => wanted.has(path), of: 'total' })
  const program = traceAs<AttributeInputs>(
    ({ params, batch, weights, delta }) => {
      const head = readsHead ? { head: (params as { readonly embed: Tensor }).embed } : {}
      const out = call(back, { params, batch: { ...batch }, weights, ...head }) as unknown as {
        readonly primal: { readonly total: Tensor }
        readonly grads: { readonly params: Tree<Tensor>; readonly head?: Tensor }
      }
      const by = new Map(leaves(delta).map(({ path, value }) => [path, value]))
      const dots = leaves(out.grads.params).map(({ path, value }) => dot(value, by.get(path)!))
      if (out.grads.head) dots.push(dot(out.grads.head, by.get('embed')!))
      return {
        total: out.primal.total,
        dots: concat(
          dots.map((d) => reshape(d, [1])),
          0,
        ),
      }
    },
    { ...specs, delta: gradSpecs(model.params, trainable) },
  )
  const modules = [...paths.map(moduleOf), ...(readsHead ? [{ kind: 'head' } as const] : [])]
  return { program, modules }
}

/** ⟨a, b⟩ over all elements, rows first: one running sum of 10⁷ products would lose digits in f32. */
const dot = (a: Tensor, b: Tensor): Tensor => {
  const products = mul(a, b)
  return sum(products.shape.length > 1 ? sum(products, -1) : products)
}
