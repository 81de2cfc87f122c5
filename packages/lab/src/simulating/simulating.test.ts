import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logSoftmaxOf, squeezeStep } from '@ldyn/core'
import { openRun, verify } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import type { HostTensor } from '@ldyn/tensor'
import { referenceBackend } from '@ldyn/tensor/reference'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metricsOfClass } from './distribution.ts'
import { finetuneToy, type FinetuneRequest, type FinetuneResult, type ToyStage } from './finetune.ts'
import { recordSimulation, type About, type Simulation } from './record.ts'
import { simulateSqueeze } from './squeeze.ts'
import { makeToyModel } from './toy-model.ts'
import { makeWorld } from './world.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ldyn-sim-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

const about: About = {
  id: 'toy',
  created: '2026-11-22T12:00:00.000Z',
  argv: ['sim'],
  environment: { node: '20.20.2', platform: 'linux-x64', cpu: 'test', ldyn: '0.1.0' },
  backend: { name: 'reference', device: 'cpu', version: '0.1.0' },
}
async function recorded(name: string, simulation: Simulation) {
  const out = join(folder, name)
  await recordSimulation(out, simulation, about)
  expect(await verify(directoryFiles(out))).toEqual([])
  return openRun(directoryFiles(out))
}

const sft = (updates: number, lr: number): ToyStage => ({
  name: 'sft',
  loss: { name: 'sft', reduction: 'sum' },
  targets: ['chosen'],
  updates,
  lr,
})
const dpo = (updates: number, lr: number): ToyStage => ({
  name: 'dpo',
  loss: { name: 'dpo', beta: 1, labelSmoothing: 0, referenceFree: false },
  targets: [],
  updates,
  lr,
})
const request: FinetuneRequest = {
  kind: 'linear',
  contexts: 6,
  vocab: 30,
  features: 12,
  similarity: 0.6,
  divergence: 1,
  hidden: 16,
  peak: 1,
  seed: 3,
  stages: [sft(20, 1), dpo(20, 1)],
  batch: 3,
  every: 10,
}
const finetuned = (change: Partial<FinetuneRequest> = {}): Promise<FinetuneResult> =>
  finetuneToy(referenceBackend(), { ...request, ...change })

describe('metrics of a class', () => {
  it('are those of a response of one token', () => {
    const logp = logSoftmaxOf([2, 0, -1])
    const p = logp.map(Math.exp)
    const m = metricsOfClass(logp, 1)
    const squares = p.reduce((n, v) => n + v * v, 0)
    expect(m.logp).toBe(logp[1])
    expect(m.argmax_logp).toBe(logp[0])
    expect(m.rest_logp).toBeCloseTo(Math.log(p[1] + p[2]), 14)
    expect(m.energy).toBeCloseTo(1 - p[1], 14)
    expect(m.p_e).toBeCloseTo(Math.sqrt(1 - 2 * p[1] + squares), 14)
    expect(m.a_norm).toBeCloseTo(Math.sqrt(1 + 3 * squares), 14)
    expect(m.entropy).toBeCloseTo(-p.reduce((n, v) => n + v * Math.log(v), 0), 14)
  })
})

describe('sim squeeze', () => {
  it('is an ordinary run: every class a probe, the pushed one rejected, and where the mass went in the log', async () => {
    const { simulation, first, threshold } = simulateSqueeze({ case: 'D', steps: 3 })
    const run = await recorded('squeeze', simulation)
    expect(run.types).toEqual(['rejected', 'greedy', 'others'])
    expect(run.steps).toEqual([0, 1, 2, 3])
    const greedy = await run.curve('logp', 'greedy')
    expect([greedy.mean[0], greedy.mean[1]].map((l) => Math.exp(l).toFixed(4))).toEqual(['0.7627', '0.9863'])
    expect((await run.curve('logp', 'others')).n).toBe(48)
    expect(run.scalars.get('mass/1')!.values[0]).toBeCloseTo(first.star.after, 12)
    expect(run.scalars.get('threshold')!.values).toHaveLength(3)
    // Peaky: only what is above about p_max² rises.
    expect(threshold!.firstOrder).toBeCloseTo(0.7627 ** 2, 1)
    expect(threshold!.exact).toBeGreaterThan(threshold!.firstOrder)
  })

  it('names what is pulled too, and has no threshold where nothing is pushed', async () => {
    expect(simulateSqueeze({ case: "D'", steps: 1 }).simulation.types).toEqual([
      'chosen',
      'rejected',
      'greedy',
      'others',
    ])
    const pull = simulateSqueeze({ case: 'A', steps: 2, vocab: 30, lr: 0.1, seed: 4 })
    expect(pull.threshold).toBeUndefined()
    expect(pull.simulation.stages).toEqual([{ name: 'pull', loss: 'sft', updates: 2 }])
    expect(() => simulateSqueeze({ case: 'A', steps: 0 })).toThrow(/0 steps/)
  })
})

