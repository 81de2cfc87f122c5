// The committed base model is what demo/make-model.mjs made of today's corpus, config and tokenizer.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onnxBackend } from '@ldyn/backend-onnx'
import { encodeRows, Evaluator, tokenDefaults, uploadAll } from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { describe, expect, it } from 'vitest'
import { MODEL } from '../src/demo/data.ts'

interface Recipe {
  readonly settings: object
  readonly from: object
  readonly texts: Readonly<Record<string, readonly { readonly prompt: string; readonly completion: string }[]>>
}

const script = fileURLToPath(new URL('../demo/model-recipe.mjs', import.meta.url))
const recipe = JSON.parse(
  execFileSync(process.execPath, [script], { encoding: 'utf8', maxBuffer: 1e8 }),
) as Recipe
const made = JSON.parse(readFileSync(join(MODEL, 'made.json'), 'utf8'))
const weights = readFileSync(join(MODEL, 'model.safetensors'))

const total = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0)

describe('the base model of the demo', () => {
  it('was made with the script\'s settings, of the corpus, config and tokenizer as they are now', () => {
    expect(made.settings).toEqual(recipe.settings)
    expect(made.from).toEqual(recipe.from)
  })

  it('is the file that was made, and no larger than 4 MB', () => {
    expect(createHash('sha256').update(weights).digest('hex')).toBe(made.weights)
    expect(weights.byteLength).toBeLessThanOrEqual(4e6)
  })

  it('knows texts that it never saw as well as made.json says', async () => {
    await using backend = await onnxBackend()
    await using checkpoint = await openModel(MODEL)
    const options = tokenDefaults(checkpoint.model.context)
    const answers = recipe.texts.chosen.map(({ prompt, completion }, row) => ({
      row, where: '', prompt, responses: { chosen: completion }, templated: false,
    }))
    const { rows } = encodeRows(answers, ['chosen'], await checkpoint.tokenizer(), options)
    using evaluator = new Evaluator(backend, checkpoint.model, rows)
    const params = await uploadAll(backend, checkpoint.tensors())
    let [sum, tokens] = [0, 0]
    for await (const group of evaluator.evaluate(params)) {
      for (const { logp } of group) [sum, tokens] = [sum + total(logp), tokens + logp.length]
    }
    expect(-sum / tokens).toBeCloseTo(made.natsPerToken.chosen, 3)
  })

  it('was trained on no text that it is measured on', () => {
    const { train, ...unseen } = recipe.texts
    const seen = new Set(train.map(({ completion }) => completion))
    for (const documents of Object.values(unseen)) {
      expect(documents.length).toBeGreaterThan(10)
      expect(documents.filter(({ completion }) => seen.has(completion))).toEqual([])
    }
  })
})
