/**
 * One V×V block of K between an observed and an update token, on a backend: d columns of B and, for a tied head,
 * one jvp for every different input token; then everything about the block is small matrices on the host (core's
 * kernel/factored.ts). `exactBlock` makes all V² entries, for vocabularies that allow it.
 */
import {
  embeddingTangentProgram,
  factoredBlock,
  headProgram,
  inner,
  isTied,
  matrix,
  tangentKernelProgram,
  viewProgram,
  type CausalLM,
  type Direction,
  type FactoredBlock,
  type Matrix,
  type Quadratic,
} from '@ldyn/core'
import { hostTensor, leaves, matches, type Backend, type HostArray, type PathFilter } from '@ldyn/tensor'
import type { Sequence } from '../tokens/tokenise.ts'
import type { DeviceTree } from '../device/trees.ts'
import { columnsAtOnce, kernelColumns, tokenSide, type PackedSide, type Progress } from './side.ts'
import { valuesOf } from '../device/programs.ts'

export interface TokenAt {
  readonly sequence: Sequence
  /** Place in the response, from 0. */
  readonly token: number
}

export interface BlockRequest {
  readonly backend: Backend
  readonly model: CausalLM
  readonly params: DeviceTree
  readonly observe: TokenAt
  readonly update: TokenAt
  readonly wrt?: PathFilter
  /** Vocabulary entries to look at beside each side's own token: its most probable ones. */
  readonly top: number
  readonly progress?: Progress
}

/** What the model thinks at one side, and the entries that are looked at there. */
export interface BlockSide {
  /** The token y. */
  readonly id: number
  readonly logp: number
  /** Ids that are looked at, by falling probability; y among them. */
  readonly ids: readonly number[]
  readonly pi: readonly number[]
}

export interface TokenBlock {
  readonly block: FactoredBlock
  readonly observe: BlockSide
  readonly update: BlockSide
  /** Both sides are the same token of the same text: K is symmetric. */
  readonly symmetric: boolean
  /** (e_y − π_m)ᵀ K (e_y − π_l) = ⟨∇log π_m, ∇log π_l⟩, and the terms it is the sum of. */
  readonly k: Quadratic
  /** K[v,w] for the ids of the observed side by those of the update's. */
  readonly entries: Matrix
  /**
   * For each id v of the observed side, (e_v − π_m)ᵀ K (e_y − π_l): the rate at which log π_m(v) changes when the
   * update token is pulled up. Positive rises with it.
   */
  readonly effects: readonly number[]
}

/** Which of the block's terms the chosen parameters have. */
const termsOf = (model: CausalLM, wrt: PathFilter = ''): { head: boolean; cross: boolean; body: boolean } => {
  const tied = isTied(model)
  return {
    head: matches(wrt, tied ? 'embed' : 'head'),
    cross: tied && matches(wrt, 'embed'),
    body: leaves(model.params).some(({ path }) => path !== 'head' && matches(wrt, path)),
  }
}

/** Throws RangeError for a token that the response has not, and where `wrt` selects no parameter. */
export async function tokenBlock(request: BlockRequest): Promise<TokenBlock> {
  const { backend, model, params, wrt, top, progress = () => {} } = request
  const { vocab: V, width: d } = model
  const [o, u] = [
    tokenSide(request.observe.sequence, request.observe.token),
    tokenSide(request.update.sequence, request.update.token),
  ]
  const { head, cross, body } = termsOf(model, wrt)
  if (!head && !cross && !body) throw new RangeError('tokenBlock: wrt selects no parameter')
  const tokens = cross ? [...new Set([...inputsOf(o), ...inputsOf(u)])] : []
  const total = (body ? d : 0) + 2 * tokens.length
  let done = 0
  const step = (n: number): void => progress((done += n), total)
  step(0)

  const seen = async (side: PackedSide, view: 'hidden' | 'logits'): Promise<HostArray> => {
    using executable = await backend.compile(viewProgram(model, { shape: side.shape, view }))
    return (await valuesOf(backend, executable, { params, batch: side.reads })).seen
  }
  const [ho, hu] = [await seen(o, 'hidden'), await seen(u, 'hidden')]
  const [at, of] = [distribution(await seen(o, 'logits'), o, top), distribution(await seen(u, 'logits'), u, top)]
  const same = sameInputs(o, u)

  const B = matrix(d, d, new Float64Array(d * d))
  if (body) await fillBody(request, o, u, B, step)
  const moves = async (side: PackedSide, direction: HostArray): Promise<Matrix> => {
    const own = new Set(inputsOf(side))
    const out = matrix(tokens.length, d, new Float64Array(tokens.length * d))
    using executable = await backend.compile(embeddingTangentProgram(model, side.shape, 1))
    for (const [r, id] of tokens.entries()) {
      if (own.has(id)) {
        const { tangents } = await valuesOf(backend, executable, {
          params,
          batch: side.reads,
          rows: hostTensor([id], [1], 'i32'),
          direction: { shape: [d], dtype: 'f32', data: direction },
        })
        out.data.set(tangents, r * d)
      }
      step(1)
    }
    return out
  }
  const tied = cross ? { update: await moves(u, ho), observed: await moves(o, hu) } : undefined

  // a = e_y − π on each side, 1, and W at every token that is asked for.
  const rows = [...new Set([...tokens, ...at.side.ids, ...of.side.ids])]
  const vectors = new Float64Array(3 * V).fill(1)
  ;[at, of].forEach(({ pi, side: { id } }, i) => {
    for (let v = 0; v < V; v++) vectors[i * V + v] = (v === id ? 1 : 0) - pi[v]
  })
  using executable = await backend.compile(headProgram(model, 3, rows.length))
  const W = await valuesOf(backend, executable, {
    params,
    vectors: { shape: [3, V], dtype: 'f32', data: vectors },
    rows: hostTensor(rows, [rows.length], 'i32'),
  })
  const place = new Map(rows.map((id, r) => [id, r]))
  const row = (id: number): Float64Array => {
    const r = place.get(id)!
    return Float64Array.from(W.rows.slice(r * d, (r + 1) * d))
  }
  const block = factoredBlock({
    vocab: V,
    alpha: head ? inner(ho, hu) : 0,
    body: B,
    headGram: matrix(d, d, W.gram),
    headSum: W.projected.slice(2 * d),
    ...(tied
      ? {
          tied: {
            tokens,
            rows: matrix(tokens.length, d, Float64Array.from(tokens.flatMap((id) => [...row(id)]))),
            ...tied,
          },
        }
      : {}),
  })
  const unit = (id: number): Direction => ({ projected: row(id), atTokens: tokens.map((t) => Number(t === id)) })
  const along = (i: number, { pi, side: { id } }: Distribution): Direction => ({
    projected: W.projected.slice(i * d, (i + 1) * d),
    atTokens: tokens.map((t) => Number(t === id) - pi[t]),
  })
  const [a, g] = [along(0, at), along(1, of)]
  const k = block.quadratic(a, g, inner(vectors.subarray(0, V), vectors.subarray(V, 2 * V)))
  return {
    block,
    observe: at.side,
    update: of.side,
    symmetric: same,
    k,
    entries: matrix(
      at.side.ids.length,
      of.side.ids.length,
      at.side.ids.flatMap((v) =>
        of.side.ids.map((w) => block.quadratic(unit(v), unit(w), Number(v === w)).total),
      ),
    ),
    // e_v − π_m = (e_v − e_y) + (e_y − π_m).
    effects: at.side.ids.map((v) => {
      const y = at.side.id
      const a_l = (id: number): number => vectors[V + id]
      const of_v = block.quadratic(unit(v), g, a_l(v)).total
      return of_v - block.quadratic(unit(y), g, a_l(y)).total + k.total
    }),
  }
}

