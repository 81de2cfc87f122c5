/** What-ifs are predictions, so each is held against what really happens, in float64 on a tiny transformer. */
import { buildModel, initParams } from '@ldyn/models'
import { mapTree, type HostTensor } from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import { describe, expect, it } from 'vitest'
import { Evaluator } from '../observing/evaluator.ts'
import type { EncodedRow, Sequence } from '../tokens/tokenise.ts'
import { disposeTree, uploadAll, type DeviceTree } from '../device/trees.ts'
import { StageRunner } from '../training/stage-runner.ts'
import { stageExamples, type StageConfig } from '../training/stage.ts'
import { leaves } from '@ldyn/tensor'
import { worstOf } from './effects.ts'
import { predictWhatIfs, steadyRate } from './predict-what-ifs.ts'
import { whatIfsOf } from './what-ifs.ts'

const model = buildModel({
  family: 'llama',
  vocab: 40,
  width: 16,
  context: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  inner: 24,
  eps: 1e-5,
  tied: true,
  activation: 'silu',
  rotary: { dims: 8, base: 10000 },
  attentionBias: false,
  mlpBias: false,
})
const weights = mapTree<HostTensor, HostTensor>(initParams(model, 3), (t) => ({
  ...t,
  data: Float64Array.from(t.data, (x) => 8 * x),
}))
const sequence = (type: string, prompt: number[], response: number[]): Sequence => ({
  type,
  prompt: Int32Array.from(prompt),
  response: Int32Array.from(response),
  truncated: 0,
})
const row = (n: number, prompt: number[], up: number[], down: number[]): EncodedRow => ({
  row: { row: n, where: `row ${n}`, prompt: '', responses: {}, templated: false },
  sequences: [sequence('chosen', prompt, up), sequence('rejected', prompt, down)],
})
const data = [
  row(0, [1, 2], [5, 6, 7], [11, 12]),
  row(1, [3], [8, 9], [8, 13, 14]),
  row(2, [4, 5], [15, 16], [17]),
  row(3, [6, 1, 2], [18, 19, 20], [21, 22, 23]),
]
const probes = [row(10, [1, 2], [5, 6, 7], [11, 12]), row(11, [9, 3], [24, 25], [26, 27, 28])]
const base = (lr: number, own: Partial<StageConfig> = {}): StageConfig => ({
  name: 'dpo',
  loss: { name: 'dpo', beta: 0.5, labelSmoothing: 0, referenceFree: false },
  targets: [],
  updates: 1,
  batch: 4,
  accumulate: 1,
  lr,
  schedule: { name: 'constant', warmup: 0 },
  optimizer: { name: 'sgd', momentum: 0, weightDecay: 0 },
  maxGradNorm: 0,
  shuffle: false,
  dropLast: false,
  ...own,
})
const backend = referenceBackend()
const upload = (): Promise<DeviceTree> =>
  uploadAll(
    backend,
    (async function* () {
      for (const { path, value } of leaves(weights)) yield { path, tensor: value }
    })(),
  )

const predict = async (stage: StageConfig) => {
  const params = await upload()
  const found = await predictWhatIfs({ backend, model, params, data, probes, base: stage })
  disposeTree(params)
  return found
}

/** Mean over probes of Σ log π(chosen) and Σ log max π, before and after one real update. */
const actual = async (stage: StageConfig, rows: readonly EncodedRow[]) => {
  const examples = stageExamples(stage, rows)
  const params = await upload()
  const seen = async (at: DeviceTree) => {
    using evaluator = new Evaluator(backend, model, probes)
    let [logp, argmax] = [0, 0]
    for await (const group of evaluator.evaluate(at)) {
      for (const o of group.filter(({ type }) => type === 'chosen')) {
        logp += Array.from(o.logp).reduce((a, b) => a + b, 0) / probes.length
        argmax += Array.from(o.argmaxLogp).reduce((a, b) => a + b, 0) / probes.length
      }
    }
    return { logp, argmax }
  }
  const before = await seen(params)
  const once = { ...stage, batch: examples.length }
  using runner = new StageRunner({
    backend,
    model,
    stage: once,
    examples,
    seed: 0,
    order: [examples.map((_, i) => i)],
  })
  const reference = await runner.reference(params)
  const { weights: after } = await runner.update(0, { params, state: await runner.freshState() }, reference)
  const end = await seen(after.params)
  return { logp: end.logp - before.logp, argmax: end.argmax - before.argmax }
}

