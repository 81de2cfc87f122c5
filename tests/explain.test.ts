/**
 * One step, explained: against torch.func in float64 on the four families (explain.json), and the identities that need
 * no oracle (contracts.md §5): second order in η, directions and modules that add up, a segment that closes.
 */
import { moduleName } from '@ldyn/core'
import {
  difference,
  disposeSegment,
  disposeTree,
  explainSegment,
  loadSegment,
  mustMatch,
  ProbeSet,
  StageRunner,
  StepExplainer,
  type EncodedRow,
  type LossConfig,
  type OptimizerConfig,
  type StageConfig,
  type StageExample,
  type StepPrediction,
  type Weights,
} from '@ldyn/lab'
import type { Checkpoint } from '@ldyn/models/node'
import { saveModel } from '@ldyn/models/node'
import { leaves, type Backend, type DeviceTensor } from '@ldyn/tensor'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { referenceBackend } from '@ldyn/tensor/reference'
import { openModel } from '@ldyn/models/node'
import { backends, golden, goldenModel, idRow, paramsOf, sequence } from './support/golden.ts'

interface GoldenResponse {
  logp: number[]
  actual: number[]
  predicted: number[]
  own_logit: number[]
  directions: Record<string, number[]>
  modules: Record<string, number>
  watched: number[]
}
interface GoldenStep {
  grad_norm: number
  clip_factor: number
  responses: GoldenResponse[]
}
const { models } = golden<{ models: Record<string, Record<'sgd' | 'adamw', GoldenStep>> }>('explain.json')
const training = golden<{
  models: Record<string, { examples: { prompt: number[]; chosen: number[]; rejected: number[] }[] }>
}>('training.json').models
const FAMILIES = Object.keys(models)

const DPO: LossConfig = { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false }
const OPTIMIZERS = {
  sgd: { name: 'sgd', momentum: 0, weightDecay: 0 },
  adamw: { name: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 },
  rmsprop: { name: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 },
} as const satisfies Record<string, OptimizerConfig>

const stageOf = (optimizer: OptimizerConfig, lr: number, batch = 2, loss: LossConfig = DPO): StageConfig => ({
  name: 'dpo', loss, targets: ['chosen', 'rejected'], batch, accumulate: 2 / batch, lr, maxGradNorm: 2,
  schedule: { name: 'constant', warmup: 0 }, optimizer, shuffle: false, dropLast: false,
})

const examplesOf = (family: string): StageExample[] =>
  training[family].examples.map(({ prompt, chosen, rejected }, row) => ({
    row, sequences: [sequence('chosen', prompt, chosen), sequence('rejected', prompt, rejected)],
  }))
/** Example 5 with both responses, example 0 with its chosen one. */
const probesOf = (family: string): EncodedRow[] => {
  const all = examplesOf(family)
  return [
    { row: idRow(5), sequences: all[5].sequences },
    { row: idRow(0), sequences: [all[0].sequences[0]] },
  ]
}

interface Explained {
  readonly prediction: StepPrediction
  readonly actual: readonly Float64Array[]
}

/** Takes the updates of `order` and explains the last of them. */
async function explain(
  backend: Backend,
  checkpoint: Checkpoint,
  family: string,
  stage: StageConfig,
  order: readonly (readonly number[])[],
  by: 'terms' | 'examples' = 'terms',
): Promise<Explained> {
  const { model } = checkpoint
  using runner = new StageRunner({ backend, model, stage, examples: examplesOf(family), seed: 0, order })
  using probes = new ProbeSet(backend, model, probesOf(family), {
    watch: (responses) => responses.map((_, response) => ({ response, token: 1 })),
  })
  using explainer = new StepExplainer(backend, model, probes)
  let weights: Weights = { params: await paramsOf(backend, checkpoint), state: undefined }
  weights = { params: weights.params, state: await runner.freshState() }
  const reference = await runner.reference(weights.params)
  const last = order.length - 1
  for (let u = 0; u < last; u++) weights = (await runner.update(u, weights, reference)).weights
  const { prediction, delta } = await explainer.predict(
    {
      parts: runner.partsOf(last),
      inputs: (batch) => runner.batchInputs(batch, reference),
      weights,
      fresh: last === 0,
    },
    { by, modules: true },
  )
  disposeTree(delta)
  const before = (await probes.evaluate(weights.params)).logp
  weights = (await runner.update(last, weights, reference)).weights
  const after = (await probes.evaluate(weights.params)).logp
  disposeTree(weights.params)
  disposeTree(weights.state)
  return { prediction, actual: difference(after, before) }
}

const gap = (got: ArrayLike<number>, want: readonly number[]): number =>
  Math.max(...want.map((w, i) => Math.abs(got[i] - w))) / Math.max(...want.map(Math.abs), 1e-2)

