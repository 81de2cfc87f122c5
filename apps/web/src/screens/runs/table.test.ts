import { describe, expect, it } from 'vitest'
import type { RunSummary } from '../../wire.ts'
import { ago, groupRuns, parseFilter, sortRuns, stagesText, withoutPart } from './table.ts'

const run = (key: string, own: Partial<RunSummary> = {}): RunSummary => ({
  key,
  id: key,
  created: '2026-11-22T12:00:00.000Z',
  state: 'done',
  model: 'pythia-14m',
  params: 1,
  step: 10,
  updates: 10,
  stages: [{ name: 'dpo', loss: 'dpo', updates: 10 }],
  evaluations: 2,
  probes: 4,
  types: 3,
  warnings: [],
  sparks: {},
  ...own,
})
const found = (text: string, ...runs: RunSummary[]) =>
  runs.filter(parseFilter(text).keep).map(({ key }) => key)

describe('the filter', () => {
  const a = run('dpo-a', {
    lr: 5e-6,
    state: 'live',
    sparks: { chosen: { values: [-60, -61, -63.1], every: 1 } },
  })
  const b = run('sft b', { lr: 1e-3, stages: [{ name: 'sft', loss: 'sft', updates: 10 }] })
  it('takes words, fields, numbers and quotes', () => {
    expect(found('dpo', a, b)).toEqual(['dpo-a'])
    expect(found('algo:dpo lr<1e-5 status:live', a, b)).toEqual(['dpo-a'])
    expect(found('"sft b"', a, b)).toEqual(['sft b'])
    expect(found('chosen<-3', a, b)).toEqual(['dpo-a'])
    expect(found('', a, b)).toHaveLength(2)
  })
  it('names what means nothing', () => {
    expect(parseFilter('colour:red lr<many x>1 good').wrong.map(({ part }) => part)).toEqual([
      'colour:red',
      'lr<many',
      'x>1',
    ])
    expect(parseFilter('lr< good').wrong.map(({ part }) => part)).toEqual([])
    expect(parseFilter('lr<many').parts[0].why).toContain('"many" is no number')
  })
  it('says of every word how it is understood, and can be told to leave one out', () => {
    const text = 'algo:dpo  lr<1e-5 "two words"'
    expect(parseFilter(text).parts.map(({ says }) => says)).toEqual([
      'algo has “dpo”',
      'lr < 1e-5',
      'name or model has “two words”',
    ])
    expect(withoutPart(text, 1)).toBe('algo:dpo "two words"')
    expect(found(withoutPart('status:live nothing', 1), a, b)).toEqual(['dpo-a'])
  })
})

it('groups keep the order of the list, and every run is in one', () => {
  const runs = [run('a', { model: 'x' }), run('b', { model: 'y' }), run('c', { model: 'x' }), run('d', { model: '' })]
  expect(groupRuns(runs, 'model').map(({ name, runs: own }) => [name, own.map(({ key }) => key)])).toEqual([
    ['x', ['a', 'c']],
    ['y', ['b']],
    ['(not said)', ['d']],
  ])
  expect(groupRuns(runs, 'none')).toEqual([{ name: '', runs }])
})

it('sorting is stable, and what has no value stands last both ways', () => {
  const runs = [run('b', { lr: 2 }), run('none'), run('a', { lr: 1 }), run('c', { lr: 2 })]
  expect(sortRuns(runs, 'lr').map(({ key }) => key)).toEqual(['a', 'b', 'c', 'none'])
  expect(sortRuns(runs, '-lr').map(({ key }) => key)).toEqual(['b', 'c', 'a', 'none'])
})

it('says how long ago', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  expect([0, 90, 7200, 200_000].map(s => ago(new Date(now - s * 1000).toISOString(), now))).toEqual([
    'now',
    '1 min',
    '2 h',
    '2 d',
  ])
  expect(ago('', now)).toBe('')
})

it('a stage is told by its name, and by its loss where that says more', () => {
  const stages = [
    { name: 'sft', loss: 'sft', updates: 1 },
    { name: 'extend', loss: 'sft', updates: 1 },
    // What a log of TensorBoard says of itself.
    { name: 'preference', loss: 'preference, kind unknown', updates: 1 },
  ]
  expect(stagesText(run('a', { stages }))).toBe('sft → extend (sft) → preference (kind unknown)')
})
