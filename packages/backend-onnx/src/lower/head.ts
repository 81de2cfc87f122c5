/**
 * tokenStats with few passes over the [N, V] logits, each of which costs as much as a small layer.
 *
 * TopK gives the largest logit z₁ with its token; the rest of a row, with that token masked, is normalised by
 * itself: o = softmax(rest). With L the rest's log-sum-exp, everything follows from columns:
 * log Z = z₁ + ln(1 + e^(L−z₁)), log(1 − π₁) = −ln(1 + e^(z₁−L)), and no rounded π is ever taken from 1.
 */
import type { OpAttrs } from '@ldyn/tensor'
import { ref, type Emitter, type Ref } from './emitter.ts'
import { TYPE, type Lowering } from './primitives.ts'
import type { Spec } from './shapes.ts'

/** Stands for log 0, as in the composite's definition: finite. */
const MASKED = -1e30

/** Arithmetic on columns [n]. */
function columns(e: Emitter, n: number) {
  const f: Spec = { shape: [n], dtype: 'f32' }
  const number = (x: Ref | number): Ref => (typeof x === 'number' ? e.splat(x, f) : x)
  const two =
    (op: string) =>
    (a: Ref | number, b: Ref | number): Ref =>
      e.pointwise(op, [number(a), number(b)], f)
  const one =
    (op: string) =>
    (a: Ref): Ref =>
      e.pointwise(op, [a], f)
  const [add, sub, mul, div, max] = ['Add', 'Sub', 'Mul', 'Div', 'Max'].map(two)
  const [neg, exp, log, sqrt, softplus] = ['Neg', 'Exp', 'Log', 'Sqrt', 'Softplus'].map(one)
  const where = (c: Ref, a: Ref, b: Ref): Ref => e.pointwise('Where', [c, a, b], f)
  const equal = (a: Ref, b: Ref | number): Ref =>
    e.pointwise('Equal', [a, typeof b === 'number' ? e.splat(b, a) : b], { ...f, dtype: 'bool' })
  /** ln(1 + x) for x ≥ 0 that keeps its digits near 0 (Kahan): x·ln(u)/(u − 1) with u = 1 + x rounded. */
  const log1p = (x: Ref): Ref => {
    const u = add(x, 1)
    const bare = equal(u, 1)
    return where(bare, x, div(mul(x, log(u)), where(bare, number(1), sub(u, 1))))
  }
  return { f, add, sub, mul, max, neg, exp, log, sqrt, softplus, where, equal, log1p }
}

/** One chunk of rows: hidden [n,d], the head transposed [d,V] and targets i32 [n,1]; the seven columns [n]. */
function statsOfRows(e: Emitter, n: number, hidden: string, headT: string, targets: string): Ref[] {
  const { f, add, sub, mul, max, neg, exp, log, sqrt, softplus, where, equal, log1p } = columns(e, n)
  const column = (name: string, s: Spec = f): Ref => ref(e.reshape(name, [n, 1], [n]), s)
  const at = (table: string, index: string): Ref =>
    column(e.node('GatherElements', [table, index], { axis: -1 }))
  const nth = (name: string, i: number): string =>
    e.node('Slice', [name, e.list([i]), e.list([i + 1]), e.list([1])])

  const z = e.node('MatMul', [hidden, headT])
  const [tops, places] = e.nodes('TopK', [z, e.list([2])], { axis: -1, largest: 1, sorted: 1 }, 2)
  const [z1, z2] = [column(nth(tops, 0)), column(nth(tops, 1))]
  const zy = at(z, targets)
  const masked = e.node('Expand', [e.splat(MASKED, f).name(), e.list([n, 1])])
  const rest = e.node('ScatterElements', [z, nth(places, 0), masked], { axis: -1 })
  const o = e.node('Softmax', [rest], { axis: -1 })
  const sum = (name: string, op: string): Ref => ref(e.node(op, [name, e.list([-1])], { keepdims: 0 }), f)

  // The second largest logit's share of the rest gives L without Σ itself: ln o₂ = z₂ − L.
  const logO2 = log(at(o, nth(places, 1)))
  const lead = add(sub(z1, z2), logO2)
  const restLogp = neg(softplus(lead))
  const top = neg(log1p(exp(neg(lead))))
  const logp = add(sub(zy, z1), top)
  // ⟨o, ln o⟩ = ⟨o, rest⟩ − L: a pass less than by way of ln o.
  const meanLogO = add(sub(sum(e.node('Mul', [o, rest]), 'ReduceSum'), z2), logO2)
  const entropy = neg(add(mul(exp(top), top), mul(exp(restLogp), add(restLogp, meanLogO))))
  const restSquared = mul(exp(mul(restLogp, 2)), sum(o, 'ReduceSumSquare'))
  const piSquared = add(exp(mul(top, 2)), restSquared)
  const best = ref(e.reshape(e.node('Cast', [nth(places, 0)], { to: TYPE.i32 }), [n, 1], [n]), {
    ...f,
    dtype: 'i32',
  })
  const hit = equal(best, ref(e.reshape(targets, [n, 1], [n]), { ...f, dtype: 'i32' }))
  // 1 − π_y: the rest's mass where y is the largest, else no cancellation, since π_y ≤ ½.
  const missing = where(hit, exp(restLogp), sub(1, exp(logp)))
  const others = where(hit, restSquared, max(sub(piSquared, exp(mul(logp, 2))), 0))
  const pError = sqrt(add(mul(missing, missing), others))
  return [logp, top, restLogp, entropy, piSquared, pError, best]
}

export const tokenStats: Lowering<OpAttrs['tokenStats']> = (
  e,
  [hidden, head, targets],
  { chunkRows },
  out,
) => {
  const n = hidden.shape[0]
  const v = head.shape[0]
  // One token alone: π = 1, and the rest is empty.
  if (v === 1) return [0, 0, MASKED, 0, 1, 0, 0].map((value, i) => e.splat(value, out[i]))
  const headT = e.node('Transpose', [e.full(head)], { perm: [1, 0] })
  const [rows, tokens] = [e.full(hidden), e.reshape(e.full(targets), [n], [n, 1])]
  const parts: Ref[][] = []
  for (let from = 0; from < n; from += chunkRows) {
    const to = Math.min(n, from + chunkRows)
    const some = (name: string): string =>
      to - from === n ? name : e.node('Slice', [name, e.list([from]), e.list([to]), e.list([0])])
    parts.push(statsOfRows(e, to - from, some(rows), headT, some(tokens)))
  }
  if (parts.length === 1) return parts[0]
  return out.map((s, i) =>
    ref(
      e.node(
        'Concat',
        parts.map((p) => e.full(p[i])),
        { axis: 0 },
      ),
      s,
    ),
  )
}
