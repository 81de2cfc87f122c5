import { describe, expect, it } from 'vitest'
import type { Matrices } from '../data/matrices.ts'
import {
  blockFiles,
  blockHeat,
  blockInFocus,
  blockName,
  byResponse,
  cellFacts,
  readBlock,
} from './token-block.ts'

const [M, L, lr] = [3, 4, 0.5]
const A = [0.2, 0.5, 1]
const K = Array.from({ length: M * L }, (_, i) => Math.sin(i + 1))
const G = [0.9, -0.3, 0.1, -0.8]
const C = K.map((k, i) => lr * A[Math.floor(i / L)] * k * G[i % L])

const tensors: Record<string, [readonly number[], readonly number[]]> = {
  C: [[M, L], C],
  K: [[M, L], K],
  row_A: [[M], A],
  G: [[L], G],
}
const header: Record<string, unknown> = {
  step: 40,
  loss: 'dpo',
  lr,
  observe: {
    row: 'p.jsonl#0',
    type: 'rejected',
    tokens: [0.5, 0.1, 0.01].map((p, i) => ({ id: i, text: [' no', '\\n', 'a\\"b'][i], logp: Math.log(p) })),
  },
  update: {
    row: 'd.jsonl#3',
    tokens: ['chosen', 'chosen', 'rejected', 'rejected'].map(type => ({ id: 1, text: 'x', type })),
  },
}
const matricesOf = (about: Record<string, unknown>, left: readonly string[] = []): Matrices => ({
  shapes: new Map(
    Object.entries(tensors).flatMap(([name, [shape]]) => (left.includes(name) ? [] : [[name, shape]])),
  ),
  about: name => about[name],
  read: name => Promise.resolve(Float32Array.from(tensors[name][1])),
})

describe('a token block', () => {
  it('is C = η·A·K·G, cell by cell, and its rows add up to what is predicted of a token', async () => {
    const block = await readBlock(matricesOf(header), 'kernel/tokens.safetensors')
    for (let m = 0; m < M; m++)
      for (let l = 0; l < L; l++)
        expect(block.C[m * L + l]).toBeCloseTo(lr * block.A![m] * block.K![m * L + l] * block.G![l], 6)
    const heat = blockHeat(block, 'C')!
    const [{ values }] = heat.beside!
    for (let m = 0; m < M; m++)
      expect(values[m]).toBeCloseTo(
        C.slice(m * L, m * L + L).reduce((a, b) => a + b, 0),
        6,
      )
    const total = C.reduce((a, b) => a + b, 0)
    expect([...byResponse(block).values()].reduce((a, b) => a + b, 0)).toBeCloseTo(total, 6)
    expect([...byResponse(block).keys()]).toEqual(['chosen', 'rejected'])
  })

  it('names tokens with visible signs, and tells y⁺ from y⁻', async () => {
    const block = await readBlock(matricesOf(header), 'kernel/tokens.safetensors')
    const heat = blockHeat(block, 'C')!
    expect(heat.rows).toEqual(['0 ␣no', '1 ↵', '2 a"b'])
    expect(heat.columns.at(-1)).toBe('3 x y⁻')
    expect(heat.columnRails!.map(({ name }) => name)).toEqual(['y⁺', 'y⁺', 'y⁻', 'y⁻'])
    expect(blockHeat(block, 'A')!.columns).toHaveLength(1)
    expect(blockHeat(block, 'G')!.rows).toHaveLength(1)
  })

  it('says of a cell its rank, its factors, and p before and after', async () => {
    const block = await readBlock(matricesOf(header), 'kernel/tokens.safetensors')
    const facts = new Map(cellFacts(block, 0, 1).map(fact => [fact.name, fact]))
    const rank = C.filter(x => Math.abs(x) > Math.abs(C[1])).length + 1
    expect(facts.get('C')!.says).toContain(`rank ${rank} of 12`)
    expect(facts.get('G')!.says).toBe('pushed down')
    const rowSum = C.slice(0, L).reduce((a, b) => a + b, 0)
    const p = facts.get('p(␣no)')!.value.split(' → ').map(Number)
    expect(p[0]).toBeCloseTo(0.5, 2)
    expect(p[1]).toBeCloseTo(0.5 * Math.exp(rowSum), 2)
  })

  it('of an older file has C alone, and no matrix that it lacks', async () => {
    const block = await readBlock(
      matricesOf({ update: [] }, ['K', 'row_A', 'G']),
      'kernel/tokens.safetensors',
    )
    expect(blockHeat(block, 'K')).toBeUndefined()
    expect(cellFacts(block, 0, 0).map(({ name }) => name)).toEqual(['C'])
    await expect(readBlock(matricesOf({}, ['C']), 'kernel/tokens.safetensors')).rejects.toThrow('no matrix C')
  })

  it('is found by probe and type first, then by step', () => {
    const files = blockFiles([
      'kernel/gram.safetensors',
      'kernel/tokens-000040-u3-o0-chosen.safetensors',
      'kernel/tokens-000060-u3-o0-chosen.safetensors',
      'kernel/tokens-000060-u3-o1-my-type.safetensors',
      'kernel/tokens.safetensors',
    ])
    expect(files).toHaveLength(4)
    expect(files[2]).toMatchObject({ step: 60, update: '3', observed: '1', type: 'my-type' })
    expect(blockName(files[0])).toBe('step 40: learned #3, observed #0 chosen')
    expect(blockInFocus(files, { probe: '0', type: 'chosen', step: 50 })?.step).toBe(40)
    expect(blockInFocus(files, { probe: '0', type: 'chosen' })?.step).toBe(60)
    expect(blockInFocus(files, { probe: '1', type: 'my-type' })?.observed).toBe('1')
    expect(blockInFocus(files, { path: files[3].path, probe: '1' })).toBe(files[3])
    expect(blockInFocus([], {})).toBeUndefined()
  })
})
