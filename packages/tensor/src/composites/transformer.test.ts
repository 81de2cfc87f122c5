/** What a position sees, and how positions turn. */
import { describe, expect, it } from 'vitest'
import { draw, given, normal, tinyTransformer } from '../cases/index.ts'
import { attention, linear, rope, trace, type Branch, type HostTensor, type Tensor } from '../index.ts'
import { evaluate } from '../reference/index.ts'

const run = (f: (x: Record<string, Tensor>) => Tensor, x: Record<string, HostTensor>): HostTensor =>
  evaluate(trace(f, x), x) as HostTensor

describe('attention', () => {
  const [b, h, kv, t, d] = [2, 4, 2, 6, 3]
  const segments = [0, 0, 1, 1, 2, 2, 0, 1, 1, 2, 3, 3]
  const x = draw({
    q: normal(b, h, t, d),
    k: normal(b, kv, t, d),
    v: normal(b, kv, t, d),
    s: given(segments, [b, t], 'i32'),
  }) as Record<string, HostTensor>

  it('is softmax over what is seen, head by head', () => {
    const y = run(({ q, k, v, s }) => attention(q, k, v, { scale: 0.7, causal: true, segments: s }), x)
    for (let z = 0; z < b; z++)
      for (let n = 0; n < h; n++)
        for (let i = 0; i < t; i++) {
          const group = Math.floor(n / (h / kv))
          const row = (name: string, heads: number, head: number, at: number) =>
            x[name].data.subarray(((z * heads + head) * t + at) * d, ((z * heads + head) * t + at + 1) * d)
          const seen = Array.from({ length: t }, (_, j) => j).filter(
            (j) => j <= i && [0, segments[z * t + i]].includes(segments[z * t + j]),
          )
          const weights = seen.map((j) =>
            Math.exp(
              0.7 * Array.from(row('q', h, n, i)).reduce((s, v, c) => s + v * row('k', kv, group, j)[c], 0),
            ),
          )
          const total = weights.reduce((s, w) => s + w)
          for (let c = 0; c < d; c++) {
            const expected = seen.reduce((s, j, m) => s + (weights[m] / total) * row('v', kv, group, j)[c], 0)
            expect(y.data[((z * h + n) * t + i) * d + c]).toBeCloseTo(expected, 12)
          }
        }
  })
  it('without segments sees all that came before, and the first position sees itself alone', () => {
    const y = run(({ q, k, v }) => attention(q, k, v, { scale: 0.7, causal: true }), x)
    for (let c = 0; c < d; c++) expect(y.data[c]).toBeCloseTo(x.v.data[c], 14)
  })
})

describe('a packed row', () => {
  const { program, inputs } = tinyTransformer()
  const logp = (tokens: ArrayLike<number>): number[] => {
    const changed: Branch<HostTensor> = {
      ...inputs,
      tokens: { ...(inputs.tokens as HostTensor), data: Int32Array.from(tokens) },
    }
    return Array.from((evaluate(program, changed) as Record<string, HostTensor>).logp.data)
  }
  const tokens = Array.from((inputs.tokens as HostTensor).data)
  const same = (a: number[], b: number[]) => a.flatMap((v, i) => (v === b[i] ? [] : [i]))

  it("a response sees the prompt and itself only: other responses' tokens change nothing in it", () => {
    // Segments of row 0: prompt 0 1, response one 2 3, response two 4 5.
    const other = (i: number) => tokens.map((v, n) => (n === i ? (v + 1) % 11 : v))
    expect(same(logp(tokens), logp(other(2)))).toEqual([2, 3])
    expect(same(logp(tokens), logp(other(4)))).toEqual([4, 5])
    expect(same(logp(tokens), logp(other(0)))).toEqual([0, 1, 2, 3, 4, 5])
  })
  it('a later token changes nothing before it, and no row changes another', () => {
    const last = tokens.map((v, n) => (n === 11 ? (v + 1) % 11 : v))
    expect(same(logp(tokens), logp(last))).toEqual([11])
  })
})

describe('rope', () => {
  const angles = [0, 0, 0.3, 0.1, 0.6, 0.2]
  const tables = { cos: given(angles.map(Math.cos), [1, 3, 2]), sin: given(angles.map(Math.sin), [1, 3, 2]) }
  const x = draw({ x: normal(2, 1, 3, 6), ...tables }) as Record<string, HostTensor>

  it('turns the pair (i, i + r/2) by its angle, and leaves what is beyond r alone', () => {
    const y = run((v) => rope(v.x, v.cos, v.sin), x)
    for (let z = 0; z < 2; z++)
      for (let t = 0; t < 3; t++) {
        const at = (c: number) => (z * 3 + t) * 6 + c
        for (let i = 0; i < 2; i++) {
          const [a, b, angle] = [x.x.data[at(i)], x.x.data[at(i + 2)], angles[2 * t + i]]
          expect(y.data[at(i)]).toBeCloseTo(a * Math.cos(angle) - b * Math.sin(angle), 6)
          expect(y.data[at(i + 2)]).toBeCloseTo(b * Math.cos(angle) + a * Math.sin(angle), 6)
        }
        for (const c of [4, 5]) expect(y.data[at(c)]).toBe(x.x.data[at(c)])
      }
  })
})

it('linear is x·w + b with w [in, out]', () => {
  const x = draw({ x: normal(2, 3), w: normal(3, 2), b: normal(2) }) as Record<string, HostTensor>
  const y = run((v) => linear(v.x, v.w, v.b), x)
  for (let r = 0; r < 2; r++)
    for (let o = 0; o < 2; o++) {
      const expected = [0, 1, 2].reduce((s, i) => s + x.x.data[3 * r + i] * x.w.data[2 * i + o], x.b.data[o])
      expect(y.data[2 * r + o]).toBeCloseTo(expected, 13)
    }
})
