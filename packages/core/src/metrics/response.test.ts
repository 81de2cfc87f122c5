import { describe, expect, it } from 'vitest'
import { distance, golden } from '../../test/golden.ts'
import { filled, numbers, pack, run, toyModel, V } from '../../test/toy.ts'
import { evaluateProgram } from '../programs/evaluate.ts'
import { responseMetrics, type ResponseMetrics, type TokenStatsValues } from './response.ts'

interface Golden {
  readonly models: Readonly<
    Record<
      string,
      {
        readonly vocab: number
        readonly rows: readonly {
          readonly responses: readonly (readonly number[])[]
          readonly metrics: readonly {
            readonly sequence: Omit<ResponseMetrics, 'accuracy'>
            readonly tokens: Readonly<
              Record<
                'logp' | 'argmax' | 'argmax_logp' | 'rest_logp' | 'entropy' | 'sum_sq' | 'p_e',
                readonly number[]
              >
            >
          }[]
        }[]
      }
    >
  >
}

describe('metrics of a response', () => {
  it("are PyTorch's, from the same statistics of its tokens", () => {
    for (const { vocab, rows } of Object.values(golden<Golden>('metrics.json').models)) {
      for (const { responses, metrics } of rows) {
        metrics.forEach(({ sequence, tokens }, i) => {
          const stats: TokenStatsValues = {
            ...tokens,
            argmaxLogp: tokens.argmax_logp,
            restLogp: tokens.rest_logp,
            piSquared: tokens.sum_sq,
            pError: tokens.p_e,
          }
          const { accuracy, ...got } = responseMetrics(stats, [...responses[i].keys()], {
            vocab,
            targets: responses[i],
          })
          expect(Object.keys(got).sort()).toEqual(Object.keys(sequence).sort())
          for (const key of Object.keys(got) as (keyof typeof got)[])
            expect(distance([got[key]], [sequence[key]])).toBeLessThan(1e-12)
          expect(accuracy).toBe(
            responses[i].filter((id, t) => id === tokens.argmax[t]).length / responses[i].length,
          )
        })
      }
    }
  })

  it('take the reads that the grid names, in any order, and leave the others alone', () => {
    const model = toyModel()
    const params = filled(model.params, numbers(5))
    const shape = { rows: 1, length: 8, reads: 6, sequences: 2, tokens: 3 }
    const batch = pack(
      [
        {
          prompt: [1, 2],
          responses: [
            [3, 4, 0],
            [5, 0],
          ],
        },
      ],
      shape,
    )
    const stats = run(evaluateProgram(model, shape), { params, batch }) as unknown as TokenStatsValues
    const options = { vocab: V, targets: batch.targets.data }
    const [one, two] = [responseMetrics(stats, [0, 1, 2], options), responseMetrics(stats, [4, 3], options)]
    expect([one.tokens, two.tokens]).toEqual([3, 2])
    expect(one.logp).toBeCloseTo(stats.logp[0] + stats.logp[1] + stats.logp[2], 13)
    for (const m of [one, two]) {
      expect(m.argmax_logp).toBeGreaterThanOrEqual(m.logp)
      expect(m.a_norm).toBeGreaterThanOrEqual(Math.sqrt(V - 1))
      expect(m.a_norm).toBeLessThanOrEqual(Math.sqrt(2 * V - 2))
      expect(m.entropy).toBeLessThanOrEqual(Math.log(V))
      expect(m.paper_a_norm).toBeLessThanOrEqual(m.a_norm)
    }
  })

  it('of a uniform distribution are known: entropy ln V, ‖A‖ = √(V − 1), p_e = √(1 − 1/V)', () => {
    const model = toyModel()
    const flat = filled(model.params, () => 0)
    const shape = { rows: 1, length: 3, reads: 2, sequences: 1, tokens: 2 }
    const batch = pack([{ prompt: [1], responses: [[3, 0]] }], shape)
    const stats = run(evaluateProgram(model, shape), { params: flat, batch }) as unknown as TokenStatsValues
    const m = responseMetrics(stats, [0, 1], { vocab: V, targets: batch.targets.data })
    const want = [
      Math.log(V),
      Math.sqrt(V - 1),
      Math.sqrt(V - 1),
      Math.sqrt(1 - 1 / V),
      1 - 1 / V,
      -2 * Math.log(V),
      2 * Math.log(1 - 1 / V),
    ]
    expect(
      distance([m.entropy, m.a_norm, m.paper_a_norm, m.p_e, m.energy, m.logp, m.rest_logp], want),
    ).toBeLessThan(1e-13)
  })

  it('say where a number is missing', () => {
    const ok = [-1, -2]
    const stats = {
      logp: ok,
      argmaxLogp: ok,
      restLogp: ok,
      entropy: [1, NaN],
      piSquared: [0.5, 0.5],
      pError: [1, 1],
      argmax: [0, 0],
    }
    const options = { vocab: 4, targets: [0, 1] }
    expect(() => responseMetrics(stats, [0, 1], options)).toThrow('entropy of token 1 (read 1) is NaN')
    expect(() => responseMetrics(stats, [], options)).toThrow(/without tokens/)
    expect(responseMetrics(stats, [0], options).accuracy).toBe(1)
  })
})
