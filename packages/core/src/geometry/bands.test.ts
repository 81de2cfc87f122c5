import { f32, trace, type HostTensor } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { numbers, run } from '../../test/toy.ts'
import { logSoftmaxOf } from '../squeeze/lemma.ts'
import { massByRank, RANK_BANDS } from '../squeeze/mass.ts'
import { massBands } from './bands.ts'

const next = numbers(41)
const exact = (data: readonly number[], ...shape: number[]): HostTensor => ({
  ...f32(...shape),
  data: Float64Array.from(data),
})
/** Bands of every row in a program, and on the host. */
function both(rows: number, vocab: number, entry: () => number, chunk?: number): { got: number[]; want: number[] } {
  const d = 3
  const [h, w] = [rows * d, vocab * d].map((n) => Array.from({ length: n }, entry))
  const program = trace((t) => ({ mass: massBands(t.hidden, t.head, chunk) }), {
    hidden: f32(rows, d),
    head: f32(vocab, d),
  })
  expect(program.outputs.map(({ value }) => program.values[value].shape)).toEqual([[rows, RANK_BANDS.length]])
  const want = Array.from({ length: rows }, (_, n) => {
    const logits = Array.from({ length: vocab }, (_, v) =>
      [0, 1, 2].reduce((s, i) => s + h[n * d + i] * w[v * d + i], 0),
    )
    return Object.values(massByRank(logSoftmaxOf(logits)))
  })
  return { got: run(program, { hidden: exact(h, rows, d), head: exact(w, vocab, d) }).mass, want: want.flat() }
}
const close = ({ got, want }: { got: number[]; want: number[] }): void =>
  want.forEach((w, i) => expect(Math.abs(got[i] - w)).toBeLessThan(1e-12 * Math.max(w, 1e-3)))

describe('mass by bands of ranks, in a program', () => {
  it('is what sorting on the host gives, however many rows are worked through at a time', () => {
    close(both(7, 250, () => 3 * next()))
    close(both(7, 250, () => 3 * next(), 2))
  })

  it('keeps the digits of a rest of 1e-20', () => {
    const { got, want } = both(2, 150, () => 9 * next())
    const rest = want.at(-1)!
    expect(rest).toBeLessThan(1e-15)
    expect(Math.abs(got.at(-1)! / rest - 1)).toBeLessThan(1e-9)
  })

  it('counts equal probabilities once, on either side of rank 100', () => close(both(3, 180, () => Math.sign(next()))))

  it('has nothing where the vocabulary ends', () => {
    const { got, want } = both(2, 7, next)
    close({ got, want })
    expect([got[3], got[4]]).toEqual([0, 0])
  })
})
