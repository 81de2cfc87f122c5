import type { WatchedPosition } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { markedTokens, rankAt, storyOf } from './tokens.ts'

const token = (id: number, logp: number) => ({ id, text: ` w${id}`, logp })
const position = (chosen: number, top: readonly number[]): WatchedPosition => ({
  row: 0,
  type: 'chosen',
  token: 1,
  entropy: 1,
  tokens: [
    { of: 'chosen', ...token(chosen, -1), rank: 2 },
    { of: 'rejected', ...token(7, -6), rank: 40 },
  ],
  top: top.map((id, i) => token(id, -0.5 * (i + 1))),
  curve: [
    [1, -0.5],
    [10, -4],
    [50, -8],
  ],
})

describe('tokens of a watched position', () => {
  it('are marked once each: one that is two things has both names', () => {
    const names = markedTokens(position(3, [3, 5, 9]), { ...token(7, -6) }).map(({ name, id }) => [name, id])
    expect(names).toEqual([
      ['chosen = likeliest now', 3],
      ['rejected = followed', 7],
    ])
    expect(markedTokens(position(3, [5, 3]), undefined).map(({ name }) => name)).toEqual([
      'chosen',
      'rejected',
      'likeliest now',
    ])
  })

  it('stand at the rank that is told, at their place among the likeliest, or where the curve has their π', () => {
    const one = position(3, [5, 3, 9])
    expect(rankAt(one, 7, -6)).toBe(40)
    expect(rankAt(one, 9, -1.5)).toBe(3)
    expect(rankAt(one, 99, -3)).toBe(10)
  })

  it('are told from where to where they went', () => {
    const [then, now] = [position(3, [5, 3]), position(3, [3, 5])].map((one, k) => ({
      step: k,
      stage: 'sft',
      position: one,
    }))
    expect(storyOf(then, now, markedTokens(now.position, undefined))).toBe(
      'chosen = likeliest now “␣w3” 0.368 → 0.607 (rank 2 → 2); rejected “␣w7” 0.0025 → 0.0025 (rank 40 → 40)',
    )
  })
})
