/**
 * What transformers are made of: linear, rotary positions, attention over a prompt and its responses.
 *
 * Attention takes `segments` beside `causal`: segment 0 is the prompt, 1, 2, … are its responses, and
 * position i
 * sees j ≤ i where segment j is 0 or i's own. So one row holds a prompt and all its responses (lab's
 * packing).
 */
import type { Tensor } from '../graph.ts'
import { emit, need, needFloat, type Maybe, type Ops } from '../ops/op.ts'
import { broadcast, concat, reshape, sliceAxis } from '../ops/movement.ts'
import { add, and, equal, less, mul, neg, not, or, select, sub } from '../ops/pointwise.ts'
import { iota } from '../ops/structure.ts'
import { matmul } from '../ops/linear.ts'
import { sum } from '../ops/reductions.ts'
import { softmax } from './softmax.ts'

/** Added to scores that must not be seen: finite, because WGSL may assume that no infinity exists. */
export const MASKED = -1e30

/** [B,Hkv,T,D] → [B,H,T,D]: every key head serves H/Hkv query heads in turn. */
function repeatHeads(x: Tensor, heads: number): Tensor {
  const [b, kv, t, d] = x.shape
  return reshape(broadcast(reshape(x, [b, kv, 1, t, d]), [b, kv, heads / kv, t, d]), [b, heads, t, d])
}

/** Additive mask f32 [B or 1, 1, T, T]: 0 where i sees j, MASKED elsewhere. */
function attentionMask(t: number, causal: boolean, segments?: Tensor): Tensor | undefined {
  if (!causal && !segments) return undefined
  const shape = [segments?.shape[0] ?? 1, 1, t, t]
  const seen: Tensor[] = causal ? [not(less(iota(shape, 2), iota(shape, 3)))] : []
  if (segments) {
    const own = broadcast(reshape(segments, [shape[0], 1, t, 1]), shape)
    const other = broadcast(reshape(segments, [shape[0], 1, 1, t]), shape)
    seen.push(or(equal(other, 0), equal(other, own)))
  }
  return select(seen.reduce(and), 0, MASKED)
}

/** softmax(q·kᵀ + mask), q already scaled: [B,H,T,T]. */
function attentionWeights(q: Tensor, k: Tensor, causal: boolean, segments?: Tensor): Tensor {
  const scores = matmul(q, repeatHeads(k, q.shape[1]), false, true)
  const mask = attentionMask(q.shape[2], causal, segments)
  return softmax(mask ? add(scores, mask) : scores)
}

/** q̇·kᵀ + q·k̇ᵀ, both moving as one product: [q̇,q]·[k,k̇]ᵀ. */
function scoreTangent(q: Tensor, k: Tensor, dq: Maybe, dk: Maybe): Maybe {
  const product = (a: Tensor, b: Tensor): Tensor => matmul(a, repeatHeads(b, q.shape[1]), false, true)
  if (dq && dk) return product(concat([dq, q], 3), concat([k, dk], 3))
  return dq ? product(dq, k) : dk && product(q, dk)
}

/** The sum over each key head's query heads: [B,H,T,D] → [B,Hkv,T,D]. */
function sumHeads(x: Tensor, groups: number): Tensor {
  const [b, h, t, d] = x.shape
  return h === groups ? x : sum(reshape(x, [b, groups, h / groups, t, d]), 2)
}

