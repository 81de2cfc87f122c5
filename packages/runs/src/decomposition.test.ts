import { describe, expect, it } from 'vitest'
import { checkDecomposition } from './decomposition.ts'

const tokens = {
  text: [' no', 'pe'], logp: [-1, -2], actual: [0.1, 0.2], predicted: [0.1, 0.25],
  directions: { rejected: [0.1, 0.25] },
}
const line = (change: object = {}) => ({
  s: 3, t: 1, stage: 'dpo', rows: [1], lr: 1e-6, grad_norm: 2, clip_factor: 1, residual: 0.1,
  probes: [{
    row: 0, type: 'chosen', actual: 0.3, predicted: 0.35, directions: { rejected: 0.35 },
    tokens: { ...tokens, ...change },
  }],
})

describe('tokens of a decomposed update', () => {
  it('are one number a token, all finite', () => {
    expect(checkDecomposition(line(), 'f').probes[0].tokens).toEqual(tokens)
  })

  it.each([
    ['too few', { actual: [1] }],
    ['not finite', { predicted: [0, null] }],
    ['a direction of another length', { directions: { rejected: [1, 2, 3] } }],
    ['no text', { text: [' no', 4] }],
  ])('%s: refused by name', (_, change) => {
    expect(() => checkDecomposition(line(change), 'decompose.jsonl, line 1')).toThrow(/decompose\.jsonl, line 1/)
  })
})
