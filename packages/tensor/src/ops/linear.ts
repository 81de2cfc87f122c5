/**
 * Matrix products. `matmul` takes equal batch axes, or a rank-2 right operand that all batches share (a
 * weight):
 * then the batch axes fold into the rows, and the weight's cotangent is one product, not a sum of many.
 */
import type { Tensor } from '../graph.ts'
import { sameShape, sizeOf, type Shape } from '../spec.ts'
import { emit, need, needFloat, type Maybe, type Ops } from './op.ts'
import { add } from './pointwise.ts'
import { reshape } from './movement.ts'

const rows = (s: Shape, t: boolean): number => s.at(t ? -1 : -2)!
const cols = (s: Shape, t: boolean): number => s.at(t ? -2 : -1)!

export const linearAlgebra: Ops<'matmul'> = {
  matmul: {
    doc: 'op(a)·op(b) over the last two axes, op = transpose where `ta`/`tb`. Batch axes are equal, or b has rank 2.',
    infer: (s, { ta, tb }) => {
      needFloat(s)
      const [a, b] = s.map((x) => x.shape)
      need(a.length >= 2 && b.length >= 2, 'operands need rank ≥ 2')
      const batch = a.slice(0, -2)
      need(
        sameShape(batch, b.slice(0, -2)) || (b.length === 2 && !ta),
        `batch axes [${batch.join(',')}] and [${b.slice(0, -2).join(',')}] differ (equal, or rank 2 on the right with ta false)`,
      )
      need(
        cols(a, ta) === rows(b, tb),
        `inner sizes ${cols(a, ta)} and ${rows(b, tb)} differ (ta=${ta}, tb=${tb})`,
      )
      return [{ shape: [...batch, rows(a, ta), cols(b, tb)], dtype: 'f32' }]
    },
    jvp: ({ x: [a, b], t, attrs: { ta, tb } }) => {
      const left = t[0] && matmul(t[0], b, ta, tb)
      const right = t[1] && matmul(a, t[1], ta, tb)
      return [left && right ? add(left, right) : (left ?? right)]
    },
    vjp: ({ x: [a, b], g: [g], attrs: { ta, tb }, needs }) => {
      if (!g) return []
      const da = (): Tensor => (ta ? matmul(b, g, tb, true) : matmul(g, b, false, !tb))
      const db = (): Tensor => {
        const [a2, g2] = b.shape.length === 2 && a.shape.length > 2 ? [fold(a), fold(g)] : [a, g]
        return tb ? matmul(g2, a2, true, ta) : matmul(a2, g2, !ta, false)
      }
      const out: Maybe[] = [needs[0] ? da() : undefined, needs[1] ? db() : undefined]
      return out
    },
    evaluate: ([a, b], { ta, tb }, [as, bs], [ys]) => {
      const [m, n] = ys.shape.slice(-2)
      const k = cols(as.shape, ta)
      const batches = sizeOf(ys.shape.slice(0, -2))
      const shared = bs.shape.length === 2
      const y = new Float64Array(sizeOf(ys.shape))
      const [ai, ak] = ta ? [1, m] : [k, 1]
      const [bk, bj] = tb ? [1, k] : [n, 1]
      for (let z = 0; z < batches; z++) {
        const a0 = z * m * k
        const b0 = shared ? 0 : z * k * n
        for (let i = 0; i < m; i++) {
          for (let l = 0; l < k; l++) {
            const v = a[a0 + i * ai + l * ak]
            const row = z * m * n + i * n
            for (let j = 0; j < n; j++) y[row + j] += v * b[b0 + l * bk + j * bj]
          }
        }
      }
      return [y]
    },
  },
}

/** All but the last axis in one. */
const fold = (x: Tensor): Tensor => reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!])

/** op(a)·op(b); see the op. */
export const matmul = (a: Tensor, b: Tensor, ta = false, tb = false): Tensor =>
  emit('matmul', linearAlgebra.matmul, [a, b], { ta, tb })[0]