describe.each(backends)('on $name, a step is what torch.func makes of it', ({ create, tolerance, name }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await create()
  })
  afterAll(() => backend.dispose())
  // AdamW divides by √v̂, which in f32 carries the rounding of tiny gradients on.
  const loose = name.startsWith('onnx') ? 20 : 1

  it.each(FAMILIES.flatMap((family) => (['sgd', 'adamw'] as const).map((rule) => [family, rule] as const)))(
    '%s, %s',
    async (family, rule) => {
      await using checkpoint = await goldenModel(family)
      const want = models[family][rule]
      const stage = stageOf(OPTIMIZERS[rule], rule === 'sgd' ? 0.02 : 2e-3)
      const order = rule === 'sgd' ? [[0, 1]] : [[2, 3], [0, 1]]
      const { prediction, actual } = await explain(backend, checkpoint, family, stage, order)
      const within = tolerance * loose
      expect(Math.abs(prediction.gradNorm / want.grad_norm - 1)).toBeLessThan(within)
      expect(Math.abs(prediction.clipFactor / want.clip_factor - 1)).toBeLessThan(within)
      want.responses.forEach((response, i) => {
        expect(gap(prediction.before.logp[i], response.logp), 'log π before').toBeLessThan(within)
        expect(gap(prediction.predicted.logp[i], response.predicted), 'predicted').toBeLessThan(within)
        expect(gap(actual[i], response.actual), 'actual').toBeLessThan(within)
        expect(gap(prediction.predicted.own[i], response.own_logit), 'own logit').toBeLessThan(within)
        expect(gap(prediction.predicted.watched[i], response.watched), 'watched').toBeLessThan(within)
        expect([...prediction.directions.keys()].sort()).toEqual(Object.keys(response.directions).sort())
        for (const [direction, values] of Object.entries(response.directions))
          expect(gap(prediction.directions.get(direction)![i], values), direction).toBeLessThan(within)
        const found: Record<string, number> = {}
        for (const { module, change } of prediction.modules![i]) {
          // PyTorch has a tied head's gradient in the embedding's.
          const key = checkpoint.model.tied && module.kind === 'head' ? 'embedding' : moduleName(module)
          found[key] = (found[key] ?? 0) + change
        }
        expect(Object.keys(found).sort()).toEqual(Object.keys(response.modules).sort())
        const names = Object.keys(response.modules)
        expect(gap(names.map((key) => found[key]), names.map((key) => response.modules[key])), 'modules').toBeLessThan(within)
      })
    },
  )
})

describe('in float64, for every family', () => {
  const backend = referenceBackend()
  afterAll(() => backend.dispose())
  const rules = Object.keys(OPTIMIZERS) as (keyof typeof OPTIMIZERS)[]
  const every = FAMILIES.flatMap((family) => rules.map((rule) => [family, rule] as const))

  it.each(every)('%s under %s: the residual is of second order in η', async (family, rule) => {
    await using checkpoint = await goldenModel(family)
    const residualAt = async (lr: number): Promise<{ residual: number; largest: number }> => {
      const { prediction, actual } = await explain(backend, checkpoint, family, stageOf(OPTIMIZERS[rule], lr), [[0, 1]])
      const left = difference(actual, prediction.predicted.logp)
      return {
        residual: Math.hypot(...left.flatMap((row) => [...row])),
        largest: Math.max(...actual.flatMap((row) => [...row].map(Math.abs))),
      }
    }
    // Δθ is linear in η, so one step tells where max|Δlog π| is 0.02.
    const start = rule === 'sgd' ? 1e-3 : 1e-5
    const eta = (0.02 * start) / (await residualAt(start)).largest
    const first = await residualAt(eta)
    expect(first.largest).toBeGreaterThan(0.01)
    expect(first.largest).toBeLessThan(0.1)
    const last = await residualAt(eta / 64)
    expect(Math.abs(Math.log2(first.residual / last.residual) / 6 - 2)).toBeLessThan(0.05)
  })

  it.each(FAMILIES)('%s: directions by term and by example, and modules, add up to the whole; micro-batches are one batch', async (family) => {
    await using checkpoint = await goldenModel(family)
    const order = [[2, 3], [0, 1]]
    const stage = stageOf(OPTIMIZERS.adamw, 2e-3)
    const whole = await explain(backend, checkpoint, family, stage, order)
    const split = await explain(backend, checkpoint, family, stageOf(OPTIMIZERS.adamw, 2e-3, 1), order, 'examples')
    expect([...split.prediction.directions.keys()]).toEqual([
      '0 chosen', '0 rejected', '1 chosen', '1 rejected', 'carry-over', 'decay',
    ])
    for (const { prediction } of [whole, split]) {
      prediction.predicted.logp.forEach((row, i) => {
        row.forEach((x, t) => {
          const parts = [...prediction.directions.values()].map((values) => values[i][t])
          const size = parts.reduce((n, p) => n + Math.abs(p), 0)
          expect(Math.abs(parts.reduce((n, p) => n + p, 0) - x)).toBeLessThan(1e-10 * size)
        })
        const modules = prediction.modules![i].map(({ change }) => change)
        const sum = row.reduce((n, x) => n + x, 0)
        const size = modules.reduce((n, x) => n + Math.abs(x), 0)
        expect(Math.abs(modules.reduce((n, x) => n + x, 0) - sum)).toBeLessThan(1e-10 * size)
      })
    }
    whole.prediction.predicted.logp.forEach((row, i) =>
      expect(gap(split.prediction.predicted.logp[i], [...row])).toBeLessThan(1e-10),
    )
  })

  it('SFT of several types names what is learned', async () => {
    await using checkpoint = await goldenModel('llama')
    const stage = stageOf(OPTIMIZERS.sgd, 1e-3, 2, { name: 'sft', reduction: 'sum' })
    const { prediction } = await explain(backend, checkpoint, 'llama', stage, [[0, 1]])
    expect([...prediction.directions.keys()]).toEqual(['chosen target', 'rejected target'])
  })
})

