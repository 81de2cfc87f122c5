/** TRL's own trainers on the same files: how they tokenise, and every number that they log (tests/golden/trl.json). */
import {
  encodeRows,
  normalise,
  readRows,
  StageRunner,
  stageExamples,
  tokenDefaults,
  typesOf,
  type LossConfig,
  type Row,
  type StageConfig,
  type TokenOptions,
  type UpdateReport,
  type Weights,
} from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { tokenizerFromFiles, type Tokenizer } from '@ldyn/models'
import { beforeAll, describe, expect, it } from 'vitest'
import { backends, deviation, golden, goldenPath, paramsOf } from './support/golden.ts'

interface Settings {
  per_device_train_batch_size: number
  gradient_accumulation_steps: number
  learning_rate: number
  lr_scheduler_type: 'linear' | 'cosine'
  warmup_steps: number
  weight_decay: number
  max_grad_norm: number
  max_length: number
  beta?: number
}
interface PairTokens {
  chosen: number[]
  rejected: number[]
  completion_start: [number, number]
}
interface SftTokens {
  ids: number[]
  completion_start: number
}
interface Golden {
  runs: Record<string, { settings: Settings; steps: number; logged: Record<string, number[]> }>
  tokens: {
    dpo: PairTokens[]
    sft: SftTokens[]
    dpo_without_bos: PairTokens[]
    dpo_keep_start_28: { rows: number[]; tokens: PairTokens[] }
    sft_keep_start_28: { rows: number[]; tokens: SftTokens[] }
    dpo_conversational: { data: Record<string, unknown>[]; chat_template: string; tokens: PairTokens[] }
    dpo_implicit_prompt: { data: Record<string, unknown>[]; tokens: PairTokens[] }
  }
}
const { runs, tokens } = golden<Golden>('trl.json')
const modelPath = goldenPath('trl', 'model')
const joint = (maxLength = 512): TokenOptions => ({
  ...tokenDefaults(512),
  mode: 'joint',
  maxLength,
  overflow: 'truncate',
})

let tokenizer: Tokenizer
let preferences: Row[]
let completions: Row[]
beforeAll(async () => {
  await using checkpoint = await openModel(modelPath)
  tokenizer = await checkpoint.tokenizer()
  preferences = await readRows(goldenPath('trl', 'preferences.jsonl'))
  completions = await readRows(goldenPath('trl', 'sft.jsonl'))
})

/** Our encoding in the golden file's form. */
function pairs(rows: readonly Row[], with_: Tokenizer, options: TokenOptions): PairTokens[] {
  return encodeRows(rows, ['chosen', 'rejected'], with_, options).rows.map(({ sequences: [c, r] }) => ({
    chosen: [...c.prompt, ...c.response],
    rejected: [...r.prompt, ...r.response],
    completion_start: [c.prompt.length, r.prompt.length],
  }))
}
const singles = (rows: readonly Row[], options: TokenOptions): SftTokens[] =>
  encodeRows(rows, ['chosen'], tokenizer, options).rows.map(({ sequences: [s] }) => ({
    ids: [...s.prompt, ...s.response],
    completion_start: s.prompt.length,
  }))

describe("joint tokenisation is TRL's, token by token", () => {
  it('for pairs', () =>
    expect(pairs(preferences, tokenizer, joint()).slice(0, tokens.dpo.length)).toEqual(tokens.dpo))
  it('for completions', () => expect(singles(completions, joint()).slice(0, tokens.sft.length)).toEqual(tokens.sft))
  it('without BOS where the post-processor adds none', () => {
    const plain = { ...tokenizer, addsBos: false }
    expect(pairs(preferences.slice(0, tokens.dpo_without_bos.length), plain, joint())).toEqual(
      tokens.dpo_without_bos,
    )
  })
  it('cut to max_length, rows without room dropped', () => {
    const { rows, tokens: wanted } = tokens.dpo_keep_start_28
    expect(pairs(preferences.slice(0, 12), tokenizer, joint(28))).toEqual(wanted)
    expect(rows.length).toBe(wanted.length)
    expect(singles(completions.slice(0, 12), joint(28))).toEqual(tokens.sft_keep_start_28.tokens)
  })
  it('with prompts that chosen and rejected imply', () => {
    const rows = tokens.dpo_implicit_prompt.data.map((record, i) => normalise(record, i, `row ${i}`))
    expect(pairs(rows, tokenizer, joint())).toEqual(tokens.dpo_implicit_prompt.tokens)
  })
  it('of conversations, through the chat template', () => {
    const { data, chat_template, tokens: wanted } = tokens.dpo_conversational
    const config = JSON.parse(tokenizer.files['tokenizer_config.json']) as Record<string, unknown>
    const files = { ...tokenizer.files, 'tokenizer_config.json': JSON.stringify({ ...config, chat_template }) }
    const chatty = tokenizerFromFiles(files, 'trl')
    const rows = data.map((record, i) => normalise(record, i, `row ${i}`, chatty))
    expect(pairs(rows, chatty, joint())).toEqual(wanted)
  })
})

const LOSSES: Record<string, LossConfig> = {
  dpo_sigmoid: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false },
  dpo_truncated: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false },
  dpo_ipo: { name: 'ipo', beta: 0.1, reduction: 'mean', referenceFree: false },
  sft: { name: 'sft', reduction: 'token-mean' },
  sft_accumulated: { name: 'sft', reduction: 'token-mean' },
}
const METRICS = [
  'loss',
  'grad_norm',
  'learning_rate',
  'logps/chosen',
  'logps/rejected',
  'rewards/chosen',
  'rewards/rejected',
  'rewards/margins',
  'rewards/accuracies',
]

const stageOf = (name: string, s: Settings): StageConfig => ({
  name,
  loss: LOSSES[name],
  targets: ['chosen'],
  epochs: 1,
  shuffle: false,
  dropLast: false,
  batch: s.per_device_train_batch_size,
  accumulate: s.gradient_accumulation_steps,
  lr: s.learning_rate,
  schedule: { name: s.lr_scheduler_type, warmup: s.warmup_steps },
  maxGradNorm: s.max_grad_norm,
  optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: s.weight_decay },
})

describe.each(backends)('on $name', ({ create }) => {
  it.each(Object.keys(LOSSES))('%s logs what TRL logs, step by step', async (name) => {
    await using backend = await create()
    await using checkpoint = await openModel(modelPath)
    const { settings, steps, logged } = runs[name]
    const stage = stageOf(name, settings)
    const rows = name.startsWith('sft') ? completions : preferences
    const { rows: encoded } = encodeRows(rows, typesOf(stage), tokenizer, joint(settings.max_length))
    const examples = stageExamples(stage, encoded)
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
        // Until the first update with a rate all margins are rounding, and an accuracy is a step function of them.
        if (metric === 'rewards/accuracies' && u < 2) return undefined
        const got = metric === 'learning_rate' ? lr : metrics[metric]
        return deviation(`update ${u}, ${metric}`, got, value, 1e-3, metric.startsWith('rewards') ? 0.05 : 1e-6)
      }),
    ).filter((v) => v !== undefined)
    expect(wrong).toEqual([])
  })
})
