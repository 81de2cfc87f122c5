import type { CausalLM } from '@ldyn/core'
import { f32, take, type HostTensor, type Tensor } from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import { describe, expect, it } from 'vitest'
import type { EncodedRow } from '../tokens/tokenise.ts'
import { bandsOf, Evaluator, type TokenObservation } from './evaluator.ts'

const V = 130
const D = 3
/** A model whose next token depends on the last alone. */
const bigram: CausalLM = {
  vocab: V,
  width: D,
  context: 16,
  params: { embed: f32(V, D), head: f32(V, D) },
  hidden: (p, { tokens }) => take((p as Record<string, Tensor>).embed, tokens),
  head: (p) => (p as Record<string, Tensor>).head,
}
const values = (seed: number): HostTensor => ({
  ...f32(V, D),
  data: Float64Array.from({ length: V * D }, (_, i) => 3 * Math.sin(seed + i * i)),
})
const rows: EncodedRow[] = [0, 1].map((n) => ({
  row: { row: n, where: `row ${n}`, prompt: '', responses: {}, templated: false },
  sequences: ['chosen', 'rejected'].map((type, k) => ({
    type,
    prompt: Int32Array.of(5 + n),
    response: Int32Array.from({ length: 2 + n + k }, (_, i) => 7 * i + k),
    truncated: 0,
  })),
}))

async function observed(bands: boolean): Promise<TokenObservation[]> {
  const backend = referenceBackend()
  const params = { embed: await backend.upload(values(1)), head: await backend.upload(values(2)) }
  using evaluator = new Evaluator(backend, bigram, rows, { maxShapes: 3, maxRowLength: 64, packed: true, bands })
  const found: TokenObservation[] = []
  for await (const group of evaluator.evaluate(params)) found.push(...group)
  return found
}

describe('an evaluation with bands', () => {
  it('has the mass of each band of ranks for every token, rank 1 being the argmax', async () => {
    const found = await observed(true)
    expect(found).toHaveLength(4)
    for (const o of found) {
      expect(o.mass).toHaveLength(5 * o.ids.length)
      for (let t = 0; t < o.ids.length; t++) {
        const bands = Array.from(o.mass!.slice(5 * t, 5 * t + 5))
        expect(bands[0]).toBeCloseTo(Math.exp(o.argmaxLogp[t]), 12)
        expect(bands.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
      }
      const means = bandsOf(o)!
      expect(means.mass_1).toBeCloseTo(
        Array.from(o.argmaxLogp, Math.exp).reduce((a, b) => a + b) / o.ids.length,
        12,
      )
      expect(means.mass_rest).toBeGreaterThan(0)
    }
  })

  it('is otherwise the same evaluation, and without them has none', async () => {
    const [plain, more] = [await observed(false), await observed(true)]
    expect(plain.map((o) => bandsOf(o))).toEqual([undefined, undefined, undefined, undefined])
    expect(more.map(({ mass: _, ...rest }) => rest)).toEqual(plain)
  })
})
