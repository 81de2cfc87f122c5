import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onnxBackend } from '@ldyn/backend-onnx'
import {
  estimate,
  listCheckpoints,
  makeProbes,
  normalise,
  readRows,
  tokenDefaults,
  train,
  type StageConfig,
  type TrainEvent,
  type TrainJob,
} from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { backendOf, openRun, verify } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { goldenPath } from './support/golden.ts'

const golden = (name: string): string => goldenPath('trl', name)

const common = {
  targets: ['chosen'],
  batch: 2,
  accumulate: 1,
  maxGradNorm: 10,
  shuffle: true,
  dropLast: true,
} as const
const optimizer = { name: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 } as const
const schedule = { name: 'paper', warmup: 2 } as const
const stages: StageConfig[] = [
  { ...common, name: 'sft', loss: { name: 'sft', reduction: 'sum' }, updates: 5, lr: 1e-3, schedule, optimizer },
  {
    ...common,
    name: 'dpo',
    loss: { name: 'dpo', beta: 0.1, labelSmoothing: 0, referenceFree: false },
    updates: 5,
    lr: 1e-3,
    schedule,
    optimizer,
  },
]

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'ldyn-train-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

async function withJob<T>(name: string, change: Partial<TrainJob>, use: (job: TrainJob) => Promise<T>): Promise<T> {
  await using backend = await onnxBackend()
  await using checkpoint = await openModel(golden('model'))
  const tokenizer = await checkpoint.tokenizer()
  const data = await readRows(golden('preferences.jsonl'))
  const records = await makeProbes(data.slice(0, 3), { heldOut: data.slice(-3), seed: 1 })
  const rows = records.map((record, i) => normalise(record, i, `probe ${i}`))
  return await use({
    out: join(folder, name),
    backend,
    checkpoint,
    tokenizer,
    data: data.slice(0, 12),
    stages,
    tokens: tokenDefaults(checkpoint.model.context),
    seed: 3,
    probes: { rows, types: ['chosen', 'rejected', 'irr_train', 'random_permute'] },
    observe: { every: 2, first: true, tokens: true },
    save: { every: 2, keep: 1 },
    about: {
      id: name,
      created: '2026-01-01T00:00:00Z',
      argv: [],
      config: {},
      datasets: [],
      tokenizerHash: 'h',
      environment: { node: process.version, platform: process.platform, cpu: 'test', ldyn: '0' },
    },
    resume: false,
    ...change,
  })
}

