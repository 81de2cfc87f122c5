/**
 * tokenStats with few passes over the [N, V] logits, each of which costs as much as a small layer.
 *
 * The two largest logits z₁ ≥ z₂ come from topk; the rest of a row, with the largest masked, is normalised by itself:
 * o = softmax(rest). With L the rest's log-sum-exp, everything follows from columns:
 * log Z = z₁ + ln(1 + e^(L−z₁)), log(1 − π₁) = −ln(1 + e^(z₁−L)), and no rounded π is ever taken from 1.
 */
import { MASKED, type OpAttrs } from '@ldyn/tensor'
import { places } from './composites.ts'
import type { Call, Emitter, Value } from './emitter.ts'
import { choose, overwrite, type Lowering } from './primitives.ts'
import type { Spec } from './shapes.ts'

/** Arithmetic on columns [n]. */
function columns(e: Emitter, n: number) {
  const f: Spec = { shape: [n], dtype: 'f32' }
  const { tf } = e
  const number = (x: Value | number): Value => (typeof x === 'number' ? e.splat(x, f) : x)
  const two =
    (call: Call) =>
    (a: Value | number, b: Value | number): Value =>
      e.pointwise([number(a), number(b)], f, call)
  const one =
    (call: Call) =>
    (a: Value): Value =>
      e.pointwise([a], f, call)
  const calls: Call[] = [tf.add, tf.sub, tf.mul, tf.div, tf.maximum]
  const [add, sub, mul, div, max] = calls.map(two)
  const maps: Call[] = [tf.neg, tf.exp, tf.log, tf.sqrt, tf.softplus, tf.square]
  const [neg, exp, log, sqrt, softplus, square] = maps.map(one)
  const where = (c: Value, a: Value, b: Value): Value => choose(e, c, a, b, f)
  /** ln(1 + x) for x ≥ 0 that keeps its digits near 0 (Kahan); tf.log1p does so with libtensorflow alone. */
  const log1p = (x: Value): Value => {
    if (e.engine.native) return one(tf.log1p as Call)(x)
    const u = add(x, 1)
    const bare = e.pointwise([u, e.splat(1, f)], { ...f, dtype: 'bool' }, tf.equal)
    return where(bare, x, div(mul(x, log(u)), where(bare, number(1), sub(u, 1))))
  }
  return { f, add, sub, mul, max, neg, exp, log, sqrt, softplus, log1p, square, where }
}

/** One chunk of rows: hidden [n,d], the head [V,d] and targets i32 [n]; the seven columns [n]. */
function statsOfRows(e: Emitter, hidden: Value, head: Value, targets: Value): Value[] {
  const { tf } = e
  const n = hidden.shape[0]
  const c = columns(e, n)
  const { f, add, sub, mul } = c
  const logits: Spec = { shape: [n, head.shape[0]], dtype: 'f32' }
  const pair: Spec = { shape: [n, 2], dtype: 'f32' }
  const nth = (x: Value, i: number, s: Spec = f): Value =>
    e.reshape(
      e.call([x], { ...s, shape: [n, 1] }, (t) => tf.slice(t, [0, i], [n, 1])),
      [n],
    )
  const at = (x: Value, where: Value): Value => e.call([x, where], f, (t, i) => tf.gatherND(t, i))

  const z = e.call([hidden, head], logits, (h, w) => tf.matMul(h, w, false, true))
  const [tops, ranks] = e.calls([z], [pair, { ...pair, dtype: 'i32' }], (t) => {
    const { values, indices } = tf.topk(t, 2, true)
    return [values, indices]
  })
  const [z1, z2] = [nth(tops, 0), nth(tops, 1)]
  const integers: Spec = { ...f, dtype: 'i32' }
  const [best, second] = [nth(ranks, 0, integers), nth(ranks, 1, integers)]
  const zy = at(z, places(e, targets))
  const masked = e.full(e.splat(MASKED, f))
  const rest = e.call([z, places(e, best), masked], logits, overwrite(e))
  const o = e.call([rest], logits, (t) => tf.softmax(t))
  const total = (x: Value): Value => e.call([x], f, (t) => tf.sum(t, 1))

  // The second largest logit's share of the rest gives L without Σ itself: ln o₂ = z₂ − L.
  const logO2 = c.log(at(o, places(e, second)))
  const lead = add(sub(z1, z2), logO2)
  const restLogp = c.neg(c.softplus(lead))
  const top = c.neg(c.log1p(c.exp(c.neg(lead))))
  const logp = add(sub(zy, z1), top)
  // ⟨o, ln o⟩ = ⟨o, rest⟩ − L: a pass less than by way of ln o.
  const meanLogO = add(sub(total(e.pointwise([o, rest], logits, tf.mul)), z2), logO2)
  const entropy = c.neg(add(mul(c.exp(top), top), mul(c.exp(restLogp), add(restLogp, meanLogO))))
  const restSquared = mul(c.exp(mul(restLogp, 2)), total(e.pointwise([o], logits, tf.square)))
  const piSquared = add(c.exp(mul(top, 2)), restSquared)
  const hit = e.pointwise([best, targets], { ...f, dtype: 'bool' }, tf.equal)
  // 1 − π_y: the rest's mass where y is the largest, else no cancellation, since π_y ≤ ½.
  const missing = c.where(hit, c.exp(restLogp), sub(1, c.exp(logp)))
  const others = c.where(hit, restSquared, c.max(sub(piSquared, c.exp(mul(logp, 2))), 0))
  const pError = c.sqrt(add(c.square(missing), others))
  return [logp, top, restLogp, entropy, piSquared, pError, best]
}

export const tokenStats: Lowering<OpAttrs['tokenStats']> = (
  e,
  [hidden, head, targets],
  { chunkRows },
  out,
) => {
  const [n, d] = hidden.shape
  // One token alone: π = 1, and the rest is empty.
  if (head.shape[0] === 1) return [0, 0, MASKED, 0, 1, 0, 0].map((value, i) => e.splat(value, out[i]))
  const [rows, table, tokens] = [hidden, head, targets].map((x) => e.full(x))
  const parts: Value[][] = []
  for (let from = 0; from < n; from += chunkRows) {
    const size = Math.min(n, from + chunkRows) - from
    const some = (x: Value, begin: number[], shape: number[]): Value =>
      size === n ? x : e.call([x], { ...x, shape }, (t) => e.tf.slice(t, begin, shape))
    parts.push(statsOfRows(e, some(rows, [from, 0], [size, d]), table, some(tokens, [from], [size])))
  }
  if (parts.length === 1) return parts[0]
  return out.map((s, i) =>
    e.call(
      parts.map((p) => e.full(p[i])),
      s,
      (...t) => e.tf.concat(t, 0),
    ),
  )
}
