/**
 * The pretrained model on real rows: SmolLM2-135M from its GGUF, fifty prompts with twelve responses each, against
 * transformers in float32 (tests/golden/smollm2.json). Skipped, with the reason, where model or data are not there.
 */
import {
  Evaluator,
  PAPER_TYPES,
  encodeEach,
  readRows,
  summarise,
  tokenDefaults,
  type TokenObservation,
} from '@ldyn/lab'
import { openModel, saveModel } from '@ldyn/models/node'
import { onnxBackend } from '@ldyn/backend-onnx'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { deviation, golden, paramsOf, sharedPath, withoutShared } from './support/golden.ts'

interface Golden {
  prompts: { tokens: number[]; crc32: number[] }
  types: Record<string, Record<'tokens' | 'crc32' | (typeof METRICS)[number], number[]>>
}
const METRICS = ['logp', 'argmax_logp', 'rest_logp', 'energy', 'p_e', 'a_norm', 'entropy'] as const
const { prompts, types } = golden<Golden>('smollm2.json')
const model = ['models', 'smollm2-135m-instruct', 'SmolLM2-135M-Instruct.Q4_1.gguf']
const data = ['data', 'hh-helpful', 'formal_prob_train.jsonl']
const missing = withoutShared(...model) ?? withoutShared(...data)
if (missing) console.warn(`skipped: ${missing}`)

describe.skipIf(missing !== undefined)("SmolLM2-135M-Instruct on the paper's probe rows", () => {
  it('gives the metrics of transformers, for every response of fifty rows', { timeout: 600_000 }, async () => {
    await using backend = await onnxBackend()
    await using checkpoint = await openModel(sharedPath(...model))
    const tokenizer = await checkpoint.tokenizer()
    const rows = await readRows(sharedPath(...data), { limit: prompts.tokens.length })
    const names = Object.keys(PAPER_TYPES)
    const encoded = names.map(
      (type) => encodeEach(rows, type, tokenizer, tokenDefaults(checkpoint.model.context)).byRow,
    )
    const probes = rows.map((row, i) => ({ row, sequences: encoded.flatMap((byRow) => byRow[i]) }))
    const ids = (a: Int32Array): number => crc32(new Uint8Array(a.buffer, a.byteOffset, a.byteLength))
    for (const [i, { sequences }] of probes.entries()) {
      expect(ids(sequences[0].prompt), `prompt of row ${i}`).toBe(prompts.crc32[i])
      for (const s of sequences) expect(ids(s.response), `${s.type} of row ${i}`).toBe(types[s.type].crc32[i])
    }
    using evaluator = new Evaluator(backend, checkpoint.model, probes)
    const params = await paramsOf(backend, checkpoint)
    const seen: TokenObservation[] = []
    for await (const group of evaluator.evaluate(params)) seen.push(...group)
    // An empty response is absent here and one EOS there.
    expect(seen.length).toBe(probes.reduce((n, { sequences }) => n + sequences.length, 0))
    expect(seen.length).toBeGreaterThan(0.99 * rows.length * names.length)
    const wrong = seen
      .flatMap((o) => {
        const summary = summarise(o, checkpoint.model.vocab)
        return METRICS.map((metric) =>
          deviation(
            `row ${o.example}, ${o.type}, ${metric}`,
            summary[metric],
            types[o.type][metric][o.example],
            2e-3,
          ),
        )
      })
      .filter((v) => v !== undefined)
    expect(wrong).toEqual([])
  })

  it('is the same model, bit for bit, as a directory of safetensors', { timeout: 300_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ldyn-smollm2-'))
    try {
      await using gguf = await openModel(sharedPath(...model))
      const directory = join(folder, 'hf')
      const { files } = await gguf.tokenizer()
      await saveModel(directory, { model: gguf.model, params: (path) => gguf.tensor(path), tokenizerFiles: files })
      await using saved = await openModel(directory)
      const different: string[] = []
      for await (const { path, tensor } of saved.tensors()) {
        const own = await gguf.tensor(path)
        if (Buffer.compare(Buffer.from(own.data.buffer), Buffer.from(tensor.data.buffer)) !== 0) different.push(path)
      }
      expect(different).toEqual([])
      const text = (await readRows(sharedPath(...data), { limit: 1 }))[0].prompt
      expect((await saved.tokenizer()).encode(text)).toEqual((await gguf.tokenizer()).encode(text))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
