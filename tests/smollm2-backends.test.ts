/**
 * The pretrained model on real rows: log-probs of a probe row and one DPO update on every backend, against ONNX Runtime
 * (whose log-probs are transformers's, smollm2.test.ts). As many responses as the backend does in reason: software
 * Vulkan takes the shortest pair alone. Skipped, with the reason, where model or data are not there.
 */
import {
  compareMeasurements, encodeEach, measureUpdate, PAPER_TYPES, readRows, tokenDefaults, type EncodedRow,
  type Measurement, type StageConfig,
} from '@ldyn/lab'
import { openModel, type Checkpoint } from '@ldyn/models/node'
import type { Backend } from '@ldyn/tensor'
import { describe, expect, it } from 'vitest'
import { engines } from './support/engines.ts'
import { paramsOf, sharedPath, withoutShared } from './support/golden.ts'

const model = ['models', 'smollm2-135m-instruct', 'SmolLM2-135M-Instruct.Q4_1.gguf']
const data = ['data', 'hh-helpful', 'formal_prob_train.jsonl']
const missing = withoutShared(...model) ?? withoutShared(...data)
if (missing) console.warn(`skipped: ${missing}`)

const stage: StageConfig = {
  name: 'dpo', loss: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false }, targets: [], updates: 1,
  batch: 1, accumulate: 1, lr: 1e-4, schedule: { name: 'constant', warmup: 0 },
  optimizer: { name: 'sgd', momentum: 0, weightDecay: 0 }, maxGradNorm: 0, shuffle: false, dropLast: false,
}

const PAIR: readonly string[] = ['chosen', 'rejected']

/** The row with the fewest tokens of those that have every type. */
async function shortestRow(checkpoint: Checkpoint, types: readonly string[]): Promise<EncodedRow> {
  const tokenizer = await checkpoint.tokenizer()
  const rows = await readRows(sharedPath(...data))
  const options = tokenDefaults(checkpoint.model.context)
  const each = types.map((type) => encodeEach(rows, type, tokenizer, options).byRow)
  const encoded = rows.map((row, i) => ({ row, sequences: each.flatMap((byRow) => byRow[i]) }))
  const size = ({ sequences }: EncodedRow): number =>
    sequences.length < types.length
      ? Infinity
      : sequences[0].prompt.length + sequences.reduce((n, { response }) => n + response.length, 0)
  return encoded.reduce((a, b) => (size(b) < size(a) ? b : a))
}

async function measured(backend: Backend, types: readonly string[]): Promise<Measurement> {
  await using checkpoint = await openModel(sharedPath(...model))
  const probe = await shortestRow(checkpoint, types)
  const pair = PAIR.map((type) => probe.sequences.find((s) => s.type === type)!)
  return measureUpdate(backend, await paramsOf(backend, checkpoint), {
    model: checkpoint.model, probes: [probe], stage, examples: [{ row: 0, sequences: pair }],
  })
}

const [onnx, ...others] = await engines()
for (const { name, create, missing: absent } of others) {
  describe.skipIf(missing ?? absent)(name, () => {
    it('agrees with ONNX Runtime on SmolLM2-135M within 2e-3', { timeout: 1_200_000 }, async () => {
      const types = name === 'webgpu' ? PAIR : Object.keys(PAPER_TYPES)
      const run = async (make: () => Promise<Backend>): Promise<Measurement> => {
        await using backend = await make()
        return await measured(backend, types)
      }
      const [got, want] = [await run(create), await run(onnx.create)]
      const all = compareMeasurements(got, want)
      console.warn(`${name}: largest deviation ${Math.max(...all.map((d) => d.deviation)).toExponential(1)}`)
      expect(all.filter(({ deviation }) => !(deviation <= 2e-3))).toEqual([])
      expect(Math.max(...want.change.map(Math.abs))).toBeGreaterThan(0.05)
    })
  })
}
