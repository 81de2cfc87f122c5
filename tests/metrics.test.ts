/** Every metric of every response, against PyTorch in true float64 (tests/golden/metrics.json). */
import { Evaluator, planDefaults, summarise, type TokenObservation } from '@ldyn/lab'
import { describe, expect, it } from 'vitest'
import { backends, deviation, golden, goldenModel, idRow, paramsOf, sequence } from './support/golden.ts'

interface Golden {
  models: Record<
    string,
    {
      vocab: number
      rows: {
        prompt: number[]
        responses: number[][]
        metrics: { sequence: Record<string, number>; tokens: Record<string, number[]> }[]
      }[]
    }
  >
}
const { models } = golden<Golden>('metrics.json')
const TOKEN_METRICS = {
  logp: 'logp',
  argmax_logp: 'argmaxLogp',
  rest_logp: 'restLogp',
  entropy: 'entropy',
  sum_sq: 'piSquared',
  p_e: 'pError',
  argmax: 'argmax',
} as const
const SEQUENCE_METRICS = [
  'tokens',
  'logp',
  'argmax_logp',
  'rest_logp',
  'energy',
  'p_e',
  'a_norm',
  'entropy',
  'paper_a_norm',
] as const

describe.each(backends)('on $name', ({ create, tolerance }) => {
  describe.each(Object.keys(models))('%s', (name) => {
    it.each([true, false])('every metric is that of PyTorch in float64 (packed: %s)', async (packed) => {
      await using backend = await create()
      await using checkpoint = await goldenModel(name)
      const { rows, vocab } = models[name]
      const encoded = rows.map(({ prompt, responses }, row) => ({
        row: idRow(row),
        sequences: responses.map((ids, r) => sequence(String(r), prompt, ids)),
      }))
      using evaluator = new Evaluator(backend, checkpoint.model, encoded, { ...planDefaults, packed })
      const params = await paramsOf(backend, checkpoint)
      const seen: TokenObservation[] = []
      for await (const group of evaluator.evaluate(params)) seen.push(...group)
      expect(seen.length).toBe(rows.length * 4)
      const wrong = seen.flatMap((o) => {
        const want = rows[o.example].metrics[Number(o.type)]
        const where = `row ${o.example}, response ${o.type}`
        const summary = summarise(o, vocab)
        return [
          ...Object.entries(TOKEN_METRICS).flatMap(([key, own]) =>
            want.tokens[key].map((value, t) =>
              deviation(`${where}, token ${t}, ${key}`, o[own][t], value, tolerance),
            ),
          ),
          ...SEQUENCE_METRICS.map((key) =>
            deviation(`${where}, ${key}`, summary[key], want.sequence[key], tolerance),
          ),
        ].filter((v) => v !== undefined)
      })
      expect(wrong).toEqual([])
    })
  })
})
