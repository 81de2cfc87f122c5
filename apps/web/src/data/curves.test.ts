import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { gather, estimate, sampleOf, sinceStart } from '@ldyn/figures'
import { describe, expect, it } from 'vitest'
import { addStep, beginRun, TYPES, withRoot } from '../../test/run-on-disk.ts'
import { createCurves, quantile } from './curves.ts'
import { followRun } from './live-run.ts'

describe('curves', () => {
  it('equal those of the figures, for every type, per response and per token, as values and as changes', () =>
    withRoot(async root => {
      const writer = await beginRun(root, [0, 10])
      const live = followRun(directoryFiles(root), ['logp', 'entropy'])
      const curves = createCurves()
      // Half before the run grew and half after: continued curves are those computed at once.
      const before = (await live.refresh())!
      for (const type of TYPES) curves.of(before, { metric: 'logp', type, per: 'token', spread: 'se' })
      await addStep(writer, 20)
      const data = (await live.refresh())!
      const whole = await gather(await openRun(directoryFiles(root)))
      for (const type of TYPES) {
        for (const per of ['response', 'token'] as const) {
          const sample = sampleOf(whole, 'logp', type, per)!
          for (const since of [undefined, 0]) {
            const found = curves.of(data, { metric: 'logp', type, per, spread: 'se', since })!
            const wanted = (since === 0 ? sinceStart(sample) : sample).at.map(estimate)
            expect(found.n).toBe(type === 'rejected' ? 3 : 4)
            found.mean.forEach((mean, e) => expect(mean).toBeCloseTo(wanted[e].mean, 10))
            found.se.forEach((se, e) => expect(se).toBeCloseTo(wanted[e].se, 10))
          }
        }
      }
      await writer.close()
    }))

  it('never divide a mean by tokens', () =>
    withRoot(async root => {
      await (await beginRun(root, [0])).close()
      const data = (await followRun(directoryFiles(root), ['entropy']).refresh())!
      expect(
        createCurves().of(data, { metric: 'entropy', type: 'chosen', per: 'token', spread: 'se' }),
      ).toBeUndefined()
    }))

  it('have exact quartiles and extremes', () =>
    withRoot(async root => {
      await (await beginRun(root, [0])).close()
      const data = (await followRun(directoryFiles(root)).refresh())!
      // Chosen columns are 0, 3, 6, 9: −20, −23, −26, −29.
      expect(
        createCurves().of(data, { metric: 'logp', type: 'chosen', per: 'response', spread: 'range' }),
      ).toMatchObject({ low: [-29], high: [-20] })
      expect(
        createCurves().of(data, { metric: 'logp', type: 'chosen', per: 'response', spread: 'iqr' }),
      ).toMatchObject({ low: [-26.75], high: [-22.25] })
      expect(quantile([1], 0.25)).toBe(1)
    }))
})
