import { hostTensor } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { filled, numbers, pack, run, toyModel, V } from '../../test/toy.ts'
import { inner } from '../kernel/matrix.ts'
import { viewProgram } from '../kernel/views.ts'
import { displacementProgram, displacementScores, type ResponseStates } from './displacement.ts'
import { editDistance, nearestOf, normalisedEditDistance } from './edit-distance.ts'

const D = 4
const shape = { rows: 1, length: 8, reads: 7, sequences: 2, tokens: 4 }
const responses = [
  [3, 4, 0],
  [5, 4, 0],
]
const batch = pack([{ prompt: [1, 2], responses }], shape)

describe('displacement scores', () => {
  const model = toyModel()
  const params = filled(model.params, numbers(9))
  const out = run(displacementProgram(model, shape), {
    params,
    batch: { ...batch, last: hostTensor([2, 5], [2], 'i32') },
  })
  const states = (s: number): ResponseStates => ({
    ids: responses[s],
    sum: out.sums.slice(s * D, (s + 1) * D),
    last: out.last.slice(s * D, (s + 1) * D),
    logp: out['stats.logp'].slice(3 * s, 3 * s + 3),
    piSquared: out['stats.piSquared'].slice(3 * s, 3 * s + 3),
  })
  const scores = displacementScores(states(0), states(1))
  const hidden = run(viewProgram(model, { shape, view: 'hidden' }), { params, batch }).seen
  const h = (read: number): number[] => hidden.slice(read * D, (read + 1) * D)
  const summed = (reads: number[]): number[] => h(0).map((_, i) => reads.reduce((n, r) => n + h(r)[i], 0))
  const [up, down] = [summed([0, 1, 2]), summed([3, 4, 5])]

  it('CHES is ⟨Σh⁺, Σh⁻⟩ − ‖Σh⁺‖² over the states that predict the response, length-normalised by lengths', () => {
    expect(scores.ches).toBeCloseTo(inner(up, down) - inner(up, up), 12)
    expect(scores.ln_ches).toBeCloseTo(inner(up, down) / 9 - inner(up, up) / 9, 12)
    expect(scores.last_hidden).toBeCloseTo(inner(h(2), h(5)), 12)
  })

  it('p_thr is the mean of ‖π‖² − π_y over y⁻, where a token starts to rise as y⁻ falls', () => {
    const z = run(viewProgram(model, { shape, view: 'logits' }), { params, batch }).seen
    const want = [3, 4, 5].map((read, t) => {
      const row = z.slice(read * V, (read + 1) * V)
      const total = row.reduce((n, x) => n + Math.exp(x), 0)
      const pi = row.map((x) => Math.exp(x) / total)
      return inner(pi, pi) - pi[responses[1][t]]
    })
    expect(scores.p_thr).toBeCloseTo((want[0] + want[1] + want[2]) / 3, 12)
    expect(scores.rejected_logp_per_token * 3).toBeCloseTo(scores.rejected_logp, 12)
    expect(scores.rejected_logp).toBeCloseTo(out['stats.logp'].slice(3, 6).reduce((a, b) => a + b), 12)
  })

  it('the edit distance is over token ids, divided by the longer length', () => {
    expect(scores.edit_distance).toBeCloseTo(1 / 3, 15)
    expect(normalisedEditDistance([1, 2, 3, 4], [1, 3])).toBe(0.5)
    expect(normalisedEditDistance([], [])).toBe(0)
    expect(editDistance('kitten', 'sitting')).toBe(3)
    expect([editDistance('ab', 'ba'), editDistance('ab', 'ba', { swaps: true })]).toEqual([2, 1])
    expect(nearestOf('trian', ['plot', 'train'])).toEqual({ name: 'train', distance: 2 })
    expect(nearestOf('x', [])).toBeUndefined()
  })

  it('identical responses have CHES 0, the largest that parallel sums can have at equal length', () => {
    const same = displacementScores(states(0), states(0))
    expect([same.ches, same.ln_ches, same.edit_distance]).toEqual([0, 0, 0])
  })

  it('refuses a response without tokens', () => {
    expect(() => displacementScores(states(0), { ...states(1), ids: [] })).toThrow('a response has no tokens')
  })
})
