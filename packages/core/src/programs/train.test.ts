import { f32, leaves, mapTree, NonFiniteError, type HostTensor, type Tree } from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import { describe, expect, it } from 'vitest'
import { filled, numbers, pack, run, toyModel, V, type Example } from '../../test/toy.ts'
import type { BatchShape } from '../batch.ts'
import { dpo } from '../losses/dpo.ts'
import type { Loss } from '../losses/loss.ts'
import { sft } from '../losses/sft.ts'
import { ipo } from '../losses/ipo.ts'
import { hfDecay } from '../optim/decay.ts'
import { rmsprop } from '../optim/rmsprop.ts'
import { adamw } from '../optim/adam.ts'
import { sgd } from '../optim/sgd.ts'
import { stateSpecs } from '../optim/step.ts'
import { accumulateStep, applyStep, gradSpecs, zerosOf } from './accumulate.ts'
import { evaluateProgram } from './evaluate.ts'
import { logProbProgram } from './forward.ts'
import { lossProgram, replaced, trainStep } from './train.ts'

const EXAMPLES: readonly Example[] = [
  {
    prompt: [1, 2],
    responses: [
      [3, 4, 0],
      [5, 0],
    ],
  },
  {
    prompt: [6],
    responses: [
      [2, 2, 0],
      [1, 3, 0],
    ],
  },
]
const SHAPE: BatchShape = { rows: 2, length: 8, reads: 11, sequences: 4, tokens: 3 }
const model = toyModel()
const params = filled(model.params, numbers(5))
const other = filled(model.params, numbers(6))
const batch = pack(EXAMPLES, SHAPE)
const ref: HostTensor = {
  ...f32(4, 3),
  data: Float64Array.from(run(logProbProgram(model, SHAPE), { params: other, batch }).logp),
}

const losses: readonly Loss[] = [
  sft({ reduction: 'sum' }),
  sft({ reduction: 'token-mean' }),
  dpo({ beta: 0.3 }),
  dpo({ beta: 0.5, labelSmoothing: 0.2 }),
  dpo({ beta: 0.3, referenceFree: true }),
  ipo({ beta: 0.4, reduction: 'sum' }),
  ipo({ beta: 0.4, reduction: 'mean' }),
]
const title = (loss: Loss, i: number): string => `${loss.name} (${i})`

/** The same tree with one number moved. */
const nudged = (tree: Tree<HostTensor>, path: string, i: number, by: number): Tree<HostTensor> =>
  mapTree<HostTensor, HostTensor>(tree, (t, at) => {
    if (at !== path) return t
    const data = Float64Array.from(t.data)
    data[i] += by
    return { ...t, data }
  })

const flat = (tree: Tree<HostTensor>): Record<string, number[]> =>
  Object.fromEntries(leaves(tree).map(({ path, value }) => [path, Array.from(value.data)]))

function close(got: readonly number[], want: readonly number[], tolerance: number): void {
  expect(got.length).toBe(want.length)
  const scale = Math.max(...want.map(Math.abs), 1e-3)
  got.forEach((g, i) => expect(Math.abs(g - want[i]) / scale).toBeLessThan(tolerance))
}

describe('token log-probs', () => {
  it('are those of the evaluation, put back into sequences, and 0 in padding', () => {
    const { logp } = run(logProbProgram(model, SHAPE), { params, batch })
    const stats = run(evaluateProgram(model, SHAPE), { params, batch })
    close(logp, [...stats.logp.slice(0, 5), 0, ...stats.logp.slice(5)], 1e-15)
    expect(stats.argmax.every((v) => Number.isInteger(v) && v >= 0 && v < V)).toBe(true)
  })

  it('do not depend on padded rows, reads, sequences or tokens', () => {
    const roomy = { rows: 3, length: 8, reads: 16, sequences: 6, tokens: 5 }
    const { logp } = run(logProbProgram(model, SHAPE), { params, batch })
    const padded = run(logProbProgram(model, roomy), { params, batch: pack(EXAMPLES, roomy) }).logp
    for (let s = 0; s < 6; s++) {
      for (let l = 0; l < 5; l++)
        expect(padded[s * 5 + l]).toBeCloseTo(s < 4 && l < 3 ? logp[s * 3 + l] : 0, 12)
    }
  })
})

