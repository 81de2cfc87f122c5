import { layOutProbes, type ProbeRow } from '@ldyn/runs'
import { describe, expect, it } from 'vitest'
import { tokenText } from '../../data/matrices.ts'
import { wrongSearch } from './list.tsx'
import { responsesOf, spanOf, tokenTable } from './tokens.tsx'

const rows: readonly ProbeRow[] = [0, 1].map(i => ({
  prompt: `p${i}`,
  group: `${i}`,
  responses: { chosen: ' a\nb', rejected: i === 0 ? ' c' : '' },
  tokens: {
    chosen: { ids: [5, 6, 7], text: [' a', '\n', 'b'] },
    // One too few: not the tokens that the numbers are of.
    rejected: { ids: [8], text: [' c'] },
  },
}))
const probes = layOutProbes(rows, ['chosen', 'rejected'], (row, type) =>
  type === 'chosen' ? 3 : row === 0 ? 2 : 0,
)
const run = { probes, types: ['chosen', 'rejected'] }

describe('the tokens of a probe', () => {
  it('lie together in the file, and only they are read', () => {
    expect(spanOf(run, 0)).toEqual({ from: 0, count: 5 })
    expect(spanOf(run, 1)).toEqual({ from: 5, count: 3 })
    expect(spanOf(run, 9)).toBeUndefined()
  })

  it('are cut into responses, with text where it is that of the numbers, and without absent ones', () => {
    const now = Float32Array.of(-1, -2, -3, -4, -5)
    const then = Float32Array.of(-1, -1, -1, -1, -1)
    const responses = responsesOf(run, 0, now, then)
    expect(responses.map(({ type, text }) => [type, text])).toEqual([
      ['chosen', [' a', '\n', 'b']],
      ['rejected', undefined],
    ])
    expect([...responses[1].now]).toEqual([-4, -5])
    expect(responsesOf(run, 1, now, then).map(({ type }) => type)).toEqual(['chosen'])
    const { head, rows: cells } = tokenTable(responses, 80, 40)
    expect(head).toEqual(['type', 'token', 'id', 'text', 'log π at 80', 'log π at 40', 'Δ'])
    expect(cells[1]).toEqual(['chosen', 1, 6, '\n', -2, -1, -1])
    expect(cells[4]).toEqual(['rejected', 1, undefined, undefined, -5, -1, -4])
  })

  it('have visible signs for what cannot be seen', () => {
    expect([' a', '\n', '\t', '', '\ufffd'].map(tokenText)).toEqual(['␣a', '↵', '⇥', '∅', '⟨byte⟩'])
  })
})

it('a search that is no regular expression is said to be none', () => {
  expect(wrongSearch('/(/')).toContain('Unterminated group')
  expect([wrongSearch('/lock|pick/'), wrongSearch('('), wrongSearch('')]).toEqual([undefined, undefined, undefined])
})
