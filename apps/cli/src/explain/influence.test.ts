import type { RunData } from '@ldyn/figures'
import type { DecompositionLine, Run } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { learnedType } from '@ldyn/figures/paper'
import { accumulate, influenceAnswer } from './influence.ts'

const line = (s: number, stage: string, chosen: number, rejected: number): DecompositionLine => ({
  s,
  t: 0,
  stage,
  rows: [s],
  lr: 1,
  grad_norm: 1,
  clip_factor: 1,
  residual: 0,
  probes: [0, 1].flatMap((row) => [
    {
      row,
      type: 'chosen',
      actual: chosen + (row ? 1 : -1),
      predicted: chosen,
      directions: { [`${s} chosen`]: 2, [`${s} rejected`]: chosen - 2.5, 'carry-over': 0.5 },
    },
    {
      row,
      type: 'rejected',
      actual: rejected,
      predicted: rejected,
      directions: { [`${s} rejected`]: rejected },
    },
  ]),
})

/** Ten updates of one stage of which four were decomposed, evaluated at 0, 5 and 10 on two probes. */
const lines = [line(2, 'dpo', -8, -1), line(4, 'dpo', 1, -1), line(6, 'dpo', -1, -1), line(8, 'dpo', -1, -1)]
const column = (values: readonly number[]): Float32Array => Float32Array.from(values)
const data: RunData = {
  id: 'r',
  manifest: { stages: [{ name: 'dpo', loss: 'dpo', updates: 10 }] } as unknown as RunData['manifest'],
  probes: {
    rows: [{}, {}],
    columns: [0, 1].flatMap((row) =>
      ['chosen', 'rejected'].map((type) => ({ row, type, tokens: 3, offset: 0 })),
    ),
    absent: [],
  } as unknown as RunData['probes'],
  types: ['chosen', 'rejected'],
  evaluations: [0, 5, 10].map((step) => ({ step, stage: 'dpo' })),
  stages: [{ name: 'dpo', loss: 'dpo', from: 0, to: 10 }],
  scalars: new Map(),
  rows: new Map([
    ['logp', [column([-10, -20, -10, -20]), column([-11, -22, -13, -22]), column([-12, -30, -14, -30])]],
    ['a_norm', [4, 9, 16].map((a) => column([a, a, a, a]))],
    ['p_e', [0.5, 0.5, 0.5].map((p) => column([p, p, p, p]))],
  ]),
}
const found = accumulate({ decompositions: lines, manifest: { id: 'r' } } as unknown as Run, data)

describe('accumulated influence', () => {
  it('adds up the predictions of each direction over probes and updates, each standing for those between', () => {
    const of = (learned: string) => found.learned.find((l) => l.learned === learned)!.exact
    // Four decomposed of ten: each stands for 2.5. Learning y⁺ gave chosen 2 at each.
    expect(of('chosen').chosen).toBeCloseTo(2.5 * 4 * 2, 12)
    expect(of('rejected').chosen).toBeCloseTo(2.5 * (-8 + 1 - 1 - 1 - 4 * 2.5), 12)
    expect(of('carry-over').chosen).toBeCloseTo(2.5 * 4 * 0.5, 12)
    expect(of('rejected').rejected).toBeCloseTo(2.5 * -4, 12)
    expect(of('chosen').rejected).toBe(0)
  })

  it('has beside them the published proxy, Σ mean(δ)/(√mean‖A‖ · mean p_e), and what really happened', () => {
    expect(found.stages[0]).toMatchObject({ updates: 10, decomposed: 4 })
    expect(found.stages[0].proxy.chosen).toBeCloseTo(-2 / (2 * 0.5) + -1 / (3 * 0.5), 6)
    expect(found.stages[0].actual).toEqual({ chosen: -3, rejected: -10 })
  })

  it('names the fewest updates that make 70 % of the fall, and the examples that pushed', () => {
    expect(found.fall).toMatchObject({ type: 'chosen', total: -10, decomposed: 4 })
    expect(found.fall.updates).toEqual([{ name: 'dpo 2', change: -8, share: 0.8 }])
    // By prediction: example 2 has 2 − 10.5, the others 2 − 1.5 − … of which only those below 0 are falls.
    expect(found.fall.examples.map(({ name }) => name)).toEqual(['2'])
    // Actual differs from predicted by ±1 at chosen alone.
    expect(found.residual).toBeCloseTo(Math.sqrt(8 / (49 + 81 + 4 + 4 + 4 + 8)), 12)
    expect(influenceAnswer(found).notes[0]).toMatch(/^The first order leaves 23 %/)
    expect(influenceAnswer(found).paragraph).toMatch(
      /^Of the 4 decomposed updates, 1 caused 80 % of the fall of 'chosen'/,
    )
  })

  it('reads what was learned from a direction’s name', () => {
    const names = ['17 chosen target', 'rejected target', '17 rejected', 'nll', '17 target', 'carry-over']
    expect(names.map(learnedType)).toEqual(['chosen', 'rejected', 'rejected', 'nll', 'target', 'carry-over'])
  })
})