describe('a toy world', () => {
  const cosine = (a: Float64Array, b: Float64Array): number => a.reduce((n, v, i) => n + v * b[i], 0)

  it('has groups that are alike, and answers that diverge as asked', () => {
    const world = makeWorld({ ...request, features: 40, divergence: 0.25 })
    for (const { chosen, rejected } of world) expect(cosine(chosen.x, rejected.x)).toBeCloseTo(0.75, 12)
    expect(cosine(world[0].chosen.x, world[1].chosen.x)).toBeGreaterThan(0.4)
    expect(Math.abs(cosine(world[0].chosen.x, world[2].chosen.x))).toBeLessThan(0.4)
    const tokens = world.flatMap((c) => [c.chosen.y, c.rejected.y, c.irr_test.y])
    expect(new Set(tokens).size).toBe(18)
    world.forEach((c, n) => {
      const others = world.filter((_, m) => m !== n).map(({ chosen }) => chosen.y)
      expect(others).toContain(c.irr_train.y)
    })
  })

  it('is refused where it cannot hold its answers', () => {
    expect(() => makeWorld({ ...request, vocab: 18 })).toThrow(/18 tokens are too few for 6 contexts; at least 19/)
    expect(() => makeWorld({ ...request, divergence: 1.5 })).toThrow(/divergence is 1.5/)
  })
})

describe('finetuning a toy', () => {
  it('of a table of logits is Lemma 1: a full batch of SFT moves each context by itself', async () => {
    const one = { ...request, kind: 'softmax', batch: 6, stages: [sft(1, 3)] } as const
    const world = makeWorld(one)
    const { inputs, params, classifier } = makeToyModel(world, one)
    expect(inputs.shape).toEqual([12, 12])
    const { simulation } = await finetuneToy(referenceBackend(), one)
    const [before, after] = [simulation.frames[0], simulation.frames.at(-1)!].map((f) => f.values!)
    const w = (params as unknown as { layers: { w: HostTensor; b: HostTensor }[] }).layers[0]
    simulation.watched.forEach(({ context, y, row, type }, i) => {
      const logits = Array.from({ length: classifier.classes }, (_, v) => w.w.data[context * 30 + v] + w.b.data[v])
      const logp = logSoftmaxOf(logits)
      expect(before[i].logp).toBeCloseTo(logp[y], 12)
      // Six contexts share one mean; that of y⁻ is not trained.
      const moved = type === 'rejected' ? logp : squeezeStep(logp, { y: world[row].chosen.y, eta: 3 / 6 }).logp
      expect(after[i].logp).toBeCloseTo(moved[y], 12)
    })
  })

  it('lifts a learned answer, and more than any other token the answers of alike contexts', async () => {
    const { stages } = await finetuned({ stages: [sft(40, 1)] })
    const { change } = stages[0]
    expect(change.chosen).toBeGreaterThan(0.5)
    expect(change.chosen).toBeGreaterThan(change.irr_train)
    // irr_train is pulled up in other contexts, whose kernel with this one is above 0.
    expect(change.irr_train).toBeGreaterThan(change.irr_test)
    expect(change.random_nonhum).toBeLessThan(0)
  })

  it('by DPO pushes y⁻ down and squeezes its context into the largest token', async () => {
    const { stages } = await finetuned({ stages: [dpo(40, 2)], peak: 2 })
    const [{ change, margin, peak, pushed }] = stages
    expect(change.rejected).toBeLessThan(-1)
    expect(margin.after - margin.before).toBeGreaterThan(1)
    expect(pushed.after).toBeLessThan(pushed.before)
    expect(peak.rejected.after).toBeGreaterThan(peak.rejected.before)
    expect(pushed.starShare).toBeGreaterThan(0.3)
  })

  it('in one shared context moves all other tokens alike: the π terms cancel', async () => {
    const { simulation } = await finetuned({ kind: 'softmax', divergence: 0, stages: [dpo(10, 2)] })
    const [before, after] = [simulation.frames[0], simulation.frames.at(-1)!].map((f) => f.values!)
    const change = (row: number, type: string): number => {
      const i = simulation.watched.findIndex((w) => w.row === row && w.type === type)
      return after[i].logp - before[i].logp
    }
    for (let row = 0; row < 6; row++)
      expect(change(row, 'irr_test')).toBeCloseTo(change(row, 'random_nonhum'), 12)
  })

  it('learns by an mlp, and by any loss of pairs', async () => {
    const simpo: ToyStage = {
      ...dpo(15, 0.5),
      name: 'simpo',
      loss: { name: 'simpo', beta: 2, gamma: 1, labelSmoothing: 0, alpha: 0.2, reduction: 'mean' },
    }
    const { stages } = await finetuned({ kind: 'mlp', stages: [sft(20, 0.3), simpo] })
    expect(stages.map(({ name }) => name)).toEqual(['sft', 'simpo'])
    expect(stages[0].change.chosen).toBeGreaterThan(0.1)
    expect(stages[1].margin.after).toBeGreaterThan(stages[1].margin.before)
  })

  it('is an ordinary run, the same for the same seed', async () => {
    const [one, two] = [await finetuned(), await finetuned()]
    expect(two.simulation).toEqual(one.simulation)
    expect((await finetuned({ seed: 4 })).simulation.frames).not.toEqual(one.simulation.frames)
    const run = await recorded('linear', one.simulation)
    expect(run.manifest.stages.map(({ name, loss, updates }) => [name, loss, updates])).toEqual([
      ['sft', 'sft', 20],
      ['dpo', 'dpo', 20],
    ])
    expect(run.steps).toEqual([0, 10, 20, 30, 40])
    expect(run.scalars.get('rewards/margins')!.steps[0]).toBe(21)
    expect((await run.curve('logp', 'chosen')).n).toBe(6)
  })

  it('refuses a loss that needs more than pairs', async () => {
    const kto: ToyStage = {
      ...dpo(1, 1),
      loss: { name: 'kto', beta: 1, desirableWeight: 1, undesirableWeight: 1 },
    }
    await expect(finetuned({ stages: [kto] })).rejects.toThrow(/stages of kto need data that a toy world does not have/)
  })
})