export const transformer: Ops<'linear' | 'rope' | 'attention' | 'attentionBackward'> = {
  linear: {
    doc: 'x·w + b; x [..., in], w [in, out], optional b [out].',
    infer: (s) => {
      needFloat(s)
      const [x, w, b] = s.map((v) => v.shape)
      need(x.length >= 2, 'x needs rank ≥ 2')
      need(w.length === 2 && x.at(-1) === w[0], `w must be f32[${x.at(-1)}, out]`)
      need(!b || (b.length === 1 && b[0] === w[1]), `b must be f32[${w[1]}]`)
      return [{ shape: [...x.slice(0, -1), w[1]], dtype: 'f32' }]
    },
    expand: ([x, w, b]) => [b ? add(matmul(x, w), b) : matmul(x, w)],
  },
  rope: {
    doc: 'Rotary positions, half-split: with r = 2·cos.shape[−1], (x₁, x₂) = halves of x[…, :r], y = (x₁c − x₂s, x₂c + x₁s, rest). x [B,H,T,D], cos and sin [B,T,r/2].',
    infer: (s) => {
      needFloat(s)
      const [x, cos, sin] = s.map((v) => v.shape)
      need(
        x.length === 4 && cos.length === 3 && cos.every((d, a) => d === sin[a]),
        'takes x [B,H,T,D] and cos, sin [B,T,r/2]',
      )
      need(
        (cos[0] === x[0] || cos[0] === 1) && cos[1] === x[2] && 2 * cos[2] <= x[3],
        `cos [${cos.join(',')}] does not fit x [${x.join(',')}]`,
      )
      return [s[0]]
    },
    expand: ([x, cos, sin]) => {
      const half = cos.shape[2]
      const heads = (v: Tensor): Tensor => reshape(v, [v.shape[0], 1, v.shape[1], half])
      const [c, s] = [heads(cos), heads(sin)]
      const x1 = sliceAxis(x, 3, 0, half)
      const x2 = sliceAxis(x, 3, half, 2 * half)
      const turned = [sub(mul(x1, c), mul(x2, s)), add(mul(x2, c), mul(x1, s))]
      return [concat(2 * half < x.shape[3] ? [...turned, sliceAxis(x, 3, 2 * half, x.shape[3])] : turned, 3)]
    },
    // A rotation: linear in x, and its transpose turns back. Tables are constants to derivatives.
    jvp: ({ x: [, cos, sin], t }) => [t[0] && rope(t[0], cos, sin)],
    vjp: ({ x: [, cos, sin], g }) => [rope(g[0]!, cos, neg(sin)), undefined, undefined],
  },
  attention: {
    doc: "softmax(scale·q·kᵀ + mask)·v; q [B,H,T,D], k and v [B,Hkv,T,D] with H a multiple of Hkv, optional i32 segments [B,T]. i sees j ≤ i (causal) where segment j is 0 or i's own.",
    infer: (s, _) => {
      const [q, k, v, segments] = s
      needFloat([q, k, v])
      need(q.shape.length === 4 && k.shape.length === 4 && v.shape.length === 4, 'q, k and v have rank 4')
      const [b, h, t, d] = q.shape
      need(t > 0, 'no position to attend to')
      need(
        k.shape[0] === b && k.shape[2] === t && k.shape[3] === d && h % k.shape[1] === 0,
        `k [${k.shape.join(',')}] does not fit q [${q.shape.join(',')}]`,
      )
      need(
        v.shape.every((n, a) => n === k.shape[a]),
        'k and v differ in shape',
      )
      need(
        !segments ||
          (segments.dtype === 'i32' &&
            segments.shape.length === 2 &&
            segments.shape[0] === b &&
            segments.shape[1] === t),
        `segments must be i32[${b},${t}]`,
      )
      return [q]
    },
    expand: ([q, k, v, segments], attrs) => [
      matmul(attentionWeights(mul(q, attrs.scale), k, attrs.causal, segments), repeatHeads(v, q.shape[1])),
    ],
    // With P the weights and M = P∘Ṡ: ẏ = M·v + P·v̇ − (Σⱼ M)·y. Every pass over [T,T] costs as much as an eighth of
    // a product there, so Ṡ is one product of twice the width, and centring is left to the [T,D] that follows.
    linearise: ([q, k, v, segments], { scale, causal }) => {
      const heads = q.shape[1]
      const scaled = mul(q, scale)
      const p = attentionWeights(scaled, k, causal, segments)
      const values = repeatHeads(v, heads)
      const y = matmul(p, values)
      const tangent = ([dq, dk, dv]: readonly Maybe[]): readonly Maybe[] => {
        const moving = dv && matmul(p, repeatHeads(dv, heads))
        const ds = scoreTangent(scaled, k, dq && mul(dq, scale), dk)
        if (!ds) return [moving]
        const m = mul(p, ds)
        const viaWeights = sub(matmul(m, values), mul(y, sum(m, -1, true)))
        return [moving ? add(viaWeights, moving) : viaWeights]
      }
      return { y: [y], tangent }
    },
    vjp: ({ x: [q, k, v, segments], y: [y], g, attrs, needs }) => {
      const back = attentionBackward(q, k, v, y, g[0]!, { ...attrs, segments })
      return back.map((x, i) => (needs[i] ? x : undefined))
    },
  },
  attentionBackward: {
    doc: 'q̄, k̄, v̄ of y = attention(q, k, v, segments?) from (q, k, v, y, ȳ, segments?): P̄ = ȳ·vᵀ, S̄ = P∘(P̄ − ⟨P, P̄⟩), q̄ = scale·S̄·k, k̄ = scale·S̄ᵀ·q, v̄ = Pᵀ·ȳ.',
    infer: ([q, k, v, y, g, segments], attrs) => {
      transformer.attention.infer(segments ? [q, k, v, segments] : [q, k, v], attrs)
      needFloat([y, g])
      need(
        [y, g].every((s) => s.shape.length === 4 && s.shape.every((n, a) => n === q.shape[a])),
        "the result and its cotangent have q's shape",
      )
      return [q, k, v]
    },
    // What differentiating attention's expansion gives, so that a backend without a kernel shares P with it.
    expand: ([q, k, v, , g, segments], { scale, causal }) => {
      const [heads, groups] = [q.shape[1], k.shape[1]]
      const scaled = mul(q, scale)
      const p = attentionWeights(scaled, k, causal, segments)
      const moved = matmul(g, repeatHeads(v, heads), false, true)
      const ds = mul(p, sub(moved, sum(mul(p, moved), -1, true)))
      return [
        mul(matmul(ds, repeatHeads(k, heads)), scale),
        sumHeads(matmul(ds, scaled, true, false), groups),
        sumHeads(matmul(p, g, true, false), groups),
      ]
    },
  },
}

/** x·w (+ b) with w [in, out]. */
export const linear = (x: Tensor, w: Tensor, b?: Tensor): Tensor =>
  emit('linear', transformer.linear, b ? [x, w, b] : [x, w], {})[0]
export const rope = (x: Tensor, cos: Tensor, sin: Tensor): Tensor =>
  emit('rope', transformer.rope, [x, cos, sin], {})[0]
export const attention = (
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: { scale: number; causal: boolean; segments?: Tensor },
): Tensor =>
  emit('attention', transformer.attention, options.segments ? [q, k, v, options.segments] : [q, k, v], {
    scale: options.scale,
    causal: options.causal,
  })[0]
/** Cotangents of q, k and v from attention's result y and its cotangent g; see the op. */
export const attentionBackward = (
  q: Tensor,
  k: Tensor,
  v: Tensor,
  y: Tensor,
  g: Tensor,
  { scale, causal, segments }: { scale: number; causal: boolean; segments?: Tensor },
): Tensor[] => {
  const operands = segments ? [q, k, v, y, g, segments] : [q, k, v, y, g]
  return emit('attentionBackward', transformer.attentionBackward, operands, { scale, causal })
}
