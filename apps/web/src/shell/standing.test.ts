import { describe, expect, it } from 'vitest'
import { lasted, standingOf } from './standing.ts'

const data = {
  manifest: { process: { pid: 1, host: 'h', heartbeat: '2026-11-22T12:00:00.000Z' } },
  evaluations: [{ step: 400, stage: 'dpo', row: 0 }],
  scalars: new Map([['loss', { steps: Float64Array.of(411, 412), times: new Float64Array(2), values: new Float64Array(2), stages: [] }]]),
  events: [{ t: 0, type: 'warning', code: 'LD2104', message: '' }],
} as unknown as Parameters<typeof standingOf>[1]
const noon = Date.parse('2026-11-22T12:00:00.000Z')

describe('how a run stands', () => {
  it('ages in whole units', () => {
    expect([0, 999, 59_999, 60_000, 3_599_000, 7_200_000, 200_000_000].map(lasted)).toEqual([
      '0 s',
      '0 s',
      '59 s',
      '1 min',
      '59 min',
      '2 h',
      '2 d',
    ])
  })
  it('says when a live run moved, how long a stalled one is silent, and where another stopped', () => {
    expect(standingOf('live', data, noon, noon + 2_500)).toBe('updated 2 s ago')
    expect(standingOf('live', data, 0, noon)).toBe('')
    expect(standingOf('stalled', data, noon, noon + 250_000)).toBe('silent for 4 min')
    expect(standingOf('killed', data, 0, noon)).toBe('at step 412, LD2104')
    expect(standingOf('interrupted', data, 0, noon)).toBe('at step 412')
    expect(standingOf('done', data, 0, noon)).toBe('')
  })
})
