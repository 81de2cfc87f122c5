/**
 * One DPO update of four pairs on the pretrained model, explained for 24 probe responses on ONNX Runtime: predicted
 * against actual. Skipped, with the reason, where model or data are not there.
 */
import { onnxBackend } from '@ldyn/backend-onnx'
import {
  difference,
  disposeTree,
  encodeEach,
  encodeRows,
  PAPER_TYPES,
  ProbeSet,
  readRows,
  StageRunner,
  stageExamples,
  StepExplainer,
  tokenDefaults,
  type Row,
  type StageConfig,
  type Weights,
} from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { describe, expect, it } from 'vitest'
import { paramsOf, sharedPath, withoutShared } from './support/golden.ts'

const model = ['models', 'smollm2-135m-instruct', 'SmolLM2-135M-Instruct.Q4_1.gguf']
const data = ['data', 'hh-helpful', 'formal_prob_train.jsonl']
const missing = withoutShared(...model) ?? withoutShared(...data)
if (missing) console.warn(`skipped: ${missing}`)

/** The released code's update: β 0.1, RMSprop at 5e-7, clipped to norm 10, four pairs. */
const stage: StageConfig = {
  name: 'dpo', loss: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false }, targets: [],
  batch: 4, accumulate: 1, updates: 1, lr: 5e-7, schedule: { name: 'constant', warmup: 0 }, maxGradNorm: 10,
  optimizer: { name: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 }, shuffle: false, dropLast: true,
}

const lettersOf = ({ responses }: Row): number => Object.values(responses).join('').length
const sum = (x: Iterable<number>): number => [...x].reduce((a, b) => a + b, 0)

describe.skipIf(missing !== undefined)('SmolLM2-135M-Instruct, a DPO update of four pairs', () => {
  it('is predicted for 24 probe responses, and its directions add up', { timeout: 1_800_000 }, async () => {
    await using backend = await onnxBackend({ arena: false })
    await using checkpoint = await openModel(sharedPath(...model))
    const { model: network } = checkpoint
    const tokenizer = await checkpoint.tokenizer()
    const options = tokenDefaults(network.context)
    // The shortest of the first hundred rows: four pairs to learn, two rows of twelve types to watch.
    const all = (await readRows(sharedPath(...data), { tokenizer, limit: 100 }))
      .filter((row) => Object.keys(PAPER_TYPES).every((type) => (row.responses[type] ?? '') !== ''))
      .sort((a, b) => lettersOf(a) - lettersOf(b))
    const pairs = encodeRows(all.slice(0, 4), ['chosen', 'rejected'], tokenizer, options)
    // One row that is learned, one that is not.
    const watched = [all[0], all[4]]
    const encoded = Object.keys(PAPER_TYPES).map((type) => encodeEach(watched, type, tokenizer, options).byRow)
    const rows = watched.map((row, i) => ({ row, sequences: encoded.flatMap((byRow) => byRow[i]) }))

    using runner = new StageRunner({
      backend, model: network, stage, examples: stageExamples(stage, pairs.rows), seed: 0, order: [[0, 1, 2, 3]],
    })
    using probes = new ProbeSet(backend, network, rows)
    expect(probes.responses).toHaveLength(24)
    using explainer = new StepExplainer(backend, network, probes)
    let weights: Weights = { params: await paramsOf(backend, checkpoint), state: await runner.freshState() }
    const reference = await runner.reference(weights.params)
    const { prediction, delta } = await explainer.predict(
      { parts: runner.partsOf(0), inputs: (batch) => runner.batchInputs(batch, reference), weights, fresh: true },
      { by: 'terms' },
    )
    disposeTree(delta)
    explainer[Symbol.dispose]()
    weights = (await runner.update(0, weights, reference)).weights
    const actual = difference((await probes.evaluate(weights.params)).logp, prediction.before.logp)
    disposeTree(weights.params)
    disposeTree(weights.state)

    const predicted = prediction.predicted.logp
    const norm = (x: readonly Float64Array[]): number => Math.hypot(...x.map((row) => Math.hypot(...row)))
    const fit = (a: readonly number[], p: readonly number[]): number => {
      const mean = sum(a) / a.length
      return 1 - sum(a.map((x, i) => (x - p[i]) ** 2)) / sum(a.map((x) => (x - mean) ** 2))
    }
    const [responses, tokens] = [
      fit(actual.map(sum), predicted.map(sum)),
      fit(actual.flatMap((row) => [...row]), predicted.flatMap((row) => [...row])),
    ]
    const residual = norm(difference(actual, predicted)) / norm(actual)
    console.log(
      `24 responses, ${sum(actual.map((row) => row.length))} tokens: ‖Δlog π‖ ${norm(actual).toFixed(3)} nats, residual ` +
        `${(100 * residual).toFixed(2)} %, R² ${responses.toFixed(5)} over responses, ${tokens.toFixed(5)} over tokens; ` +
        `gradient norm ${prediction.gradNorm.toFixed(2)}, clip factor ${prediction.clipFactor.toFixed(3)}`,
    )
    probes.responses.slice(0, 12).forEach(({ type }, i) =>
      console.log(`  ${type.padEnd(20)} actual ${sum(actual[i]).toFixed(3)} predicted ${sum(predicted[i]).toFixed(3)}`),
    )
    predicted.forEach((row, i) => {
      const parts = [...prediction.directions.values()].map((values) => sum(values[i]))
      const size = sum(parts.map(Math.abs))
      expect(Math.abs(sum(parts) - sum(row))).toBeLessThan(1e-3 * size)
    })
    expect([...prediction.directions.keys()]).toEqual(['chosen', 'rejected'])
    expect(responses).toBeGreaterThan(0.95)
    expect(tokens).toBeGreaterThan(0.95)
  })
})
