import { describe, expect, it } from 'vitest'
import { mapTree, type HostTensor } from '@ldyn/tensor'
import { filled, numbers, pack, run, toyModel, V } from '../../test/toy.ts'
import { evaluateProgram } from '../programs/evaluate.ts'
import { viewProgram } from './views.ts'
import { changeProgram, definedProxies, publishedProxies, smoothed } from './proxies.ts'
import { ranks, spearman } from './spearman.ts'

describe('LBK and SignDelta', () => {
  it('as defined are ‖Δlog π‖²/(‖A‖²‖G‖²) and the mean change over vocabulary and tokens (eq. 26)', () => {
    const model = toyModel()
    const before = filled(model.params, numbers(1))
    const next = numbers(2)
    const after = mapTree<HostTensor, HostTensor>(before, (t) => ({
      ...t,
      data: Float64Array.from(t.data, (x) => x + 0.1 * next()),
    }))
    const shape = { rows: 1, length: 8, reads: 4, sequences: 1, tokens: 4 }
    const batch = pack([{ prompt: [6, 2], responses: [[2, 5, 2, 0]] }], shape)
    const logPi = (params: typeof before): number[][] => {
      const z = run(viewProgram(model, { shape, view: 'logits' }), { params, batch }).seen
      return [0, 1, 2, 3].map((n) => {
        const row = z.slice(n * V, (n + 1) * V)
        const lse = Math.log(row.reduce((s, x) => s + Math.exp(x), 0))
        return row.map((x) => x - lse)
      })
    }
    const [a, b] = [logPi(after), logPi(before)]
    const change = a.map((row, n) => row.map((x, v) => x - b[n][v])).flat()
    const A = b.map((row) => row.map((_, i) => row.map((lp, j) => Number(i === j) - Math.exp(lp)))).flat(2)
    const square = (x: readonly number[]): number => x.reduce((n, v) => n + v * v, 0)
    const stats = run(evaluateProgram(model, shape), { params: before, batch })
    const gNorms = [0.5, 2]
    const { squares, sums } = run(changeProgram(model, shape), { before, after, batch })
    const got = definedProxies({ squares, sums, piSquared: stats.piSquared, gNorms, vocab: V })
    expect(got.lbk).toBeCloseTo(square(change) / (square(A) * square(gNorms)), 12)
    expect(got.signDelta).toBeCloseTo(change.reduce((n, x) => n + x, 0) / change.length, 12)
  })

  it('as published are ‖δ‖/(√mean A · mean p_e) and mean δ over the same, with powers that do not match eq. 26', () => {
    const { lbk, signDelta } = publishedProxies({ delta: [3, -4], aNorm: [14, 18], pError: [0.5, 0.5] })
    expect(lbk).toBeCloseTo(5 / (4 * 0.5), 12)
    expect(signDelta).toBeCloseTo(-0.5 / (4 * 0.5), 12)
  })

  it('are drawn smoothed, from the first value on', () => {
    expect(smoothed([1, 0, 0], 0.5)).toEqual([1, 0.5, 0.25])
  })
})

describe('Spearman', () => {
  it('is 1 for any rising relation and −1 for any falling one', () => {
    const x = [0.1, 4, 2, 7]
    expect(spearman(x, x.map(Math.exp))).toEqual({ rho: 1, n: 4 })
    expect(spearman(x, x.map((v) => -v)).rho).toBeCloseTo(-1, 14)
  })

  it('gives equal values the mean of their ranks', () => {
    expect(ranks([5, 1, 5, 0])).toEqual([3.5, 2, 3.5, 1])
    // numpy.corrcoef of the mean ranks [1, 2.5, 2.5, 4, 5] and [2, 1, 3.5, 3.5, 5]
    expect(spearman([1, 2, 2, 3, 5], [2, 1, 4, 4, 9]).rho).toBeCloseTo(0.763157894736842, 12)
  })

  it('is not defined for fewer than three pairs or for values that do not vary, and says so', () => {
    expect(spearman([1, 2], [1, 2])).toEqual({ rho: undefined, n: 2 })
    expect(spearman([1, 1, 1], [1, 2, 3]).rho).toBeUndefined()
    expect(() => spearman([1], [NaN])).toThrow('a value is NaN')
  })
})