/**
 * B column by column: a vjp from each component of the update's hidden state, a jvp of the observed one along it.
 */
async function fillBody(
  { backend, model, params, wrt }: BlockRequest,
  o: PackedSide,
  u: PackedSide,
  B: Matrix,
  step: (n: number) => void,
): Promise<void> {
  const d = model.width
  using executable = await backend.compile(
    tangentKernelProgram({
      model,
      from: { shape: u.shape, view: 'hidden' },
      to: { shape: o.shape, view: 'hidden' },
      columns: columnsAtOnce(d),
      wrt,
    }),
  )
  let j = 0
  const inputs = { params, from: u.reads, to: o.reads }
  for await (const column of kernelColumns(backend, executable, inputs, Array.from({ length: d }, (_, k) => k))) {
    for (let i = 0; i < d; i++) B.data[i * d + j] = column[i]
    j++
    step(1)
  }
}

const inputsOf = ({ arrays }: PackedSide): number[] =>
  Array.from(arrays.tokens.data).filter((_, i) => arrays.segments.data[i] !== -1)

const sameInputs = (a: PackedSide, b: PackedSide): boolean =>
  inputsOf(a).join() === inputsOf(b).join() && a.arrays.targets.data[0] === b.arrays.targets.data[0]

interface Distribution {
  readonly pi: Float64Array
  readonly side: BlockSide
}

function distribution(logits: HostArray, { arrays }: PackedSide, top: number): Distribution {
  const z = Float64Array.from(logits)
  const most = z.reduce((a, b) => Math.max(a, b), -Infinity)
  const total = z.reduce((n, x) => n + Math.exp(x - most), 0)
  const pi = z.map((x) => Math.exp(x - most) / total)
  const id = arrays.targets.data[0]
  const order = Array.from(pi.keys()).sort((a, b) => pi[b] - pi[a])
  const ids = [...new Set([...order.slice(0, top), id])].sort((a, b) => pi[b] - pi[a])
  const logp = z[id] - most - Math.log(total)
  return { pi, side: { id, logp, ids, pi: ids.map((v) => pi[v]) } }
}

/** All V×V entries, row v the observed side's logit: V columns, so for toy vocabularies. */
export async function exactBlock(request: Omit<BlockRequest, 'top'>): Promise<Matrix> {
  const { backend, model, params, observe, update, wrt, progress = () => {} } = request
  const V = model.vocab
  const [o, u] = [tokenSide(observe.sequence, observe.token), tokenSide(update.sequence, update.token)]
  const K = matrix(V, V, new Float64Array(V * V))
  using executable = await backend.compile(
    tangentKernelProgram({
      model,
      from: { shape: u.shape, view: 'logits' },
      to: { shape: o.shape, view: 'logits' },
      columns: columnsAtOnce(V),
      wrt,
    }),
  )
  let w = 0
  const inputs = { params, from: u.reads, to: o.reads }
  for await (const column of kernelColumns(backend, executable, inputs, Array.from({ length: V }, (_, k) => k))) {
    for (let v = 0; v < V; v++) K.data[v * V + w] = column[v]
    progress(++w, V)
  }
  return K
}