describe('two checkpoints', () => {
  let root: string
  const backend = referenceBackend()
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'ldyn-explain-'))
  })
  afterAll(async () => {
    await rm(root, { recursive: true })
    await backend.dispose()
  })

  /** The model some DPO updates later, saved as a trainer would. */
  async function trained(family: string, dtype: 'F32' | 'BF16', lr: number): Promise<string> {
    await using checkpoint = await goldenModel(family)
    const { model } = checkpoint
    const order = [[0, 1], [2, 3], [4, 6]]
    using runner = new StageRunner({
      backend, model, stage: stageOf(OPTIMIZERS.rmsprop, lr), examples: examplesOf(family), seed: 0, order,
    })
    let weights: Weights = { params: await paramsOf(backend, checkpoint), state: await runner.freshState() }
    const reference = await runner.reference(weights.params)
    for (const u of order.keys()) weights = (await runner.update(u, weights, reference)).weights
    const directory = join(root, `${family}-${dtype}-${lr}`)
    const held = new Map(leaves(weights.params as Record<string, DeviceTensor>).map(({ path, value }) => [path, value]))
    await saveModel(directory, { model, params: (path: string) => backend.read(held.get(path)!), dtype })
    disposeTree(weights.params)
    disposeTree(weights.state)
    return directory
  }

  it('are explained along the way between them: the integral closes what the first order leaves, modules add up', async () => {
    await using from = await goldenModel('qwen2')
    await using to = await openModel(await trained('qwen2', 'F32', 2e-4))
    using probes = new ProbeSet(backend, from.model, probesOf('qwen2'))
    const segment = await loadSegment(backend, from, to)
    const found = await explainSegment(probes, segment, { nodes: 6, modules: true })
    const atA = await paramsOf(backend, from)
    const atB = await paramsOf(backend, to)
    const actual = difference((await probes.evaluate(atB)).logp, (await probes.evaluate(atA)).logp)
    const size = (rows: readonly Float64Array[]): number => Math.hypot(...rows.flatMap((row) => [...row]))
    // θ_A + (θ_B − θ_A), the difference rounded to f32.
    expect(size(difference(difference(found.after.logp, found.before.logp), actual))).toBeLessThan(1e-6 * size(actual))
    const first = size(difference(actual, found.predicted.logp))
    expect(first).toBeGreaterThan(0.02 * size(actual))
    const moved = difference(found.after.logp, found.before.logp)
    expect(size(difference(moved, found.integrated!.logp))).toBeLessThan(1e-3 * first)
    found.predicted.logp.forEach((row, i) =>
      expect(found.modules![i].reduce((n, { change }) => n + change, 0)).toBeCloseTo(row.reduce((n, x) => n + x, 0), 9),
    )
    expect(segment.rounding.change).toBeGreaterThan(100 * segment.rounding.rounding)
    disposeSegment(segment)
    disposeTree(atA)
    disposeTree(atB)
  })

  it('stored in bf16 at a small learning rate differ by little more than their rounding, and it is measured', async () => {
    await using from = await goldenModel('llama')
    await using to = await openModel(await trained('llama', 'BF16', 1e-5))
    const segment = await loadSegment(backend, from, to)
    expect(segment.rounding.dtype).toBe('BF16')
    expect(segment.rounding.change / segment.rounding.rounding).toBeLessThan(2)
    expect(segment.rounding.change / segment.rounding.rounding).toBeGreaterThan(0.5)
    disposeSegment(segment)
  })

  it('of different networks are refused by the first tensor, or the setting, that differs', async () => {
    await using llama = await goldenModel('llama')
    await using untied = await goldenModel('llama-untied')
    await using gpt2 = await goldenModel('gpt2')
    expect(() => mustMatch(llama, untied)).toThrow(/tensor layers.2.attnNorm.w/)
    expect(() => mustMatch(llama, gpt2)).toThrow(/tensor embed/)
    expect(() => mustMatch(llama, { ...llama, model: { ...llama.model, config: { ...llama.model.config, eps: 1 } } })).toThrow(/eps of config/)
  })

  it('a watched position that does not exist is refused with the row and its length', async () => {
    await using checkpoint = await goldenModel('llama')
    expect(() => new ProbeSet(backend, checkpoint.model, probesOf('llama'), { watch: () => [{ response: 0, token: 99 }] }))
      .toThrow(/no token 99 to watch in the response 'chosen'/)
  })
})
