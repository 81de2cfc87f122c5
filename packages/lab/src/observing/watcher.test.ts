import { describe, expect, it } from 'vitest'
import { curveRanks, partingOf, positionOf, watchedPositions } from './watcher.ts'

const sequence = (type: string, ...response: number[]) => ({
  type, prompt: Int32Array.of(9), response: Int32Array.from(response), truncated: 0,
})
const textOf = (id: number): string => `<${id}>`

describe('watched positions', () => {
  it('begin where chosen and rejected part, each context once', () => {
    const rows = [sequence('chosen', 1, 2, 3, 4), sequence('rejected', 1, 5, 6), sequence('other', 1, 2)]
    expect(watchedPositions(rows, 1)).toEqual([{ type: 'chosen', token: 1 }])
    expect(watchedPositions(rows, 2)).toEqual([
      { type: 'chosen', token: 1 }, { type: 'chosen', token: 2 }, { type: 'rejected', token: 2 },
    ])
    expect(watchedPositions(rows, 9)).toHaveLength(4)
    expect(watchedPositions([rows[2]], 1)).toEqual([{ type: 'other', token: 0 }])
  })

  it('ranks of the curve rise from 1 to the vocabulary, ten in a decade', () => {
    for (const vocab of [2, 7, 512, 49152]) {
      const ranks = curveRanks(vocab)
      expect([ranks[0], ranks.at(-1)]).toEqual([1, vocab])
      expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b))
      expect(ranks.length).toBeLessThanOrEqual(10 * Math.log10(vocab) + 2)
    }
  })

  it('says which token each response has there, its rank, and what is likeliest', () => {
    const logp = [-3, -1, -2, -0.9, -4]
    const rows = [sequence('chosen', 7, 1), sequence('rejected', 7, 4, 0), sequence('other', 8, 1), sequence('short', 7)]
    const found = positionOf(logp, { row: 2, type: 'chosen', token: 1 }, rows, textOf)
    expect(found.tokens).toEqual([
      { of: 'chosen', id: 1, text: '<1>', logp: -1, rank: 2 },
      { of: 'rejected', id: 4, text: '<4>', logp: -4, rank: 5 },
    ])
    expect(found.top.map(({ id }) => id)).toEqual([3, 1, 2, 0, 4])
    expect(found.curve).toEqual([[1, -0.9], [2, -1], [3, -2], [4, -3], [5, -4]])
    expect(found.entropy).toBeCloseTo(-logp.reduce((n, x) => n + Math.exp(x) * x, 0), 12)
  })

  it('two responses part at their first different token', () => {
    expect([partingOf([1, 2], [1, 3]), partingOf([1], [1, 2]), partingOf([], [1])]).toEqual([1, 1, 0])
  })
})
