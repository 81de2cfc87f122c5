/**
 * Attention in six tf ops. Heads that share keys are rows of one product: [B,H,T,D] lies in memory as
 * [B·Hkv, (H/Hkv)·T, D], so keys and values are never repeated. The mask is made once for all layers.
 */
import { MASKED, type OpAttrs } from '@ldyn/tensor'
import type { Emitter, Value } from './emitter.ts'
import { choose, type Lowering } from './primitives.ts'
import type { Spec } from './shapes.ts'

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

export const attention: Lowering<OpAttrs['attention']> = (
  e,
  [q, k, v, segments],
  { scale, causal },
  [out],
) => {
  const { tf } = e
  const [b, h, t, d] = q.shape
  const shared = k.shape[1]
  const batch = b * shared
  const rows = (h / shared) * t
  const [keys, values] = [k, v].map((x) => e.full(e.reshape(x, [batch, t, d])))
  const scaled = e.pointwise([q, e.splat(scale, q)], q, tf.mul)
  const queries = e.full(e.reshape(scaled, [batch, rows, d]))
  const flat: Spec = { shape: [batch, rows, t], dtype: 'f32' }
  const square: Spec = { shape: [b, h, t, t], dtype: 'f32' }
  let scores = e.call([queries, keys], flat, (x, y) => tf.matMul(x, y, false, true))
  if (causal || segments) {
    const key = `mask|${segments?.id}|${segments?.held.join(',')}|${t}|${causal}`
    const hidden = e.shared(key, () => mask(e, t, causal, segments))
    const whole = e.reshape(scores, square.shape)
    scores = e.reshape(e.call([whole, hidden], square, (x, m) => tf.add(x, m)), flat.shape)
  }
  const weights = e.call([scores], flat, (x) => tf.softmax(x))
  const mixed = { ...flat, shape: [batch, rows, d] }
  return [e.reshape(e.call([weights, values], mixed, (x, y) => tf.matMul(x, y)), out.shape)]
}
