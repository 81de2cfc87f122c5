/** Where what-ifs get their model, data and settings from, and what is said of the numbers. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onnxBackend } from '@ldyn/backend-onnx'
import { diagnose, type Diagnosis, type Effect, type PredictedEffect, type WhatIfs } from '@ldyn/lab'
import { layOutProbes } from '@ldyn/runs'
import { createRun } from '@ldyn/runs/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOutput } from '../contract/output.ts'
import type { Reporter } from '../progress/reporter.ts'
import { renderWhatIfs, whatIfWords } from './render-what-ifs.ts'
import { subjectOf } from './subject.ts'
import { tokenTexts } from './token-texts.ts'
import { sourcesOf, whatIfs, type WhatIfFlags } from './what-ifs.ts'

const trl = new URL('../../../../tests/golden/trl/', import.meta.url).pathname
const flags: WhatIfFlags = { pairs: 2, limit: 2 }
let root = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-what-ifs-'))
  const directory = join(root, 'run')
  const rows = [0, 1].map((n) => ({
    prompt: `p${n}`,
    group: String(n),
    responses: { chosen: 'a', rejected: 'b' },
  }))
  const probes = layOutProbes(rows, ['chosen', 'rejected'], (row) => (row === 0 ? 2 : 5))
  const data = join(trl, 'preferences.jsonl')
  const writer = await createRun(
    directory,
    {
      id: 'run',
      created: '2026-11-22T12:00:00.000Z',
      argv: [],
      config: {
        model: join(trl, 'model'),
        data,
        seed: 0,
        backend: 'reference',
        tokens: { mode: 'separate' },
        stages: [
          {
            name: 'dpo',
            kind: 'dpo',
            batch: 4,
            accumulate: 1,
            lr: 1e-4,
            schedule: 'paper',
            optimizer: 'sgd',
            momentum: 0,
            weightDecay: 0,
            maxGradNorm: 10,
            shuffle: true,
            dropLast: true,
            beta: 0.3,
            labelSmoothing: 0,
            referenceFree: false,
            updates: 20,
          },
        ],
      },
      seed: 0,
      environment: { node: '', platform: '', cpu: '', ldyn: '' },
      backend: { name: 'reference', device: 'cpu', version: '' },
      model: { path: join(trl, 'model'), hash: '', params: 1 },
      tokenizer: { hash: '' },
      datasets: [{ path: data, hash: '', rows: 40 }],
      stages: [{ name: 'dpo', loss: 'dpo', updates: 20 }],
      columns: { metrics: ['logp'], tokens: [] },
    },
    probes,
  )
  for (const step of [0, 10, 20])
    await writer.probes(step, 'dpo', { metrics: { logp: new Float32Array(4).fill(-50) } })
  await mkdir(join(directory, 'checkpoints', '000010-dpo'), { recursive: true })
  await writeFile(join(directory, 'checkpoints', '000010-dpo', 'config.json'), '{}')
  for (const s of [10, 20]) {
    await writer.event({ type: 'checkpoint', stage: 'dpo', s, path: `checkpoints/0000${s}-dpo` })
  }
  await writer.finish('done')
})
afterAll(() => rm(root, { recursive: true }))

const subject = () => subjectOf(join(root, 'run'), { runsDir: root })

describe('what-ifs', () => {
  it('of a run take its own settings, the last checkpoint that is still there, and its start as the reference', async () => {
    const given = await subject()
    const [stage] = diagnose(given.found).stages
    const sources = await sourcesOf(given, stage, flags)
    expect(sources).toMatchObject({
      model: join(root, 'run', 'checkpoints', '000010-dpo'),
      reference: join(trl, 'model'),
      data: join(trl, 'preferences.jsonl'),
      stage: { lr: 1e-4, loss: { name: 'dpo', beta: 0.3 }, optimizer: { name: 'sgd' } },
    })
    const own = await sourcesOf(given, stage, { ...flags, model: 'other', lr: 1e-5, data: 'prefs.jsonl#3' })
    expect(own).toMatchObject({
      model: 'other',
      reference: undefined,
      data: 'prefs.jsonl#3',
      probe: 'prefs.jsonl',
      stage: { lr: 1e-5 },
    })
  })

  it('of a recorded log need a model and data', async () => {
    const log = join(root, 'log_dpo')
    await mkdir(log)
    await writeFile(
      join(log, 'prob_train_metrics.json'),
      '{"logps_eval_x/chosen": -50}{"logps_eval_x/chosen": -51}',
    )
    const given = await subjectOf(log, { runsDir: root })
    const [stage] = diagnose(given.found).stages
    await expect(sourcesOf(given, stage, flags)).rejects.toMatchObject({
      code: 'LD2003',
      what: expect.stringMatching(/--model/) as string,
    })
    await expect(sourcesOf(given, stage, { ...flags, model: 'm' })).rejects.toMatchObject({
      what: expect.stringMatching(/--data/) as string,
    })
    expect((await sourcesOf(given, stage, { ...flags, model: 'm', data: 'd' })).stage).toMatchObject({
      loss: { name: 'dpo', beta: 0.1 },
      optimizer: { name: 'rmsprop' },
      lr: 5e-7,
    })
  })

  it(
    'are predicted on a real checkpoint, and the prediction of the update as it is comes true',
    { timeout: 120_000 },
    async () => {
      const given = await subject()
      const [stage] = diagnose(given.found).stages
      const model = join(trl, 'model')
      const sources = await sourcesOf(given, stage, { ...flags, model })
      const backend = await onnxBackend()
      const progress = { update() {}, end() {} } as unknown as Reporter
      try {
        const { base, actual, others, pairs } = await whatIfs(sources, flags, given, {
          backend,
          progress,
          warn: () => {},
        })
        expect(base.types.chosen.change).toBeGreaterThan(0)
        expect(Math.abs(base.types.chosen.change - actual.chosen.change)).toBeLessThan(
          0.1 * Math.abs(actual.chosen.change),
        )
        expect(others.map(({ name }) => name)).toContain('dpo, gated')
        expect(pairs).toHaveLength(2)
      } finally {
        await backend.dispose()
      }
    },
  )
})

describe('the tokens that fell most', () => {
  const top = (row: number) => ({
    row,
    change: -2,
    share: 0.5,
    prompt: '',
    text: 'a',
    tokens: [
      { token: 0, change: -1 },
      { token: 1, change: -1 },
    ],
  })
  const diagnosis = {
    stages: [{ carriers: { type: 'chosen', top: [top(0), top(1)] } }],
  } as unknown as Diagnosis
  it('have their text from the run’s own tokenizer, where the response is tokenised as it was', async () => {
    // "a" and the EOS; row 1 claims five tokens, so that its text is not that of what was trained.
    expect([...(await tokenTexts(await subject(), diagnosis))]).toEqual([
      ['0 0', 'a'],
      ['0 1', expect.any(String)],
    ])
  })
  it('have none where the model has gone', async () => {
    const given = await subject()
    const gone = {
      ...given,
      manifest: { ...given.manifest, model: { ...given.manifest.model, path: join(root, 'gone') } },
    }
    expect((await tokenTexts(gone, diagnosis)).size).toBe(0)
  })
})

describe('the words', () => {
  const effect = (change: number): Effect => ({ change, se: 0.1, n: 8 })
  const one = (name: string, chosen: number, margin: number, preference = true): PredictedEffect => ({
    name,
    says: `says ${name}`,
    preference,
    types: { chosen: effect(chosen), rejected: effect(chosen - margin) },
    margin: effect(margin),
    argmax: effect(0.5),
    gradNorm: 1,
    perMargin: { chosen: chosen / margin, argmax: 0.5 / margin },
  })
  const found: WhatIfs = {
    base: one('as it is', -2, 4),
    others: [one('dpo, gated', -0.2, 1), one('extend', 3, 0.1, false)],
    probes: 8,
    actual: { chosen: effect(-1.9) },
    pairs: [
      { row: 7, chosen: -1.5 },
      { row: 3, chosen: 0.5 },
    ],
  }
  it('name the loss under which a nat of margin costs chosen least, among those that make a margin', () => {
    const [as, best, extend, pair] = whatIfWords(found)
    expect(as).toMatch(/moves log π\(y⁺\) by −2\.00 nats a probe \(really −1\.90/)
    expect(best).toMatch(/chosen moves by −0\.500 as it is and by −0\.200 under dpo, gated/)
    expect(extend).toMatch(/rejected by \+2\.90: what DPO then pushes down starts higher up/)
    expect(pair).toMatch(/row 7 \(−1\.50\) pushes chosen down/)
  })
  it('say so where the first order is far off', () => {
    expect(whatIfWords({ ...found, actual: { chosen: effect(-0.5) } }).join()).toMatch(
      /first order is far off/,
    )
    expect(whatIfWords(found).join()).not.toMatch(/far off/)
  })
  it('stand above a table of everything that was predicted', () => {
    const output = createOutput({ stdout: { write: () => {} }, stderr: { write: () => {} }, env: {} })
    const style = (format: Parameters<typeof output.style>[0], text: string) => output.style(format, text)
    const text = renderWhatIfs(found, ['at m'], { width: 100, ascii: false, style, clean: (t) => t }).join(
      '\n',
    )
    expect(text).toMatch(
      /dpo, gated +−0\.200 ± 0\.100 +−1\.20 ± 0\.100 +\+0\.500 ± 0\.100 +\+1\.00 ± 0\.100 +−0\.200 +\+0\.500/,
    )
  })
})
