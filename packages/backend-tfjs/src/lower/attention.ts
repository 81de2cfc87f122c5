/**
 * Attention and its derivative in a few tf ops. Heads that share keys are rows of one product: [B,H,T,D] lies in
 * memory as [B·Hkv, (H/Hkv)·T, D], so keys and values are never repeated, and their cotangents are never summed over
 * heads. The mask is made once for all layers, the weights once for a layer and its derivative.
 */
import { MASKED, type OpAttrs } from '@ldyn/tensor'
import type { Emitter, Value } from './emitter.ts'
import { choose, type Lowering } from './primitives.ts'
import type { Spec } from './shapes.ts'

type Attrs = OpAttrs['attention']

/** f32 [B or 1,1,T,T]: 0 where i sees j (j ≤ i if causal; segment j is the prompt's or i's own), else MASKED. */
function mask(e: Emitter, t: number, causal: boolean, segments: Value | undefined): Value {
  const { tf } = e
  const shape = [segments?.shape[0] ?? 1, 1, t, t]
  const bool: Spec = { shape, dtype: 'bool' }
  const seen: Value[] = []
  if (causal) {
    const count = Array.from({ length: t }, (_, i) => i)
    const index = { shape, dtype: 'i32' } as const
    const [i, j] = [e.constant(index, count, [t, 1]), e.constant(index, count, [t])]
    seen.push(e.pointwise([j, i], bool, tf.lessEqual))
  }
  if (segments) {
    const at = (...held: number[]): Value => ({ ...e.reshape(segments, held), shape })
    const [own, other] = [at(shape[0], 1, t, 1), at(shape[0], 1, 1, t)]
    const prompt = e.pointwise([other, e.splat(0, other)], bool, tf.equal)
    seen.push(e.pointwise([prompt, e.pointwise([other, own], bool, tf.equal)], bool, tf.logicalOr))
  }
  const visible = seen.reduce((a, b) => e.pointwise([a, b], bool, tf.logicalAnd))
  const f: Spec = { shape, dtype: 'f32' }
  return choose(e, visible, e.splat(0, f), e.splat(MASKED, f), f)
}

/** [B,H,T,D] or [B,Hkv,T,D] as [B·Hkv, …, D]. */
const byKeyHead = (e: Emitter, x: Value, k: Value): Value => {
  const batch = k.shape[0] * k.shape[1]
  return e.full(e.reshape(x, [batch, (x.shape[1] / k.shape[1]) * x.shape[2], x.shape[3]]))
}

interface Weights {
  /** scale·q [B·Hkv, rows, D]. */
  readonly queries: Value
  readonly keys: Value
  /** softmax(scale·q·kᵀ + mask) [B·Hkv, rows, T]. */
  readonly weights: Value
}

function weightsOf(e: Emitter, q: Value, k: Value, segments: Value | undefined, attrs: Attrs): Weights {
  const { tf } = e
  const [b, h, t] = q.shape
  const { scale, causal } = attrs
  const id = (v: Value | undefined): string => (v ? `${v.id}:${v.shape.join(',')}:${v.held.join(',')}` : '')
  const operands = `${id(q)}|${id(k)}|${id(segments)}|${scale}|${causal}`
  const queries = e.shared(`queries|${operands}`, () =>
    byKeyHead(e, e.pointwise([q, e.splat(scale, q)], q, tf.mul), k),
  )
  const keys = e.shared(`keys|${operands}`, () => byKeyHead(e, k, k))
  const weights = e.shared(`weights|${operands}`, () => {
    const flat: Spec = { shape: [queries.shape[0], queries.shape[1], t], dtype: 'f32' }
    const square: Spec = { shape: [b, h, t, t], dtype: 'f32' }
    let scores = e.call([queries, keys], flat, (x, y) => tf.matMul(x, y, false, true))
    if (causal || segments) {
      const hidden = e.shared(`mask|${id(segments)}|${t}|${causal}`, () => mask(e, t, causal, segments))
      const whole = e.reshape(scores, square.shape)
      scores = e.reshape(e.call([whole, hidden], square, (x, m) => tf.add(x, m)), flat.shape)
    }
    return e.call([scores], flat, (x) => tf.softmax(x))
  })
  return { queries, keys, weights }
}

export const attention: Lowering<Attrs> = (e, [q, k, v, segments], attrs, [out]) => {
  const { queries, weights } = weightsOf(e, q, k, segments, attrs)
  const values = byKeyHead(e, v, k)
  const mixed = e.call([weights, values], queries, (x, y) => e.tf.matMul(x, y))
  return [e.reshape(mixed, out.shape)]
}

/**
 * P̄ = ȳ·vᵀ, S̄ = P∘(P̄ − ⟨ȳ, y⟩), q̄ = scale·S̄·k, k̄ = S̄ᵀ·(scale·q), v̄ = Pᵀ·ȳ. (⟨P, P̄⟩ over a row of T is ⟨ȳ, y⟩
 * over one of D.)
 */
export const attentionBackward: Lowering<OpAttrs['attentionBackward']> = (
  e,
  [q, k, v, y, g, segments],
  attrs,
  outs,
) => {
  const { tf } = e
  const { queries, keys, weights } = weightsOf(e, q, k, segments, attrs)
  const [values, given, result] = [v, g, y].map((x) => byKeyHead(e, x, k))
  const column: Spec = { shape: [...given.shape.slice(0, 2), 1], dtype: 'f32' }
  const product = e.pointwise([result, given], given, tf.mul)
  const mean = e.call([product], column, (x) => tf.sum(x, 2, true))
  const moved = e.call([given, values], weights, (x, w) => tf.matMul(x, w, false, true))
  const centred = e.call([moved, mean], weights, (x, m) => tf.sub(x, m))
  const scores = e.call([weights, centred], weights, (p, x) => tf.mul(p, x))
  const along = e.call([scores, keys], queries, (s, x) => tf.matMul(s, x))
  return [
    e.pointwise([along, e.splat(attrs.scale, along)], along, tf.mul),
    e.call([scores, queries], keys, (s, x) => tf.matMul(s, x, true, false)),
    e.call([weights, given], values, (p, x) => tf.matMul(p, x, true, false)),
  ].map((x, i) => e.reshape(x, outs[i].shape))
}
