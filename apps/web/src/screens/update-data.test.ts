import { expect, it } from 'vitest'
import type { DecompositionLine } from '@ldyn/runs'
import { agreementOf, byType, updateAt } from './update-data.ts'

const line = (s: number, probes: DecompositionLine['probes'] = []): DecompositionLine => ({
  s,
  t: 0,
  stage: 'dpo',
  rows: [1],
  lr: 1e-6,
  grad_norm: 2,
  clip_factor: 1,
  residual: 0,
  probes,
})

it('the update of a step is the last recorded one at or before it', () => {
  const updates = [line(5), line(10)]
  expect([undefined, 0, 5, 9, 10, 99].map(step => updateAt(updates, step)?.s)).toEqual([10, 5, 5, 5, 10, 10])
  expect(updateAt([], 3)).toBeUndefined()
})

it('means by type keep the balance of directions, examples of a kind taken together', () => {
  const probe = (row: number, scale: number) => ({
    row,
    type: 'chosen',
    actual: 1.1 * scale,
    predicted: scale,
    directions: {
      '3 chosen': 2 * scale,
      '4 chosen': scale,
      '3 rejected': -2.5 * scale,
      'carry-over': 0.5 * scale,
    },
  })
  const [found] = byType({ probes: [probe(0, 1), probe(1, 3)] })
  expect(found).toMatchObject({ type: 'chosen', n: 2, predicted: 2 })
  expect(found.actual).toBeCloseTo(2.2)
  expect([...found.directions]).toEqual([
    ['chosen', 6],
    ['rejected', -5],
    ['carry-over', 1],
  ])
  expect([...found.directions.values()].reduce((sum, x) => sum + x, 0)).toBeCloseTo(found.predicted)
})

it('agreement is 1 where the first order told everything, and unknown where nothing moved', () => {
  const probes = [1, 2, 3].map((actual, row) => ({
    row,
    type: 'chosen',
    actual,
    predicted: actual,
    directions: {},
  }))
  expect(agreementOf({ probes })).toEqual({ r2: 1, relative: 0 })
  expect(agreementOf({ probes: probes.map(probe => ({ ...probe, predicted: 0 })) }).relative).toBe(1)
  expect(agreementOf({ probes: probes.map(probe => ({ ...probe, actual: 0, predicted: 0 })) })).toEqual({
    r2: undefined,
    relative: undefined,
  })
})
