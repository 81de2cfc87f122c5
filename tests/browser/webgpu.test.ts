/** The packages bundled for a browser: a page in real Chromium trains a tiny model and has Node's numbers. */
import { referenceBackend } from '@ldyn/tensor/reference'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Outcome } from '@ldyn/testkit/suite'
import { openPage, withoutBrowser, type OpenedPage } from './chromium.ts'
import { trainTiny, type TrainedNumbers } from './job.ts'

const reason = withoutBrowser()
const required = (process.env.LDYN_REQUIRE ?? '').split(',').includes('webgpu')
if (reason && required) throw new Error(`LDYN_REQUIRE names 'webgpu', and there is no browser: ${reason}`)
if (reason) console.warn(`webgpu in a browser: skipped, because ${reason}`)

describe.skipIf(reason)('in Chromium', () => {
  let opened: OpenedPage
  beforeAll(async () => void (opened = await openPage()), 180_000)
  afterAll(() => opened?.[Symbol.asyncDispose]())

  it('trains as the float64 reference does in Node', { timeout: 240_000 }, async () => {
    const got = (await opened.page.evaluate('ldyn.train()')) as TrainedNumbers
    const want = await trainTiny(referenceBackend())
    expect(got.device).toMatch(/swiftshader|llvmpipe|./i)
    for (const key of ['before', 'after', 'losses'] as const) {
      expect(got[key]).toHaveLength(want[key].length)
      want[key].forEach((value, i) =>
        expect(Math.abs(got[key][i] - value), `${key} ${i}`).toBeLessThan(2e-4 * Math.max(1, Math.abs(value))))
    }
    expect(want.losses[4]).toBeLessThan(want.losses[0])
  })

  it('passes the conformance suite', { timeout: 900_000 }, async () => {
    const { outcomes, passed, tensors } = (await opened.page.evaluate('ldyn.conform(50)')) as {
      outcomes: Outcome[]
      passed: number
      tensors: number
    }
    expect(outcomes.map(({ group, name, why }) => `${group} › ${name}: ${why}`)).toEqual([])
    expect(passed).toBeGreaterThan(700)
    expect(tensors).toBe(0)
  })
})
