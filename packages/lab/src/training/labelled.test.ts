import { describe, expect, it } from 'vitest'
import type { Row } from '../rows/row.ts'
import type { EncodedRow, Sequence } from '../tokens/tokenise.ts'
import { stageExamples, stageRows, typesOf, type StageConfig } from './stage.ts'

const stage = (batch: number): StageConfig => ({
  name: 'kto',
  loss: { name: 'kto', beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
  targets: [],
  updates: 1,
  batch,
  accumulate: 1,
  lr: 1,
  schedule: { name: 'constant', warmup: 0 },
  optimizer: { name: 'sgd', momentum: 0, weightDecay: 0 },
  maxGradNorm: 0,
  shuffle: false,
  dropLast: false,
})
const row = (prompt: string, responses: Record<string, string>): Row => ({
  row: 0,
  where: `data:${prompt}`,
  prompt,
  responses,
  templated: false,
})
/** One response of a prompt, both given as ids. */
const encoded = (type: string, prompt: number, ...response: number[]): EncodedRow => ({
  row: row(String(prompt), { [type]: 'x' }),
  sequences: [{ type, prompt: Int32Array.of(prompt), response: Int32Array.from(response), truncated: 0 } as Sequence],
})

const rows = [
  encoded('chosen', 1, 11, 12),
  encoded('rejected', 2, 21),
  encoded('chosen', 3, 31, 32, 33),
  encoded('chosen', 4, 41),
]
const partners = (batch: number, given = rows): number[][] =>
  stageExamples(stage(batch), given).map(({ sequences }) => [...sequences[1].response])

describe('examples of KTO', () => {
  it('are a labelled response and a mismatched one behind the same prompt', () => {
    const [first, second] = stageExamples(stage(4), rows)
    expect(first.fields).toEqual({ label: [1, 0] })
    expect(second.fields).toEqual({ label: [-1, 0] })
    expect(second.sequences.map(({ type, prompt, response }) => [type, [...prompt], [...response]])).toEqual([
      ['rejected', [2], [21]],
      ['mismatched', [2], [11, 12]],
    ])
  })

  it("take the mismatched one from the block of a batch, shifted by one, as TRL's data are made", () => {
    expect(partners(4)).toEqual([[41], [11, 12], [21], [31, 32, 33]])
    expect(partners(2)).toEqual([[21], [11, 12], [41], [31, 32, 33]])
  })

  it('never take it from the same prompt: then the nearest before it that has another', () => {
    const paired = [encoded('chosen', 1, 11), encoded('rejected', 1, 12), encoded('chosen', 2, 21)]
    expect(partners(2, paired)).toEqual([[21], [21], [12]])
    expect(partners(1)).toEqual([[41], [11, 12], [21], [31, 32, 33]])
  })

  it('bound what they put together by the longest sequence', () => {
    const long = stageExamples(stage(4), rows, 3)
    expect([...long[3].sequences[1].response]).toEqual([31, 32])
  })

  it('come from pairs too: chosen is desirable, rejected is not, each tokenised by itself', () => {
    const split = stageRows(stage(2), [row('p', { chosen: 'a', rejected: 'b', irr_train: 'c' }), row('q', { rejected: 'd' })])
    expect(split.map(({ prompt, responses }) => [prompt, responses])).toEqual([
      ['p', { chosen: 'a' }],
      ['p', { rejected: 'b' }],
      ['q', { rejected: 'd' }],
    ])
    expect(typesOf(stage(2))).toEqual(['chosen', 'rejected'])
  })

  it('are refused where nothing is undesirable, or every prompt is the same', () => {
    const fails = (given: readonly EncodedRow[]) => () => stageExamples(stage(2), given)
    expect(fails([rows[0], rows[2]])).toThrow(/stage 'kto' needs to know which responses are undesirable/)
    expect(fails([encoded('chosen', 1, 11), encoded('rejected', 1, 12)])).toThrow(/two different prompts/)
  })
})
