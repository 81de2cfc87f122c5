/** `ldyn explain --optimizer-state`: an update from a checkpoint of a run is the very one that the run went on with. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRows, tokenDefaults, train, type StageConfig } from '@ldyn/lab'
import { openModel } from '@ldyn/models/node'
import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { referenceBackend } from '@ldyn/tensor/reference'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Reporter } from '../progress/reporter.ts'
import { explainUpdate, type UpdateRequest } from './update.ts'
import { updateAnswer } from './words.ts'

const MODEL = fileURLToPath(new URL('../../../../tests/golden/trl/model', import.meta.url))
const backend = referenceBackend()
const progress = { update: () => {}, end: () => {}, [Symbol.dispose]: () => {} } as unknown as Reporter
const stage: StageConfig = {
  name: 'sft', loss: { name: 'sft', reduction: 'sum' }, targets: ['chosen'], batch: 1, accumulate: 1, updates: 4, lr: 1e-3,
  maxGradNorm: 0, schedule: { name: 'constant', warmup: 0 }, shuffle: false, dropLast: true,
  optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 },
}

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ldyn-going-on-'))
  file = join(folder, 'pairs.jsonl')
  const rows = ['red', 'blue', 'green', 'grey'].map((colour) => ({ prompt: `${colour}?`, chosen: ` it is ${colour}`, rejected: ' no' }))
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  await using checkpoint = await openModel(MODEL)
  const data = await readRows(file)
  await train({
    out: join(folder, 'run'), backend, checkpoint, tokenizer: await checkpoint.tokenizer(), data, stages: [stage], seed: 1,
    tokens: tokenDefaults(checkpoint.model.context),
    probes: { rows: data.slice(0, 1), types: ['chosen', 'rejected'] },
    observe: { every: 4, first: true, tokens: false, decompose: { every: 1, probes: 1, directions: 'terms' } },
    save: { every: 1, keep: 9 },
    about: {
      id: 'run', created: '2026-01-01T00:00:00Z', argv: [], config: {}, datasets: [], tokenizerHash: 'h',
      environment: { node: process.version, platform: process.platform, cpu: 'test', ldyn: '0' },
    },
    resume: false,
  })
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await backend.dispose()
})

const kept = (name: string): string => join(folder, 'run', 'checkpoints', name)
const explain = (change: Partial<UpdateRequest>) =>
  explainUpdate({
    model: kept('000003-sft'), update: `${file}#3`, observe: `${file}#0`, types: ['chosen', 'rejected'], loss: 'sft', lr: 1e-3,
    optimizer: 'adamw', weightDecay: 0.1, maxGradNorm: 0, directions: 'terms', tokenMode: 'separate',
    set: ['stages.sft.reduction=sum'], backend, progress, warn: () => {}, ...change,
  })
const sum = (values: Float64Array): number => values.reduce((n, x) => n + x, 0)

describe('--optimizer-state', () => {
  it('predicts, by direction, what the run recorded of its fourth update; a fresh state does not', async () => {
    const { decompositions } = await openRun(directoryFiles(join(folder, 'run')))
    const { probes } = decompositions.find(({ s }) => s === 4)!
    const [found, fresh] = [await explain({ optimizerState: kept('000003-sft') }), await explain({})]
    expect(found.began).toBe(3)
    expect(updateAnswer(found, true).title).toContain('adamw after 3 updates')
    expect(Object.keys(found.responses[0].directions)).toContain('carry-over')
    for (const [i, { predicted, actual, directions }] of probes.entries()) {
      // The checkpoint's weights and state are float32.
      expect(sum(found.responses[i].predicted) / predicted).toBeCloseTo(1, 3)
      expect(sum(found.responses[i].actual) / actual).toBeCloseTo(1, 3)
      // A run says of which type a target is.
      for (const [name, value] of Object.entries(directions))
        expect(sum(found.responses[i].directions[name.replace('chosen ', '')])).toBeCloseTo(value, 4)
      expect(Math.abs(sum(fresh.responses[i].predicted) / predicted - 1)).toBeGreaterThan(0.05)
    }
  })

  it('says what is wrong with a directory that keeps none, and with the state of another optimizer', async () => {
    await expect(explain({ optimizerState: MODEL })).rejects.toThrow('there is no optimizer state')
    await expect(explain({ optimizerState: kept('000003-sft'), optimizer: 'rmsprop' })).rejects.toThrow(
      /state of another optimizer/,
    )
  })
})
