import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { describe, expect, it } from 'vitest'
import { syntheticData, twoSlopes, withRun } from '../test/synthetic-run.ts'
import { change, estimate, evaluationsOf, meanOfTypes, minus, sampleOf, sinceStart } from './series.ts'

describe('samples of a run', () => {
  it('have the means and standard errors of Run.curve, per response and per token', () =>
    withRun({ absent: (row, type) => type === 'irr_test' && row % 3 === 0 }, async (data, directory) => {
      const run = await openRun(directoryFiles(directory))
      for (const type of ['chosen', 'irr_test']) {
        for (const per of ['response', 'token'] as const) {
          const curve = await run.curve('logp', type, per)
          const points = sampleOf(data, 'logp', type, per)!.at.map(estimate)
          expect(points.map(({ n }) => n)).toEqual(points.map(() => curve.n))
          for (const [e, { mean, se }] of points.entries()) {
            expect(mean).toBeCloseTo(curve.mean[e], 10)
            expect(se).toBeCloseTo(curve.se[e], 10)
          }
        }
      }
      expect(sampleOf(data, 'entropy', 'chosen', 'token')).toBeUndefined()
      expect(sampleOf(data, 'logp', 'nothing')).toBeUndefined()
    }))

  it('pair each probe with itself, so that a shared shift has no error however much probes differ', async () => {
    const data = await syntheticData({ moves: { chosen: twoSlopes(10, 0) }, noise: 0 })
    const chosen = sampleOf(data, 'logp', 'chosen')!
    const last = chosen.at.length - 1
    expect(estimate(chosen.at[0]).se).toBeGreaterThan(3)
    expect(change(chosen, 0, last).mean).toBeCloseTo(10, 4)
    expect(change(chosen, 0, last).se).toBeLessThan(1e-5)
    expect(estimate(sinceStart(chosen).at[0])).toEqual({ mean: 0, se: 0, n: 24 })
  })

  it('subtract over the probes that both types have, and average the types that a row has', async () => {
    const data = await syntheticData({ probes: 6, absent: (row, type) => type === 'rejected' && row < 2 })
    const [chosen, rejected] = ['chosen', 'rejected'].map((type) => sampleOf(data, 'logp', type)!)
    const margin = minus(chosen, rejected)
    expect(margin.probes).toEqual([2, 3, 4, 5])
    expect(margin.at[1][0]).toBe(chosen.at[1][2] - rejected.at[1][0])
    const mean = meanOfTypes(data, 'logp', ['chosen', 'rejected'])!
    expect(mean.at[0][0]).toBe(chosen.at[0][0])
    expect(mean.at[0][2]).toBe((chosen.at[0][2] + rejected.at[0][0]) / 2)
  })

  it('know that a stage begins where the one before it was last evaluated', async () => {
    const data = await syntheticData({ every: 10 })
    expect(data.stages).toEqual([
      { name: 'sft', loss: 'sft', from: 0, to: 40 },
      { name: 'dpo', loss: 'dpo', from: 40, to: 80 },
    ])
    expect(evaluationsOf(data, data.stages[0])).toEqual([0, 1, 2, 3, 4])
    expect(evaluationsOf(data, data.stages[1])).toEqual([4, 5, 6, 7, 8])
  })
})
