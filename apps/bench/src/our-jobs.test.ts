import { afterAll, beforeAll, expect, it } from 'vitest'
import { Ours } from './our-jobs.ts'
import { PROBE_RESPONSES, RESPONSE, SHAPES } from './shapes.ts'

// The smallest shape, through the same code that is timed.
let ours: Ours
beforeAll(async () => {
  ours = await Ours.open({ shape: 'pythia-14m', threads: 2, spin: false })
})
afterAll(() => ours.dispose())

const done = (job: string) => ours.do(job) as unknown as Promise<Record<string, number> & {
  mean: Record<string, number>; sums: Record<string, number>; compiled: unknown[] }>

it('untrained probes are about uniform, and both ways to their log-probs agree', async () => {
  const probe = await done('probe')
  const uniform = -RESPONSE * Math.log(SHAPES['pythia-14m'].vocab)
  expect(Math.abs(probe.mean.logp / uniform - 1)).toBeLessThan(0.05)
  const forward = await done('forward')
  expect(forward.sums.logp / PROBE_RESPONSES / probe.mean.logp).toBeCloseTo(1, 5)
})

it('the first update starts at ln 2 and lowers the loss; only the first run compiles', async () => {
  const first = await done('dpo')
  expect(first.loss).toBeCloseTo(Math.LN2, 5)
  const second = await done('dpo')
  expect(second.loss).toBeLessThan(first.loss)
  expect([first.compiled.length, second.compiled.length]).toEqual([2, 0])
  expect(second.engine_seconds).toBeGreaterThan(0)
  expect(second.engine_seconds).toBeLessThan(second.seconds)
})

it('a job that is not there is named', async () => {
  await expect(ours.do('fly')).rejects.toThrow("there is no job 'fly'")
})

it('one direction and two, and a gradient dotted, are of the same log-probs', async () => {
  const { sums: one } = await done('jvp')
  const { sums: two } = await done('jvp2')
  expect(two['primal.logp']).toBeCloseTo(one['primal.logp'], 0)
  const { sums: dotted } = await done('dot')
  expect(Math.abs(dotted.total / Math.log(1 / SHAPES['pythia-14m'].vocab) - 1)).toBeLessThan(0.2)
  expect(dotted.dots).not.toBe(0)
})
