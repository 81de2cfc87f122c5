import { describe, expect, it } from 'vitest'
import type { Row } from '../rows/row.ts'
import { checkProbes } from './check.ts'
import { makeProbes } from './make.ts'

const row = (i: number, responses: Record<string, string>, prompt = `question number ${i}?`): Row => ({
  row: i,
  where: `f:${i + 1}`,
  prompt,
  responses,
  templated: false,
})
const rows = [0, 1, 2, 3].map((i) =>
  row(i, { chosen: ` the good answer number ${i} in words`, rejected: ` bad ${i}` }),
)
const heldOut = [row(9, { chosen: ' an answer that nobody trains on' })]
const words = (text: string): string[] => text.trim().split(/\s+/).sort()

describe('makeProbes', () => {
  it('adds the types that need no model, and keeps what the rows bring', async () => {
    const made = await makeProbes(rows, { heldOut, seed: 1 })
    made.forEach((record, i) => {
      const { chosen } = rows[i].responses
      expect(record.chosen).toBe(chosen)
      expect(record.irr_train).not.toBe(chosen)
      expect(rows.map((r) => r.responses.chosen)).toContain(record.irr_train)
      expect(record.irr_test).toBe(heldOut[0].responses.chosen)
      expect(words(record.random_permute)).toEqual(words(chosen))
      expect(words(record.random_nonhum)).toEqual(words(record.irr_test))
      expect(record.random_permute.startsWith(' ')).toBe(true)
    })
  })
  it('is the same for the same seed', async () => {
    expect(await makeProbes(rows, { heldOut, seed: 1 })).toEqual(await makeProbes(rows, { heldOut, seed: 1 }))
    expect(await makeProbes(rows, { heldOut, seed: 1 })).not.toEqual(await makeProbes(rows, { heldOut, seed: 2 }))
  })
  it('takes further types from responders, and leaves out what they leave empty', async () => {
    const responders = {
      chosen_initial: async (list: readonly Row[]) => list.map((r) => (r.row === 0 ? '' : ` sampled ${r.row}`)),
    }
    const made = await makeProbes(rows, { heldOut: [], seed: 1, responders })
    expect('chosen_initial' in made[0]).toBe(false)
    expect(made[1].chosen_initial).toBe(' sampled 1')
    expect('irr_test' in made[0]).toBe(false)
  })
  it('needs two rows', () => expect(makeProbes(rows.slice(0, 1), { heldOut, seed: 1 })).rejects.toThrow(/two rows/))
})

describe('checkProbes', () => {
  it('finds nothing in a good set', () => expect(checkProbes(rows)).toEqual([]))
  it('finds empty, repeated, equal, foreign and instruction-like responses', () => {
    const bad = [
      row(0, { chosen: ' a fine answer with some words', rejected: ' a fine answer with some words' }),
      row(1, { chosen: ' another fine answer' }, 'question number 0?'),
      row(2, { chosen: ' Это совсем другой язык и он здесь не нужен', rejected: ' fine' }),
      row(3, { chosen: ' Sure, here is a rephrased version', rejected: ' fine' }),
    ]
    expect(checkProbes(bad).map((f) => [f.kind, f.row])).toEqual([
      ['same-as', 0],
      ['duplicate', 1],
      ['empty', 1],
      ['language', 2],
      ['instruction', 3],
    ])
  })
})
