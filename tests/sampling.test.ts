/** Sampling on real backends: greedy is the argmax of the evaluator, and a seed gives the same text again. */
import { onnxBackend } from '@ldyn/backend-onnx'
import { Evaluator, sample } from '@ldyn/lab'
import { describe, expect, it } from 'vitest'
import { backends, goldenModel, idRow, paramsOf, sequence } from './support/golden.ts'

const prompts = [
  [5, 9, 23],
  [7, 40, 41, 42, 8, 3],
].map((ids) => Int32Array.from(ids))

describe.each(backends)('on $name', ({ create }) => {
  it('greedy sampling takes the most probable token at every step', async () => {
    await using backend = await create()
    await using checkpoint = await goldenModel('llama')
    const params = await paramsOf(backend, checkpoint)
    const texts = await sample(backend, checkpoint.model, params, prompts, {
      maxTokens: 6,
      temperature: 0,
      seed: 1,
    })
    const rows = texts.map((ids, i) => ({
      row: idRow(i),
      sequences: [sequence('greedy', [...prompts[i]], [...ids])],
    }))
    using evaluator = new Evaluator(backend, checkpoint.model, rows)
    for await (const group of evaluator.evaluate(params))
      for (const o of group) expect([...o.argmax]).toEqual([...o.ids])
    expect(texts.map((t) => t.length)).toEqual([6, 6])
  })
})

describe('sampling', () => {
  it('samples π: over many draws of one token the frequencies are its probabilities', async () => {
    await using backend = await onnxBackend()
    await using checkpoint = await goldenModel('llama')
    const params = await paramsOf(backend, checkpoint)
    const draws = Array.from({ length: 2000 }, () => prompts[0])
    const options = { maxTokens: 1, temperature: 1, seed: 4, batch: 100 }
    const texts = await sample(backend, checkpoint.model, params, draws, options)
    expect(texts).toEqual(await sample(backend, checkpoint.model, params, draws, options))
    const candidates = [...new Set(texts.map((t) => t[0]))]
    const rows = [{ row: idRow(0), sequences: candidates.map((id) => sequence(String(id), [...prompts[0]], [id])) }]
    using evaluator = new Evaluator(backend, checkpoint.model, rows)
    for await (const group of evaluator.evaluate(params)) {
      for (const { ids, logp } of group) {
        const p = Math.exp(logp[0])
        const share = texts.filter((t) => t[0] === ids[0]).length / draws.length
        // Five standard errors of a binomial share.
        expect(Math.abs(share - p), `token ${ids[0]}`).toBeLessThan(
          5 * Math.sqrt((p * (1 - p)) / draws.length) + 1e-3,
        )
      }
    }
  })
})