describe('trainStep', () => {
  losses.forEach((loss, i) =>
    it(`moves every parameter down the finite-difference gradient of ${title(loss, i)}`, () => {
      const step = trainStep({ model, shape: SHAPE, loss, optimizer: sgd(), delta: true })
      const inputs = { ...batch, ref }
      const out = run(step, { params, batch: inputs, hyper: { lr: 1 } })
      const value = (at: Tree<HostTensor>): number =>
        run(lossProgram({ model, shape: SHAPE, loss }), { params: at, batch: inputs }).loss[0]
      expect(out['metrics.loss'][0]).toBeCloseTo(value(params), 12)
      let squares = 0
      for (const [path, values] of Object.entries(flat(params))) {
        const want = values.map(
          (_, j) => (value(nudged(params, path, j, 1e-5)) - value(nudged(params, path, j, -1e-5))) / 2e-5,
        )
        squares += want.reduce((n, g) => n + g * g, 0)
        close(
          out[`delta.${path}`].map((d) => -d),
          want,
          1e-6,
        )
        close(
          out[`params.${path}`],
          values.map((p, j) => p + out[`delta.${path}`][j]),
          1e-14,
        )
      }
      expect(out['metrics.grad_norm'][0]).toBeCloseTo(Math.sqrt(squares), 6)
      expect(out.finite).toEqual([1])
    }),
  )

  it('gives the head of SFT the gradient Σ (π − e_y) hᵀ: G of the paper', () => {
    const step = trainStep({
      model,
      shape: SHAPE,
      loss: sft({ reduction: 'sum' }),
      optimizer: sgd(),
      trainable: 'head',
      delta: true,
    })
    const out = run(step, { params, batch, hyper: { lr: 1 } })
    // Σ_v π_v − 1 = 0: the rows of the head's gradient add up to nothing.
    for (let d = 0; d < 4; d++)
      expect(
        Array.from({ length: V }, (_, v) => out['delta.head'][v * 4 + d]).reduce((a, b) => a + b),
      ).toBeCloseTo(0, 12)
    expect(Object.keys(out).filter((path) => path.startsWith('params'))).toEqual(['params.head'])
  })

  it('clips as torch: the update is scaled by max/(norm + 1e-6), the norm is reported unscaled', () => {
    const loss = sft({ reduction: 'sum' })
    const free = run(trainStep({ model, shape: SHAPE, loss, optimizer: sgd(), delta: true }), {
      params,
      batch,
      hyper: { lr: 1 },
    })
    const norm = free['metrics.grad_norm'][0]
    const clipped = run(
      trainStep({ model, shape: SHAPE, loss, optimizer: sgd(), maxGradNorm: norm / 4, delta: true }),
      { params, batch, hyper: { lr: 1 } },
    )
    expect(clipped['metrics.grad_norm'][0]).toBe(norm)
    close(
      clipped['delta.embed'],
      free['delta.embed'].map((d) => (d * norm) / 4 / (norm + 1e-6)),
      1e-12,
    )
    const loose = run(
      trainStep({ model, shape: SHAPE, loss, optimizer: sgd(), maxGradNorm: norm * 4, delta: true }),
      { params, batch, hyper: { lr: 1 } },
    )
    expect(loose['delta.embed']).toEqual(free['delta.embed'])
  })

  it('sums the gradients of a tied embedding and head', () => {
    const tied = toyModel(true)
    const { head: _, ...shared } = params as Record<string, HostTensor>
    const optimizer = sgd()
    const loss = sft({ reduction: 'sum' })
    const one = run(trainStep({ model: tied, shape: SHAPE, loss, optimizer, delta: true }), {
      params: shared,
      batch,
      hyper: { lr: 1 },
    })
    const two = run(trainStep({ model, shape: SHAPE, loss, optimizer, delta: true }), {
      params: { ...shared, head: shared.embed },
      batch,
      hyper: { lr: 1 },
    })
    close(
      one['delta.embed'],
      two['delta.embed'].map((d, i) => d + two['delta.head'][i]),
      1e-12,
    )
  })

  it('names what a run replaces, and keeps frozen parameters out of it', () => {
    const options = { model, shape: SHAPE, loss: dpo({ beta: 0.1 }), optimizer: rmsprop() }
    expect(replaced(trainStep({ ...options, trainable: 'layer.norm' }))).toEqual([
      'params.layer.norm.scale',
      'params.layer.norm.bias',
      'state.square.layer.norm.scale',
      'state.square.layer.norm.bias',
    ])
    expect(replaced(trainStep(options))).toHaveLength(2 * leaves(model.params).length)
    expect(() => trainStep({ ...options, trainable: 'layer.nrom' })).toThrow(
      /trainable selects none of the parameters embed, place/,
    )
  })

  it('is refused by a backend, with everything still alive, where the loss is not finite', async () => {
    const backend = referenceBackend()
    const step = trainStep({ model, shape: SHAPE, loss: sft({ reduction: 'sum' }), optimizer: sgd() })
    const executable = await backend.compile(step, { donate: replaced(step) })
    const uploaded = new Map(
      await Promise.all(
        leaves(nudged(params, 'embed', 4, NaN)).map(
          async ({ path, value }) => [path, await backend.upload(value)] as const,
        ),
      ),
    )
    const at = mapTree(params, (_, path) => uploaded.get(path)!)
    await expect(executable.run({ params: at, batch, hyper: { lr: 1 } })).rejects.toThrow(NonFiniteError)
    expect([...uploaded.values()].every((t) => t.alive)).toBe(true)
  })

  it('says what a preference loss lacks', () => {
    expect(() => lossProgram({ model, shape: { ...SHAPE, sequences: 3 }, loss: dpo({ beta: 0.1 }) })).toThrow(
      /3 sequences do not form pairs/,
    )
  })
})

