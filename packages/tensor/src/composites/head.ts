/**
 * The head of a language model as one op: from hidden states straight to the log-probabilities of given
 * tokens
 * (`tokenLogProb`) and to all per-token statistics (`tokenStats`), so that nothing V-sized leaves the device.
 * Rows go through the vocabulary in chunks of `chunkRows`, which bounds memory: chunkRows·V floats a
 * temporary.
 *
 * hidden [N,d], head [V,d] (the embedding's orientation, so that a tied head is the same tensor), targets i32
 * [N].
 */
import type { Tensor } from '../graph.ts'
import { emit, need, needFloat, type Maybe, type Ops } from '../ops/op.ts'
import type { Spec } from '../spec.ts'
import { broadcast, concat, reshape, sliceAxis } from '../ops/movement.ts'
import { add, equal, exp, log, maximum, mul, neg, select, sqrt, square, sub } from '../ops/pointwise.ts'
import { argmax, max, sum } from '../ops/reductions.ts'
import { matmul } from '../ops/linear.ts'
import { take } from '../ops/indexing.ts'
import { addAlong, logSoftmax, softmax, takeAlong } from './softmax.ts'
import { expm1, log1p } from './activations.ts'
import { MASKED } from './transformer.ts'
import { iota } from '../ops/structure.ts'

const checkHead = (
  [hidden, head, targets]: readonly Spec[],
  { chunkRows }: { chunkRows: number },
): number => {
  needFloat([hidden, head])
  need(
    hidden.shape.length === 2 && head.shape.length === 2 && hidden.shape[1] === head.shape[1],
    'takes hidden [N,d] and head [V,d]',
  )
  need(
    targets.dtype === 'i32' && targets.shape.length === 1 && targets.shape[0] === hidden.shape[0],
    `targets must be i32[${hidden.shape[0]}]`,
  )
  need(head.shape[0] > 0, 'the vocabulary is empty')
  need(Number.isInteger(chunkRows) && chunkRows >= 1, `chunkRows = ${chunkRows} must be a positive integer`)
  return hidden.shape[0]
}

/** Runs `f` on row chunks of the tensors and joins each of its outputs. */
function byRows(
  chunkRows: number,
  tensors: readonly Tensor[],
  f: (...rows: Tensor[]) => readonly Tensor[],
): Tensor[] {
  const n = tensors[0].shape[0]
  if (n <= chunkRows) return [...f(...tensors)]
  const parts: (readonly Tensor[])[] = []
  for (let from = 0; from < n; from += chunkRows)
    parts.push(f(...tensors.map((x) => sliceAxis(x, 0, from, Math.min(n, from + chunkRows)))))
  return parts[0].map((_, o) =>
    concat(
      parts.map((part) => part[o]),
      0,
    ),
  )
}

/** One output of `f` on every chunk of rows, joined. */
const inRows = (x: Tensor, chunkRows: number, f: (rows: Tensor, chunk: number) => Tensor): Tensor => {
  let chunk = 0
  return byRows(chunkRows, [x], (rows) => [f(rows, chunk++)])[0]
}

const column = (x: Tensor): Tensor => reshape(x, [...x.shape, 1])
const flat = (x: Tensor): Tensor => reshape(x, [x.shape[0]])

