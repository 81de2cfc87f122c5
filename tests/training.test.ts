/** Fifty updates of SFT and DPO, and shorter runs of their variants, against PyTorch in float64 (training.json). */
import { leaves, type Backend } from '@ldyn/tensor'
import {
  StageRunner,
  type LossConfig,
  type StageConfig,
  type StageExample,
  type UpdateReport,
  type Weights,
} from '@ldyn/lab'
import type { Checkpoint } from '@ldyn/models/node'
import { describe, expect, it } from 'vitest'
import { backends, deviation, golden, goldenModel, paramsOf, sequence } from './support/golden.ts'

interface Run {
  lr: number
  clip: number
  steps: number
  loss: number[]
  grad_norm: number[]
  parameters_sum_and_sum_of_squares: [number, number]
  [metric: string]: unknown
}
interface Golden {
  settings: { alpha: number; eps: number; warmup: number; order: number[][] }
  models: Record<
    string,
    { examples: { prompt: number[]; chosen: number[]; rejected: number[] }[]; runs: Record<string, Run> }
  >
}
const { settings, models } = golden<Golden>('training.json')

const beta = 0.1
const LOSSES: Record<string, LossConfig> = {
  sft: { name: 'sft', reduction: 'sum' },
  dpo: { name: 'dpo', beta, labelSmoothing: 0, referenceFree: false },
  cdpo: { name: 'dpo', beta, labelSmoothing: 0.1, referenceFree: false },
  dpo_reference_free: { name: 'dpo', beta, labelSmoothing: 0, referenceFree: true },
  ipo_sum: { name: 'ipo', beta, reduction: 'sum', referenceFree: false },
  ipo_mean: { name: 'ipo', beta, reduction: 'mean', referenceFree: false },
  ipo_sum_reference_free: { name: 'ipo', beta, reduction: 'sum', referenceFree: true },
  ipo_mean_reference_free: { name: 'ipo', beta, reduction: 'mean', referenceFree: true },
}
const METRICS = [
  'loss',
  'grad_norm',
  'logps/chosen',
  'logps/rejected',
  'rewards/chosen',
  'rewards/rejected',
] as const

const stageOf = (name: string, run: Run, batch = 2, accumulate = 1): StageConfig => ({
  name,
  loss: LOSSES[name],
  targets: ['chosen'],
  batch,
  accumulate,
  lr: run.lr,
  maxGradNorm: run.clip,
  schedule: { name: 'paper', warmup: settings.warmup },
  optimizer: { name: 'rmsprop', alpha: settings.alpha, eps: settings.eps, weightDecay: 0 },
  shuffle: false,
  dropLast: false,
})

async function follow(
  backend: Backend,
  checkpoint: Checkpoint,
  stage: StageConfig,
  examples: readonly StageExample[],
  steps: number,
): Promise<{ reports: UpdateReport[]; weights: Weights }> {
  using runner = new StageRunner({
    backend,
    model: checkpoint.model,
    stage,
    examples,
    seed: 0,
    order: settings.order.slice(0, steps),
  })
  let weights: Weights = { params: await paramsOf(backend, checkpoint), state: await runner.freshState() }
  const reference = await runner.reference(weights.params)
  const reports: UpdateReport[] = []
  for (let u = 0; u < steps; u++) {
    const done = await runner.update(u, weights, reference)
    weights = done.weights
    reports.push(done.report)
  }
  return { reports, weights }
}

describe.each(backends)('on $name', ({ create, tolerance }) => {
  // f32 differs by what fifty updates make of its rounding; PyTorch's own f32 differs by up to 2e-5.
  const allowed = tolerance < 1e-6 ? 1e-7 : 1e-3
  describe.each(Object.keys(models))('%s', (name) => {
    it.each(Object.keys(LOSSES))('%s follows PyTorch', async (lossName) => {
      await using backend = await create()
      await using checkpoint = await goldenModel(name)
      const run = models[name].runs[lossName]
      const types = lossName === 'sft' ? (['chosen'] as const) : (['chosen', 'rejected'] as const)
      const examples = models[name].examples.map((e, row) => ({
        row,
        sequences: types.map((type) => sequence(type, e.prompt, e[type])),
      }))
      const { reports, weights } = await follow(backend, checkpoint, stageOf(lossName, run), examples, run.steps)
      const wrong = METRICS.flatMap((metric) => {
        const wanted = run[metric] as number[] | undefined
        // Rewards near 0 are differences of large sums.
        const floor = metric.startsWith('rewards') ? 0.1 : 1e-2
        return (
          wanted?.flatMap((value, u) =>
            metric in reports[u].metrics
              ? (deviation(`update ${u}, ${metric}`, reports[u].metrics[metric], value, allowed, floor) ?? [])
              : [],
          ) ?? []
        )
      })
      expect(wrong).toEqual([])
      let [sum, squares] = [0, 0]
      for (const { value } of leaves(weights.params))
        for (const v of (await backend.read(value)).data) [sum, squares] = [sum + v, squares + v * v]
      const [wantSum, wantSquares] = run.parameters_sum_and_sum_of_squares
      expect([deviation('Σθ', sum, wantSum, allowed, 1), deviation('Σθ²', squares, wantSquares, allowed)]).toEqual([
        undefined,
        undefined,
      ])
    })
  })
})

describe('gradient accumulation', () => {
  it.each(['sft', 'dpo'])(
    '%s: two micro-batches of one example give the update of one batch of two',
    async (lossName) => {
      const { create } = backends[0]
      await using backend = await create()
      await using checkpoint = await goldenModel('llama')
      const run = models.llama.runs[lossName]
      const types = lossName === 'sft' ? (['chosen'] as const) : (['chosen', 'rejected'] as const)
      const examples = models.llama.examples.map((e, row) => ({
        row,
        sequences: types.map((type) => sequence(type, e.prompt, e[type])),
      }))
      const { reports } = await follow(backend, checkpoint, stageOf(lossName, run, 1, 2), examples, 5)
      const wrong = reports
        .flatMap((r, u) => [
          deviation(`update ${u}, loss`, r.metrics.loss, run.loss[u], 1e-7),
          deviation(`update ${u}, grad_norm`, r.metrics.grad_norm, run.grad_norm[u], 1e-7),
        ])
        .filter((v) => v !== undefined)
      expect(wrong).toEqual([])
    },
  )
})