describe('a what-if', () => {
  it('is the change that really happens, to first order, for chosen and for argmax: every loss, extend and a gate', async () => {
    const stage = base(1e-6)
    const found = await predict(stage)
    const cases = [{ name: 'as it is', stage }, ...whatIfsOf(stage)]
    for (const { name, stage: own } of cases) {
      const predicted = [found.base, ...found.others].find((one) => one.name === name)!
      const real = await actual(own, data)
      const scale = Math.max(Math.abs(real.logp), Math.abs(real.argmax))
      expect(Math.abs(predicted.types.chosen.change - real.logp), name).toBeLessThan(0.02 * scale)
      expect(Math.abs(predicted.argmax!.change - real.argmax), name).toBeLessThan(0.02 * scale)
    }
    expect(found.actual.chosen.change).toBeCloseTo((await actual(stage, data)).logp, 10)
    expect(cases.map(({ name }) => name)).toEqual([
      'as it is',
      'dpo, β 1.5',
      'dpo, gated',
      'rpo, α 1',
      'dpop, λ 5',
      'ipo',
      'extend',
      'sft',
    ])
  })

  it('scales with the learning rate, to first order and exactly', async () => {
    const [a, b] = [await predict(base(1e-3)), await predict(base(2e-4))]
    expect(b.base.types.chosen.change).toBeCloseTo(a.base.types.chosen.change / 5, 12)
    expect(b.base.perMargin!.argmax).toBeCloseTo(a.base.perMargin!.argmax, 9)
  })

  it('pairs add up to the update, and leaving the worst out is the update of the rest', async () => {
    const { base: whole, pairs, others } = await predict(base(1e-3))
    expect(pairs.map(({ row: r }) => r).sort()).toEqual([0, 1, 2, 3])
    expect(pairs.reduce((n, { chosen }) => n + chosen, 0)).toBeCloseTo(whole.types.chosen.change, 12)
    const worst = worstOf(pairs)
    expect(worst).toEqual([pairs[0]])
    // DPO's mean is over pairs: three of four.
    const without = others.at(-1)!
    expect(without.name).toBe('without 1 of 4 pairs')
    expect(without.types.chosen.change).toBeCloseTo(
      ((whole.types.chosen.change - worst[0].chosen) * 4) / 3,
      12,
    )
  })

  it('takes RMSprop’s first step as long as a later one: a gradient that stays makes steps of lr', () => {
    const alpha = 0.99
    const rmsprop = base(1e-3, { optimizer: { name: 'rmsprop', alpha, eps: 0, weightDecay: 0 } })
    // First step from v = 0: lr·g/√((1 − α)g²); where v has come to g²: lr.
    expect(steadyRate(rmsprop) / Math.sqrt(1 - alpha)).toBeCloseTo(1e-3, 15)
    expect(steadyRate(base(1e-3))).toBe(1e-3)
  })

  it('takes another reference where one is given: the log-ratios are no longer 0', async () => {
    const params = await upload()
    const other = mapTree<HostTensor, HostTensor>(weights, (t) => ({
      ...t,
      data: Float64Array.from(t.data, (x) => 1.3 * x),
    }))
    const reference = await uploadAll(
      backend,
      (async function* () {
        for (const { path, value } of leaves(other)) yield { path, tensor: value }
      })(),
    )
    const given = await predictWhatIfs({ backend, model, params, reference, data, probes, base: base(1e-3) })
    expect(given.base.gradNorm).not.toBeCloseTo((await predict(base(1e-3))).base.gradNorm, 6)
    disposeTree(params)
    disposeTree(reference)
  })
})