const files = ['probe/logp.f32', 'probe/argmax_logp.f32', 'probe/tokens_logp.f32', 'probe/index.jsonl']
/** What a run's numbers are, wall-clock times left out. */
async function numbers(name: string): Promise<unknown> {
  const run = await openRun(directoryFiles(join(folder, name)))
  const scalars = [...run.scalars].map(([key, column]) => [key, [...column.values]])
  const hash = async (path: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  const bytes = await Promise.all(files.map((f) => hash(join(folder, name, f))))
  const last = (await listCheckpoints(join(folder, name))).at(-1)!
  const weights = await hash(join(last.directory, 'model.safetensors'))
  return { scalars, bytes, weights }
}

describe('train', () => {
  it('runs SFT then DPO, evaluates at the start, every second update and at the end of each stage', async () => {
    const events: TrainEvent[] = []
    const result = await withJob('whole', { report: (e) => events.push(e) }, train)
    expect(result).toMatchObject({ status: 'done', steps: 10 })
    const run = await openRun(directoryFiles(join(folder, 'whole')))
    expect(run.manifest.status).toBe('done')
    // Tokens as the model sees them: as many as the column has, and together the response with its EOS.
    run.probes!.columns.forEach(({ row, type, tokens }, i) => {
      if (run.probes!.absent.includes(i)) return
      const { responses, tokens: found } = run.probes!.rows[row]
      expect(found![type].ids).toHaveLength(tokens)
      expect(found![type].text.join('').startsWith(responses[type])).toBe(true)
    })
    expect(run.evaluations.map((e) => [e.step, e.stage])).toEqual([
      [0, 'sft'],
      [2, 'sft'],
      [4, 'sft'],
      [5, 'sft'],
      [7, 'dpo'],
      [9, 'dpo'],
      [10, 'dpo'],
    ])
    const chosen = await run.curve('logp', 'chosen')
    expect(chosen.mean[3]).toBeGreaterThan(chosen.mean[0])
    expect((await verify(directoryFiles(join(folder, 'whole')))).filter((f) => f.severity === 'error')).toEqual([])
    expect(events.filter((e) => e.type === 'update')).toHaveLength(10)
    expect((await listCheckpoints(join(folder, 'whole'))).map((c) => c.step)).toEqual([5, 9, 10])
  })

  it('stopped anywhere and resumed, it ends with the very numbers of an undisturbed run', async () => {
    await withJob('whole', {}, train)
    const wanted = await numbers('whole')
    for (const stopAfter of [1, 3, 5, 8]) {
      const name = `stopped-${stopAfter}`
      let asked = 0
      const stopped = await withJob(name, { shouldStop: () => ++asked === stopAfter }, train)
      expect(stopped.status).toBe('interrupted')
      const resumed = await withJob(name, { resume: true }, train)
      expect(resumed.status).toBe('done')
      expect(await numbers(name), `stopped after ${stopAfter} updates`).toEqual(wanted)
    }
  })

  it('stopped on one backend and resumed on another, it says so and comes to nearly the same', async () => {
    await withJob('whole', {}, train)
    let asked = 0
    const save = { every: 2, keep: 2 }
    await withJob('moved', { save, shouldStop: () => ++asked === 3 }, train)
    // Without the last checkpoint one update on file is done again, elsewhere: what is on file of it stays.
    const [before, last] = await listCheckpoints(join(folder, 'moved'))
    await rm(last.directory, { recursive: true })
    await using other = await onnxBackend({ threads: 1 })
    await withJob('moved', { resume: true, backend: other }, train)
    const run = await openRun(directoryFiles(join(folder, 'moved')))
    const note = run.events.find((event) => event.type === 'warning' && event.code === 'backend-changed')
    expect(note).toMatchObject({ message: expect.stringContaining(`from update ${before.step} on computed by onnx`) })
    expect(backendOf(run.manifest, run.events).device).toBe(other.capabilities.device)
    const chosen = async (name: string) =>
      (await (await openRun(directoryFiles(join(folder, name)))).curve('logp', 'chosen')).mean
    const [moved, whole] = [await chosen('moved'), await chosen('whole')]
    moved.forEach((value, i) => expect(Math.abs(value - whole[i])).toBeLessThan(1e-2 * Math.abs(whole[i])))
    expect((await verify(directoryFiles(join(folder, 'moved')))).filter((f) => f.severity === 'error')).toEqual([])
  })

  it('cut off without a word, it does again what came after the last checkpoint and finds the same numbers', async () => {
    await withJob('whole', {}, train)
    const wanted = await numbers('whole')
    for (const dieAt of [1, 3, 6, 8]) {
      const name = `died-${dieAt}`
      // An error out of the blue in the middle of a run leaves the files as a kill would: nothing after it is written.
      const report = (e: TrainEvent): void => {
        if (e.type === 'update' && e.step === dieAt) throw new Error('killed')
      }
      await expect(withJob(name, { report }, train)).rejects.toThrow('killed')
      await withJob(name, { resume: true }, train)
      expect(await numbers(name), `died at update ${dieAt}`).toEqual(wanted)
    }
  })

  it('an update that makes NaN is named by stage, update, op and module, and the weights before it are kept', async () => {
    const wild = stages.map((stage) => ({ ...stage, lr: 1e30, maxGradNorm: 0 }))
    await expect(withJob('nan', { stages: wild }, train)).rejects.toMatchObject({
      name: 'NumericalError',
      stage: 'sft',
    })
    const run = await openRun(directoryFiles(join(folder, 'nan')))
    expect(run.manifest.status).toBe('failed')
    expect(await listCheckpoints(join(folder, 'nan'))).not.toEqual([])
  })

  it('says before it runs what it will take', async () => {
    const told = await withJob('estimate', {}, (job) => estimate(job))
    expect(told).toMatchObject({ steps: 10, evaluations: 7 })
    expect(told.seconds).toBeGreaterThan(0)
    expect(told.stages.map((s) => s.updates)).toEqual([5, 5])
  })
})
