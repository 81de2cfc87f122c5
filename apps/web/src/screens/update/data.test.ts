import { describe, expect, it } from 'vitest'
import type { DecompositionLine } from '@ldyn/runs'
import {
  agreementOf,
  barsOf,
  byType,
  responseInFocus,
  sideOf,
  summedByType,
  tokenAgreement,
  updateAt,
  updatesIn,
} from './data.ts'
import { stackOf } from '../../drawing/timeline.ts'

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

describe('several updates together', () => {
  const made = (s: number, sign: number): DecompositionLine => ({
    s,
    t: 0,
    stage: 'dpo',
    rows: [1],
    lr: 1e-6,
    grad_norm: 1,
    clip_factor: 1,
    residual: 0,
    probes: [0, 1].flatMap(row =>
      ['chosen', 'rejected'].map((type, k) => ({
        row,
        type,
        actual: sign * (1 + row + k),
        predicted: sign * (0.9 + row + k),
        directions: { '3 chosen': sign * 2, '3 rejected': sign * (row + k - 1.1), 'carry-over': 0 },
      })),
    ),
  })
  const updates = [made(4, 1), made(8, 1), made(12, -1)]

  it('add up type by type, and what is added up keeps adding up to its prediction', () => {
    const sums = summedByType(updatesIn(updates, [4, 8]))
    expect(sums.map(({ type }) => type)).toEqual(['chosen', 'rejected'])
    expect(sums[0].actual).toBeCloseTo(2 * 1.5)
    for (const { predicted, directions } of sums)
      expect([...directions.values()].reduce((a, b) => a + b, 0)).toBeCloseTo(predicted)
    expect(summedByType(updates)[0].actual).toBeCloseTo(1.5)
    expect(updatesIn(updates, undefined)).toBe(updates)
  })

  it('are bars whose parts add up to the prediction, of one probe or of their mean', () => {
    for (const probe of [undefined, 1]) {
      const bars = barsOf(updates, 'rejected', probe)
      expect(bars.map(({ step }) => step)).toEqual([4, 8, 12])
      for (const { parts, predicted } of bars) {
        expect([...parts.values()].reduce((a, b) => a + b, 0)).toBeCloseTo(predicted)
        const ends = stackOf(parts)
        const [up, down] = [
          Math.max(0, ...ends.map(({ to }) => to)),
          Math.min(0, ...ends.map(({ to }) => to)),
        ]
        expect(up + down).toBeCloseTo(predicted)
      }
    }
    expect(barsOf(updates, 'rejected', 9)).toEqual([])
  })

  it('of one response: the one in focus, else one of its type', () => {
    expect(responseInFocus(updates[0], 1, 'rejected')).toMatchObject({ row: 1, type: 'rejected' })
    expect(responseInFocus(updates[0], 7, 'rejected')).toMatchObject({ row: 0, type: 'rejected' })
    expect(responseInFocus(updates[0], undefined, 'none')).toMatchObject({ row: 0, type: 'chosen' })
    expect(responseInFocus({ probes: [] }, 0, 'chosen')).toBeUndefined()
  })

  it('by token: R² is 1 where the prediction was exact, and directions have the colour of their side', () => {
    expect(tokenAgreement({ actual: [1, 2, 4], predicted: [1, 2, 4] })).toEqual({ r2: 1, relative: 0 })
    expect(tokenAgreement({ actual: [1, 1], predicted: [0, 0] }).relative).toBe(1)
    expect(['17 rejected', '4 chosen target', 'carry-over', 'decay'].map(sideOf)).toEqual([
      'rejected',
      'chosen',
      'other',
      'other',
    ])
  })
})