describe('gradient accumulation', () => {
  const one: BatchShape = { rows: 1, length: 8, reads: 6, sequences: 2, tokens: 3 }
  const refOf = (i: number): HostTensor => ({ ...f32(2, 3), data: ref.data.slice(6 * i, 6 * i + 6) })
  const counts = [4, 11, 2, 2, 2, 2, 2]

  losses.forEach((loss, i) =>
    it(`over two micro-batches of unequal length is one big batch: ${title(loss, i)}`, () => {
      const optimizer = adamw({ decay: hfDecay })
      const hyper = optimizer.hyper(0, 0.1)
      const state = zerosOf(stateSpecs(optimizer, model.params))
      const whole = run(trainStep({ model, shape: SHAPE, loss, optimizer, maxGradNorm: 0.5 }), {
        params,
        state,
        batch: { ...batch, ref },
        hyper,
      })
      const micro = accumulateStep({ model, shape: one, loss })
      let grads = zerosOf(gradSpecs(model.params))
      let value = 0
      EXAMPLES.forEach((example, m) => {
        const out = run(micro, {
          params,
          batch: { ...pack([example], one), ref: refOf(m) },
          grads,
          count: counts[i],
        })
        grads = mapTree<HostTensor, HostTensor>(grads, (t, path) => ({
          ...t,
          data: Float64Array.from(out[`grads.${path}`]),
        }))
        value += out['metrics.loss'][0]
      })
      const applied = run(applyStep({ model, optimizer, maxGradNorm: 0.5 }), { params, state, grads, hyper })
      expect(value).toBeCloseTo(whole['metrics.loss'][0], 12)
      expect(applied['metrics.grad_norm'][0]).toBeCloseTo(whole['metrics.grad_norm'][0], 12)
      for (const path of Object.keys(applied).filter((p) => /^(params|state)/.test(p)))
        close(applied[path], whole[path], 1e-9)
      expect(replaced(micro).every((path) => path.startsWith('grads.'))).toBe(true)
    }),
  )
})
