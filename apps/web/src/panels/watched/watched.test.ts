import type { WatchedLine, WatchedPosition } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { ledgerOf, positionInFocus, positionsIn, seenAt, seriesOf, tokensSeen, valleyOf } from './watched.ts'

const position = (p: readonly number[], at: Partial<WatchedPosition> = {}): WatchedPosition => {
  const known = p.map((x, id) => ({ id, text: `t${id}`, logp: Math.log(x) }))
  const top = [...known].sort((a, b) => b.logp - a.logp)
  const mark = (of: string, id: number) => ({
    ...known[id],
    of,
    rank: top.findIndex(one => one.id === id) + 1,
  })
  return {
    row: 0,
    type: 'chosen',
    token: 2,
    entropy: 1,
    tokens: [mark('chosen', 1), mark('rejected', 2)],
    top: top.slice(0, 3),
    curve: top.map(({ logp }, i) => [i + 1, logp] as const),
    ...at,
  }
}
const before = [0.4, 0.1, 0.05, 0.3, 0.15]
const after = [0.7, 0.06, 0.01, 0.2, 0.03]

describe('a ledger between two steps', () => {
  it('gives as much as it takes, and says whose gain it was', () => {
    const { accounts, taken, index } = ledgerOf(position(before), position(after))
    expect(accounts.reduce((sum, { gain }) => sum + gain, 0)).toBeCloseTo(0, 12)
    expect(accounts.reduce((sum, one) => sum + one.after, 0)).toBeCloseTo(1, 12)
    expect(accounts.map(({ name }) => name)).toEqual([
      'likeliest',
      'chosen',
      'rejected',
      'other',
      'all others',
    ])
    expect(taken).toBeCloseTo(0.3, 12)
    expect(index).toBeCloseTo(1, 12)
  })

  it('has no index where the likeliest token was not told before, or lost', () => {
    const [then, now] = [position(before), position(after)]
    const unknown = { ...now, top: [{ id: 9, text: 'new', logp: Math.log(0.5) }, ...now.top] }
    expect(ledgerOf(then, unknown).index).toBeUndefined()
    expect(ledgerOf(now, then).index).toBeUndefined()
    expect(ledgerOf(now, now)).toMatchObject({ taken: expect.closeTo(0, 12), index: undefined })
  })

  it('names a token that is two things at once as both', () => {
    const now = position([0.1, 0.8, 0.02, 0.05, 0.03])
    expect(ledgerOf(position(before), now).accounts[0].name).toBe('likeliest = chosen')
  })
})

it('a push on rejected raises what is above ‖π‖² − π_y alone', () => {
  const found = valleyOf(position(before))!
  const known = [0.4, 0.3, 0.15, 0.1, 0.05]
  expect(found.threshold).toBeCloseTo(known.reduce((sum, p) => sum + p * p, 0) - 0.05, 12)
  expect(found.rise.map(({ id }) => id)).toEqual([0, 3])
  expect(found).toMatchObject({ rejected: expect.closeTo(0.05, 12), chosen: expect.closeTo(0.1, 12) })
  expect(valleyOf(position(before, { tokens: [] }))).toBeUndefined()
})

it('positions are followed over steps, and the one meant is the nearest to what is asked', () => {
  const line = (s: number, p: readonly number[]): WatchedLine => ({
    s,
    t: 0,
    stage: 'dpo',
    positions: [
      position(p),
      position(p, { row: 1, token: 0 }),
      position(p, { row: 1, type: 'rejected', token: 4 }),
    ],
  })
  const lines = [line(0, before), line(10, after)]
  const keys = positionsIn(lines)
  expect(keys).toHaveLength(3)
  expect(positionInFocus(keys, { row: 1, type: 'rejected' })).toEqual({ row: 1, type: 'rejected', token: 4 })
  expect(positionInFocus(keys, {})).toEqual({ row: 0, type: 'chosen', token: 2 })
  expect(positionInFocus([], { row: 1 })).toBeUndefined()
  const series = seriesOf(lines, keys[1])
  expect(series.map(({ step }) => step)).toEqual([0, 10])
  expect([seenAt(series, undefined), seenAt(series, 9), seenAt(series, -1)].map(one => one?.step)).toEqual([
    10, 0, 0,
  ])
  expect(tokensSeen(series).map(({ id }) => id)).toEqual([0, 3, 4, 1, 2])
})