export const headOps: Ops<'tokenLogProb' | 'tokenLogProbBackward' | 'tokenStats'> = {
  tokenLogProb: {
    doc: 'log π(target) of every row, π = softmax(hidden·headᵀ): [N]. vjp: z̄ = ȳ(e_y − π), row by row.',
    infer: (s, attrs) => [{ shape: [checkHead(s, attrs)], dtype: 'f32' }],
    expand: ([hidden, head, targets], { chunkRows }) =>
      byRows(chunkRows, [hidden, targets], (h, y) => [
        takeAlong(logSoftmax(matmul(h, head, false, true)), y),
      ]),
    // With z = hWᵀ: ẏ = ż_y − ⟨π, ż⟩ = ḣ·(W_y − πW) + h·(Ẇ_y − πẆ). No ż of vocabulary size is made, and πW serves all
    // directions. log π_y = z_y − max z + log max π: one tensor of vocabulary size, since softmax may overwrite z.
    linearise: ([hidden, head, targets], { chunkRows }) => {
      const chunks: { y: Tensor; pi: Tensor }[] = []
      const y = byRows(chunkRows, [hidden, targets], (rows, at) => {
        const z = matmul(rows, head, false, true)
        const gap = sub(takeAlong(z, at), max(z, -1))
        const pi = softmax(z)
        chunks.push({ y: at, pi })
        return [add(gap, log(max(pi, -1)))]
      })
      const against = (rows: Tensor, at: Tensor, pi: Tensor, w: Tensor): Tensor =>
        sum(mul(rows, sub(take(w, at), matmul(pi, w))), -1)
      const tangent = ([dHidden, dHead]: readonly Maybe[]): readonly Maybe[] => {
        const viaHidden = dHidden && inRows(dHidden, chunkRows, (dh, i) => against(dh, chunks[i].y, chunks[i].pi, head))
        const viaHead =
          dHead && inRows(hidden, chunkRows, (h, i) => against(h, chunks[i].y, chunks[i].pi, dHead))
        return [viaHidden && viaHead ? add(viaHidden, viaHead) : (viaHidden ?? viaHead)]
      }
      return { y, tangent }
    },
    vjp: ({ x: [hidden, head, targets], g, attrs, needs }) => {
      const wanted = { chunkRows: attrs.chunkRows, hidden: needs[0], head: needs[1] }
      const back = tokenLogProbBackward(hidden, head, targets, g[0]!, wanted)
      return [needs[0] ? back[0] : undefined, needs[1] ? back.at(-1) : undefined, undefined]
    },
  },
  tokenLogProbBackward: {
    doc: 'Cotangents of hidden, of head, or both, from (hidden, head, targets, ȳ [N]): z̄ = ȳ(e_y − π), hidden: z̄·head, head: z̄ᵀ·hidden.',
    infer: ([hidden, head, targets, g], attrs) => {
      const n = checkHead([hidden, head, targets], attrs)
      needFloat([g])
      need(g.shape.length === 1 && g.shape[0] === n, `the cotangent must be f32[${n}]`)
      need(attrs.hidden || attrs.head, 'no cotangent is wanted')
      return [...(attrs.hidden ? [hidden] : []), ...(attrs.head ? [head] : [])]
    },
    expand: ([hidden, head, targets, g], attrs) => {
      let dHead: Tensor | undefined
      const [dHidden] = byRows(attrs.chunkRows, [hidden, targets, g], (h, y, gy) => {
        const pi = softmax(matmul(h, head, false, true))
        const dz = addAlong(mul(pi, column(neg(gy))), y, gy)
        if (attrs.head) {
          const part = matmul(dz, h, true, false)
          dHead = dHead ? add(dHead, part) : part
        }
        return [attrs.hidden ? matmul(dz, head) : h]
      })
      return [...(attrs.hidden ? [dHidden] : []), ...(attrs.head ? [dHead!] : [])]
    },
  },
  tokenStats: {
    doc:
      'Per row: logp = log π_y; argmaxLogp = max log π; restLogp = log Σ_{v≠argmax} π_v (a log-sum-exp over the others); entropy = −Σ π log π; ' +
      'piSquared = ‖π‖²; pError = ‖π − e_y‖ = √((expm1 log π_y)² + Σ_{v≠y} π_v²); argmax (i32). Each [N]. paper.md §5, contracts.md §2.',
    infer: (s, attrs) => {
      const shape = [checkHead(s, attrs)]
      return [
        ...Array.from({ length: 6 }, () => ({ shape, dtype: 'f32' as const })),
        { shape, dtype: 'i32' as const },
      ]
    },
    expand: ([hidden, head, targets], { chunkRows }) =>
      byRows(chunkRows, [hidden, targets], (h, y) => {
        const logits = matmul(h, head, false, true)
        const best = argmax(logits)
        const isBest = equal(iota(logits.shape, -1), broadcast(column(best), logits.shape))
        const z = sub(logits, max(logits, -1, true))
        // The others, scaled by their own largest m, so that nothing underflows however peaked π is; and with
        // log max π = −log1p(Σ others) no digit of 1 − max π is lost, where log-softmax would round it to 0.
        const others = select(isBest, MASKED, z)
        const m = max(others, -1, true)
        const w = exp(sub(others, m))
        const [gap, weight] = [flat(m), sum(w, -1)]
        const top = neg(log1p(mul(exp(gap), weight)))
        const mass = add(gap, top)
        const restLogp = add(mass, log(weight))
        const logp = add(z, column(top))
        const entropy = neg(add(mul(exp(top), top), mul(exp(mass), sum(mul(w, select(isBest, 0, logp)), -1))))
        const squares = sum(square(w), -1)
        const piSquared = add(exp(mul(top, 2)), mul(exp(mul(mass, 2)), squares))
        // Where the target is the most probable, 1 − π_y = e^restLogp: both terms then share the scale
        // e^mass.
        const hit = equal(best, y)
        const py = select(hit, top, takeAlong(logp, y))
        const missed = add(square(expm1(py)), maximum(sub(piSquared, exp(mul(py, 2))), 0))
        const pError = mul(select(hit, exp(mass), 1), sqrt(select(hit, add(square(weight), squares), missed)))
        return [py, top, restLogp, entropy, piSquared, pError, best]
      }),
  },
}

/**
 * Temporaries of a chunk stay below 2²⁶ floats (256 MiB): two chunks at 1 500 rows of a 49 152-entry
 * vocabulary.
 */
const chunkFor = (vocab: number): number => Math.max(1, Math.floor(2 ** 26 / vocab))

/** log π(targets | hidden) of every row: [N], in nats. */
export const tokenLogProb = (
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
  chunkRows = chunkFor(head.shape[0]),
): Tensor => emit('tokenLogProb', headOps.tokenLogProb, [hidden, head, targets], { chunkRows })[0]

/** Cotangents of hidden and head, those that are wanted, from that of the log-probs; see the op. */
export const tokenLogProbBackward = (
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
  g: Tensor,
  wanted: { chunkRows: number; hidden: boolean; head: boolean },
): Tensor[] =>
  emit('tokenLogProbBackward', headOps.tokenLogProbBackward, [hidden, head, targets, g], wanted)

export interface TokenStats {
  logp: Tensor
  argmaxLogp: Tensor
  restLogp: Tensor
  entropy: Tensor
  piSquared: Tensor
  pError: Tensor
  /** i32: the most probable token. */
  argmax: Tensor
}

/** Everything that is followed of a token's distribution, each [N]; see the op for the definitions. */
export function tokenStats(
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
  chunkRows = chunkFor(head.shape[0]),
): TokenStats {
  const [logp, argmaxLogp, restLogp, entropy, piSquared, pError, best] = emit(
    'tokenStats',
    headOps.tokenStats,
    [hidden, head, targets],
    { chunkRows },
  )
  return { logp, argmaxLogp, restLogp, entropy, piSquared, pError, argmax: best }
}
