/** TRL trainers with the further losses on the same rows: every number that they log (tests/golden/trl-losses.json). */
import {
  encodeRows,
  readRows,
  StageRunner,
  stageExamples,
  stageRows,
  tokenDefaults,
  typesOf,
  type LossConfig,
  type Row,
  type StageConfig,
  type UpdateReport,
  type Weights,
} from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { describe, expect, it } from 'vitest'
import { backends, deviation, golden, goldenPath, paramsOf } from './support/golden.ts'

interface Settings {
  per_device_train_batch_size: number
  learning_rate: number
  lr_scheduler_type: 'linear'
  warmup_steps: number
  weight_decay: number
  max_grad_norm: number
}
interface Golden {
  runs: Record<string, { settings: Settings; steps: number; logged: Record<string, number[]> }>
}
const { runs } = golden<Golden>('trl-losses.json')
const modelPath = goldenPath('trl', 'model')

const simpo = { name: 'simpo', beta: 2, gamma: 0.5, labelSmoothing: 0, reduction: 'token-mean' } as const
const LOSSES: Record<string, LossConfig> = {
  hinge: { name: 'slic', beta: 0.1, delta: 1, referenceFree: false, alpha: 0, reduction: 'sum' },
  sppo_hard: { name: 'sppo', beta: 0.1, form: 'true' },
  sigmoid_sft: {
    name: 'rpo',
    beta: 0.1,
    labelSmoothing: 0,
    referenceFree: false,
    alpha: 0.5,
    reduction: 'token-mean',
  },
  simpo: { ...simpo, alpha: 0 },
  simpo_nll: { ...simpo, alpha: 1 },
  kto: { name: 'kto', beta: 0.3, desirableWeight: 1.5, undesirableWeight: 0.5 },
  orpo: { name: 'orpo', beta: 0.5, alpha: 1, reduction: 'token-mean' },
}
/** CPO's and ORPO's `logps/*` are means over tokens, which ours never are: there the rewards speak for them. */
const METRICS = ['loss', 'grad_norm', 'learning_rate', 'rewards/chosen', 'rewards/rejected', 'rewards/margins', 'kl']

const stageOf = (name: string, s: Settings): StageConfig => ({
  name,
  loss: LOSSES[name],
  targets: ['chosen'],
  updates: runs[name].steps,
  epochs: 1,
  shuffle: false,
  dropLast: false,
  batch: s.per_device_train_batch_size,
  accumulate: 1,
  lr: s.learning_rate,
  schedule: { name: s.lr_scheduler_type, warmup: s.warmup_steps },
  maxGradNorm: s.max_grad_norm,
  optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: s.weight_decay },
})

/** The rows that the golden file names; for KTO one response of each, with its label. */
async function rowsOf(name: string): Promise<Row[]> {
  const all = await readRows(goldenPath('trl', 'preferences.jsonl'))
  const rows = all.filter((_, i) => i !== 4 && i !== 24).slice(0, 24)
  // TRL's ORPO takes its NLL over prompt and response; without a prompt that is ours.
  if (name === 'orpo') return rows.map((row) => ({ ...row, prompt: '' }))
  if (name !== 'kto') return rows
  return rows.map((row, i) => {
    const type = i % 2 ? 'rejected' : 'chosen'
    return { ...row, responses: { [type]: row.responses[type] } }
  })
}

describe.each(backends)('on $name', ({ create }) => {
  it.each(Object.keys(LOSSES))('%s logs what TRL logs, step by step', async (name) => {
    await using backend = await create()
    await using checkpoint = await openModel(modelPath)
    const tokenizer = await checkpoint.tokenizer()
    const { settings, steps, logged } = runs[name]
    const stage = stageOf(name, settings)
    const options = { ...tokenDefaults(512), mode: 'joint' } as const
    const rows = stageRows(stage, await rowsOf(name))
    const { rows: encoded } = encodeRows(rows, typesOf(stage), tokenizer, options)
    const examples = stageExamples(stage, encoded, 512)
    using runner = new StageRunner({ backend, model: checkpoint.model, stage, examples, seed: 0 })
    expect(runner.updates).toBe(steps)
    let weights: Weights = { params: await paramsOf(backend, checkpoint), state: await runner.freshState() }
    const reference = await runner.reference(weights.params)
    const reports: UpdateReport[] = []
    for (let u = 0; u < steps; u++) {
      const done = await runner.update(u, weights, reference)
      weights = done.weights
      reports.push(done.report)
    }
    const wrong = METRICS.flatMap((metric) =>
      (logged[metric] ?? []).map((value, u) => {
        const { lr, metrics } = reports[u]
        const got = metric === 'learning_rate' ? lr : metrics[metric]
        return deviation(`update ${u}, ${metric}`, got, value, 1e-3, metric.startsWith('rewards') ? 0.05 : 1e-4)
      }),
    ).filter((v) => v !== undefined)
    expect(wrong).toEqual([])
  })
})
