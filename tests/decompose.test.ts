/** Updates taken apart while a run goes on, and what a run's accumulated influence says of them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onnxBackend } from '@ldyn/backend-onnx'
import { readRows, tokenDefaults, train, type StageConfig, type TrainJob } from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { openRun, type Run } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goldenPath } from './support/golden.ts'

const stage = (name: string, loss: StageConfig['loss'], lr: number): StageConfig => ({
  name, loss, targets: ['chosen', 'rejected'], batch: 2, accumulate: 1, updates: 4, lr, maxGradNorm: 10,
  schedule: { name: 'constant', warmup: 0 }, shuffle: true, dropLast: true,
  optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 },
})
const stages = [
  stage('extend', { name: 'sft', reduction: 'sum' }, 1e-4),
  stage('dpo', { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false }, 1e-4),
]

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ldyn-decompose-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function run(name: string, observe: Partial<TrainJob['observe']>, change: Partial<TrainJob> = {}): Promise<Run> {
  await using backend = await onnxBackend()
  await using checkpoint = await openModel(goldenPath('trl', 'model'))
  const tokenizer = await checkpoint.tokenizer()
  const data = await readRows(goldenPath('trl', 'preferences.jsonl'))
  await train({
    out: join(folder, name), backend, checkpoint, tokenizer, data: data.slice(0, 10), stages, seed: 3,
    tokens: tokenDefaults(checkpoint.model.context),
    probes: { rows: data.slice(4, 7), types: ['chosen', 'rejected'] },
    observe: { every: 2, first: true, tokens: false, ...observe },
    save: { every: 1, keep: 1 },
    about: {
      id: name, created: '2026-01-01T00:00:00Z', argv: [], config: {}, datasets: [], tokenizerHash: 'h',
      environment: { node: process.version, platform: process.platform, cpu: 'test', ldyn: '0' },
    },
    resume: false,
    ...change,
  })
  return openRun(directoryFiles(join(folder, name)))
}

const decompose = { every: 2, probes: 2, directions: 'examples' } as const
const scalars = (found: Run): unknown => [...found.scalars].map(([key, { values }]) => [key, [...values]])

describe('observe.decompose', () => {
  it('writes what every second update did: examples by type, carry-over and decay, adding up to the prediction', async () => {
    const found = await run('apart', { decompose })
    expect(found.decompositions.map(({ s, stage: name }) => [s, name])).toEqual([[2, 'extend'], [4, 'extend'], [6, 'dpo'], [8, 'dpo']])
    for (const { probes, rows, stage: name, residual } of found.decompositions) {
      // Two examples: of SFT on several types they may be of one row.
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.length).toBeLessThanOrEqual(2)
      expect(probes.map(({ row, type }) => [row, type])).toEqual([[0, 'chosen'], [0, 'rejected'], [1, 'chosen'], [1, 'rejected']])
      for (const { directions, predicted, actual } of probes) {
        const parts = Object.values(directions)
        const size = parts.reduce((n, x) => n + Math.abs(x), 0)
        expect(Math.abs(parts.reduce((n, x) => n + x, 0) - predicted)).toBeLessThan(1e-4 * size + 1e-5)
        expect(Math.abs(actual - predicted)).toBeLessThanOrEqual(residual * 8)
        const examples = Object.keys(directions).filter((key) => /^\d+ /.test(key))
        examples.forEach((key) => expect(rows).toContain(Number(key.split(' ')[0])))
        expect(examples.every((key) => (name === 'dpo' ? / (chosen|rejected)$/ : / (chosen|rejected) target$/).test(key))).toBe(true)
        expect(Object.keys(directions)).toContain('decay')
        expect(Object.keys(directions)).toContain('carry-over')
      }
    }
  })

  it('tells tokens apart where asked to: they add up to what is said of the response', async () => {
    const found = await run('by-token', { decompose: { ...decompose, textOf: (id) => `<${id}>` } })
    for (const { probes } of found.decompositions) {
      for (const { actual, predicted, directions, tokens } of probes) {
        const sum = (values: readonly number[]): number => values.reduce((n, x) => n + x, 0)
        const { logp, text } = tokens!
        expect(text.every((one) => /^<\d+>$/.test(one))).toBe(true)
        expect(logp.every((x) => x <= 0)).toBe(true)
        expect(sum(tokens!.actual)).toBeCloseTo(actual, 4)
        expect(sum(tokens!.predicted)).toBeCloseTo(predicted, 4)
        for (const [name, total] of Object.entries(directions))
          expect(sum(tokens!.directions[name])).toBeCloseTo(total, 4)
      }
    }
  })

  it('leaves the run as it is without: every number is the same', async () => {
    expect(scalars(await run('apart-2', { decompose }))).toEqual(scalars(await run('plain', {})))
  })

  it('goes on after a stop with the very lines of an undisturbed run', async () => {
    let asked = 0
    await run('stopped', { decompose }, { shouldStop: () => ++asked === 3 })
    await run('stopped', { decompose }, { resume: true })
    const lines = async (name: string): Promise<unknown[]> =>
      (await readFile(join(folder, name, 'decompose.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => ({ ...(JSON.parse(line) as object), t: 0 }))
    expect(await lines('stopped')).toEqual(await lines('apart'))
  })
})
