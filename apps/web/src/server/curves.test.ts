import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { directoryFiles } from '@ldyn/runs/node'
import { describe, expect, it } from 'vitest'
import { addStep, beginRun, TYPES, withRoot } from '../../test/run-on-disk.ts'
import { createCurves } from '../data/curves.ts'
import { decodeCurves, type FarRequest } from '../data/far-curves.ts'
import { followRun } from '../data/live-run.ts'
import { createServedCurves, readRequest } from './curves.ts'

const requests: readonly FarRequest[] = [
  { metric: 'logp', per: 'response', spread: 'se' },
  { metric: 'logp', per: 'token', spread: 'iqr' },
  { metric: 'logp', per: 'response', spread: 'range', since: 1 },
  { metric: 'entropy', per: 'response', spread: 'none' },
]

describe('curves that the viewer computes', () => {
  it.each(requests)('are what the page would compute of the rows: %o', request =>
    withRoot(async root => {
      const writer = await beginRun(root, [0, 10, 20])
      const [served, run] = [createServedCurves(), { key: 'r', directory: root }]
      const first = decodeCurves((await served.of(run, request, 0, 3))!)
      await addStep(writer, 30)
      // Evaluations that came later are computed from their own rows, and the one that changes count from.
      const second = decodeCurves((await served.of(run, request, 3, 4))!)
      await writer.close()
      const data = (await followRun(directoryFiles(root), [request.metric]).refresh())!
      const curves = createCurves()
      for (const type of TYPES) {
        const own = curves.of(data, { ...request, type })!
        expect(first.get(type)!.n).toBe(own.n)
        for (const field of ['mean', 'se', 'low', 'high'] as const)
          expect([...first.get(type)![field], ...second.get(type)![field]]).toEqual(own[field])
      }
    }),
  )

  it('are not made up where the file ends early, or for a metric that is not there', () =>
    withRoot(async root => {
      const writer = await beginRun(root, [0, 10])
      await writer.close()
      const [served, run] = [createServedCurves(), { key: 'r', directory: root }]
      expect(await served.of(run, requests[0], 0, 3)).toBeUndefined()
      expect(await served.of(run, { ...requests[0], metric: 'nothing' }, 0, 2)).toBeUndefined()
      expect(await served.of(run, { ...requests[0], since: 2 }, 0, 2)).toBeUndefined()
      await truncate(join(root, 'probe/logp.f32'), 50)
      expect(await served.of(run, requests[0], 0, 2)).toBeUndefined()
    }))

  it('take no address that means nothing', () => {
    const asked = (metric: string, query: Record<string, string>) => readRequest(metric, name => query[name])
    const fine = { per: 'token', spread: 'se', from: '0', to: '5' }
    expect(asked('logp', fine)).toMatchObject({ from: 0, to: 5, requests: [{ metric: 'logp' }] })
    expect(asked('logp,entropy', fine)).toMatchObject({ requests: [{ metric: 'logp' }, { metric: 'entropy', per: 'token' }] })
    expect(typeof asked(Array(33).fill('logp').join(), fine)).toBe('string')
    for (const metric of ['..', '../logp', 'a/b', 'LOGP', '', 'tokens.logp', '%2e%2e', 'logp,', 'logp,../entropy'])
      expect(asked(metric, fine)).toBe('That is no name of a metric.')
    const nonsense: readonly Record<string, string>[] = [
      { from: '-1' },
      { to: '1e3' },
      { to: '0' },
      { to: '9999999999999' },
      { since: 'x' },
      { spread: 'boot' },
      { per: '' },
    ]
    for (const wrong of nonsense) expect(typeof asked('logp', { ...fine, ...wrong })).toBe('string')
  })
})
