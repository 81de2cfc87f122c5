import { describe, expect, it } from 'vitest'
import type { Sequence } from '../tokens/tokenise.ts'
import { random } from '../training/order.ts'
import { fill, pack } from './pack.ts'

const sequence = (prompt: number[], response: number[]): Sequence => ({
  type: 'chosen',
  prompt: Int32Array.from(prompt),
  response: Int32Array.from(response),
  truncated: 0,
})

describe('pack', () => {
  it('puts a prompt once and its responses behind it, without their last tokens', () => {
    const packing = pack([sequence([1, 2, 3], [10, 11]), sequence([1, 2, 3], [20, 21, 22])])
    expect(packing.shape).toEqual({ rows: 1, length: 3 + 1 + 2, reads: 5, sequences: 2, tokens: 3 })
    const arrays = fill(packing, packing.shape)
    expect([...arrays.tokens.data]).toEqual([1, 2, 3, 10, 20, 21])
    expect([...arrays.positions.data]).toEqual([0, 1, 2, 3, 3, 4])
    expect([...arrays.segments.data]).toEqual([0, 0, 0, 1, 2, 2])
    // The prompt's last state is asked for the first token of both.
    expect([...arrays.reads.data]).toEqual([2, 3, 2, 4, 5])
    expect([...arrays.targets.data]).toEqual([10, 11, 20, 21, 22])
    expect([...arrays.grid.data]).toEqual([0, 1, 5, 2, 3, 4])
    expect([...arrays.mask.data]).toEqual([1, 1, 0, 1, 1, 1])
  })

  it('opens another row where one would grow too long, and where prompts differ', () => {
    const packing = pack([sequence([1], [1, 2, 3]), sequence([1], [4, 5, 6]), sequence([2], [7])], { maxLength: 4 })
    expect(packing.rows.map((r) => r.responses.map((x) => x.sequence))).toEqual([[0], [1], [2]])
  })

  it('gives every response a row of its own when it is told not to share', () => {
    const packing = pack([sequence([1, 2], [3]), sequence([1, 2], [4])], { shared: false })
    expect(packing.shape.rows).toBe(2)
  })

  it('for random batches every target is read from a state that saw its prompt and its own tokens before it', () => {
    const next = random(7)
    const int = (n: number): number => Math.floor(next() * n)
    for (let trial = 0; trial < 200; trial++) {
      const prompts = Array.from({ length: 1 + int(3) }, () => Array.from({ length: 1 + int(5) }, () => int(50)))
      const ids = (): number[] => Array.from({ length: 1 + int(6) }, () => int(50))
      const sequences = Array.from({ length: 1 + int(6) }, () => sequence(prompts[int(prompts.length)], ids()))
      const packing = pack(sequences, { maxLength: 8 + int(20) })
      const shape = {
        ...packing.shape,
        rows: packing.shape.rows + int(2),
        length: packing.shape.length + int(4),
        reads: packing.shape.reads + int(4),
      }
      const { tokens, positions, segments, reads, targets, grid, mask } = fill(packing, shape)
      const history = (state: number): number[] => {
        const row = Math.floor(state / shape.length) * shape.length
        const own = segments.data[state]
        const seen: number[] = []
        for (let i = row; i <= state; i++)
          if (segments.data[i] === 0 || segments.data[i] === own) seen.push(tokens.data[i])
        expect(seen.length).toBe(positions.data[state] + 1)
        return seen
      }
      sequences.forEach((s, k) => {
        const text = [...s.prompt, ...s.response]
        s.response.forEach((id, l) => {
          const read = grid.data[k * shape.tokens + l]
          expect(mask.data[k * shape.tokens + l]).toBe(1)
          expect(targets.data[read]).toBe(id)
          expect(history(reads.data[read])).toEqual(text.slice(0, s.prompt.length + l))
        })
      })
      expect(Array.from(mask.data).reduce((a, b) => a + b, 0)).toBe(packing.shape.reads)
    }
  })

  it('refuses a bucket that is too small, naming what does not fit', () => {
    const packing = pack([sequence([1, 2], [3, 4])])
    expect(() => fill(packing, { ...packing.shape, length: 2 })).toThrow(/length = 3, the bucket has 2/)
  })
})
