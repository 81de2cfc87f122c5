/** `ldyn explain` on the golden models, in float64: its fixed forms, what it says in words, and what it refuses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { referenceBackend } from '@ldyn/tensor/reference'
import { openModel, saveModel } from '@ldyn/models/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Reporter } from '../progress/reporter.ts'
import { explainCheckpoints, type CheckpointsRequest } from './checkpoints.ts'
import { checkpointsForm, rSquared, updateForm } from './form.ts'
import { pageOf } from './render.ts'
import { updateSettings } from './settings.ts'
import { svgBars, terminalBars } from './bars.ts'
import { explainUpdate, watchOf, type UpdateRequest } from './update.ts'
import { checkpointsAnswer, updateAnswer } from './words.ts'

const golden = (...parts: string[]): string => fileURLToPath(new URL(`../../../../tests/golden/${parts.join('/')}`, import.meta.url))
const backend = referenceBackend()
const progress = { update: () => {}, end: () => {}, [Symbol.dispose]: () => {} } as unknown as Reporter
let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ldyn-explain-'))
  file = join(folder, 'pairs.jsonl')
  const rows = ['red', 'blue', 'green'].map((colour) => ({
    prompt: `What is ${colour}?`, chosen: ` ${colour} is a colour`, rejected: ' no <b>', chosen_rephrase: ' a colour',
  }))
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await backend.dispose()
})

const request = (change: Partial<UpdateRequest> = {}): UpdateRequest => ({
  model: golden('trl', 'model'), update: `${file}#0`, observe: `${file}#1`, loss: 'dpo', lr: 1e-3, optimizer: 'sgd',
  beta: 0.1, maxGradNorm: 0, directions: 'terms', tokenMode: 'separate', backend, progress, warn: () => {}, ...change,
})

type ByToken = Record<string, number[]> & Record<'directions' | 'layers', Record<string, number[]>>
type Watched = { token: number; predicted: number[]; actual: number[] }
type Sums = { predicted: number } & Record<'directions' | 'layers', Record<string, number>>
type Form = { types: Record<string, Record<string, unknown>>; residual: number } & Record<string, unknown>
const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0)

describe('one update', () => {
  it('by token has the fixed form, and everything in it adds up', async () => {
    const found = await explainUpdate(request({ types: ['chosen', 'rejected'], tokens: true, layers: true, watch: ['chosen:1'] }))
    const form = JSON.parse(JSON.stringify(updateForm(found, true))) as Form
    expect(Object.keys(form)).toEqual(['schema', 'types', 'residual'])
    expect(Object.keys(form.types)).toEqual(['chosen', 'rejected'])
    let squares = 0
    for (const [type, entry] of Object.entries(form.types)) {
      const { actual, predicted, residual, directions, own_logit: own, normaliser, layers } = entry as ByToken
      expect(Object.keys(directions)).toEqual(['chosen', 'rejected'])
      predicted.forEach((p, t) => {
        expect(residual[t]).toBeCloseTo(actual[t] - p, 14)
        expect(directions.chosen[t] + directions.rejected[t]).toBeCloseTo(p, 12)
        expect(own[t] + normaliser[t]).toBeCloseTo(p, 12)
        expect(sum(Object.values(layers).map((values) => values[t]))).toBeCloseTo(p, 12)
      })
      squares += sum(residual.map((x) => x * x))
      expect('watched' in entry).toBe(type === 'chosen')
    }
    expect(form.residual).toBeCloseTo(Math.sqrt(squares), 14)
    expect(form.residual).toBeGreaterThan(0)
    const [watched] = Object.entries(form.types.chosen.watched as Record<string, Watched>)
    expect(watched[0]).toBe('1')
    expect(watched[1].predicted[watched[1].token]).toBeCloseTo((form.types.chosen.predicted as number[])[1], 12)
  })

  it('in sums, of several rows, by example and layer; the answer says what moved and why', async () => {
    const found = await explainUpdate(
      request({ update: `${file}#0-1`, observe: `${file}#1,2`, directions: 'examples', layers: true, optimizer: 'adamw', weightDecay: 0.1 }),
    )
    const form = JSON.parse(JSON.stringify(updateForm(found))) as Form
    expect(Object.keys(form.types)).toEqual(['1/chosen', '1/rejected', '1/chosen_rephrase', '2/chosen', '2/rejected', '2/chosen_rephrase'])
    for (const entry of Object.values(form.types)) {
      const { predicted, directions, layers } = entry as unknown as Sums
      expect(Object.keys(directions)).toEqual(['0 chosen', '0 rejected', '1 chosen', '1 rejected', 'decay'])
      expect(sum(Object.values(directions))).toBeCloseTo(predicted, 10)
      expect(sum(Object.values(layers))).toBeCloseTo(predicted, 10)
    }
    const answer = updateAnswer(found, true)
    expect(answer.title).toMatch(/^dpo on rows 0, 1, adamw/)
    expect(answer.paragraph).toMatch(/moved 6 observed responses by .* nats .* R² /)
    expect(answer.table.every((row) => row.length === answer.table[0].length)).toBe(true)
    expect(pageOf(answer)).toContain('<svg')
    expect(pageOf({ ...answer, paragraph: '<script>x</script>' })).not.toContain('<script>')
  })

  it('with another reference starts where the loss is not even, and moves otherwise', async () => {
    const own = await explainUpdate(request())
    const other = join(folder, 'other')
    await using checkpoint = await openModel(golden('trl', 'model'))
    await saveModel(other, {
      model: checkpoint.model,
      params: async (path: string) => {
        const tensor = await checkpoint.tensor(path)
        return { ...tensor, data: tensor.data.map((x) => x * 0.9) }
      },
    })
    const from = await explainUpdate(request({ refModel: other }))
    expect(from.gradNorm).not.toBeCloseTo(own.gradNorm, 6)
  })

  it('refuses rows, types and positions that are not there', async () => {
    await expect(explainUpdate(request({ update: `${file}#9` }))).rejects.toThrow(/no row 9/)
    await expect(explainUpdate(request({ update: file }))).rejects.toThrow(/takes rows of a file/)
    await expect(explainUpdate(request({ types: ['chosn'] }))).rejects.toThrow(/no row has a response of type 'chosn'/)
    await expect(explainUpdate(request({ watch: ['chosen:99'] }))).rejects.toThrow(/no token 99/)
    await expect(explainUpdate(request({ layers: ['99.mlp'] }))).rejects.toThrow(/no layer '99.mlp'/)
    const { responses: some } = await explainUpdate(request({ layers: ['0.mlp', 'head'] }))
    expect(Object.keys(some[0].layers!)).toEqual(['0.mlp', 'head'])
    const responses = [{ example: 0, type: 'chosen', ids: Int32Array.of(1, 2) }]
    expect(() => watchOf(['third'], responses)).toThrow(/takes positions/)
    expect(() => watchOf(['chose:1'], responses)).toThrow(/no observed response is of type 'chose'/)
    expect(watchOf(['1'], responses)).toEqual([{ response: 0, token: 1 }])
    const broken = join(folder, 'sft.jsonl')
    await writeFile(broken, JSON.stringify({ prompt: 'a b', completion: ' c' }))
    await expect(explainUpdate(request({ update: `${broken}#0` }))).rejects.toThrow(/needs a 'rejected' response/)
  })

  it('takes the settings of a stage, at exactly the rate given, clipped only if asked', () => {
    const { stage } = updateSettings({ loss: 'ipo', lr: 0.25, optimizer: 'sgd', maxGradNorm: 0, set: ['reduction=mean'] }, 3)
    expect(stage).toMatchObject({
      loss: { name: 'ipo', reduction: 'mean' }, lr: 0.25, batch: 3, maxGradNorm: 0, schedule: { name: 'constant', warmup: 0 },
    })
    expect(() => updateSettings({ loss: 'dpo', lr: 1, optimizer: 'sgd', maxGradNorm: 0, set: ['betta=1'] }, 1)).toThrow(/unknown config key/)
  })
})

describe('two checkpoints', () => {
  const ask = (change: Partial<CheckpointsRequest>): CheckpointsRequest => ({
    from: golden('trl', 'model'), to: golden('trl', 'model'), probe: file, nodes: 3, tokenMode: 'separate', backend, progress,
    warn: () => {}, ...change,
  })

  it('have the fixed form and an answer; the same twice is said to be so', async () => {
    const to = join(folder, 'moved')
    await using checkpoint = await openModel(golden('trl', 'model'))
    await saveModel(to, {
      model: checkpoint.model,
      params: async (path: string) => {
        const tensor = await checkpoint.tensor(path)
        return { ...tensor, data: tensor.data.map((x, i) => x * (1 + 0.02 * Math.sin(i))) }
      },
      tokenizerFiles: (await checkpoint.tokenizer()).files,
    })
    const found = await explainCheckpoints(ask({ to, limit: 2, types: ['chosen', 'rejected'] }))
    const form = JSON.parse(JSON.stringify(checkpointsForm(found))) as {
      rows: Record<string, number>[]
      residual: number
    }
    expect(form.rows.map(({ row, type }) => [row, type])).toEqual([[0, 'chosen'], [0, 'rejected'], [1, 'chosen'], [1, 'rejected']])
    for (const { actual, predicted, integrated, layers, own_logit: own, normaliser } of form.rows) {
      expect(sum(Object.values(layers as unknown as Record<string, number>))).toBeCloseTo(predicted, 10)
      expect(Math.abs(actual - integrated)).toBeLessThan(0.02 * Math.abs(actual - predicted) + 1e-7)
      expect(own + normaliser).toBeCloseTo(integrated, 12)
    }
    expect(form.residual).toBeGreaterThan(0)
    const answer = checkpointsAnswer(found)
    expect(answer.title).toMatch(/why did chosen (fall|rise)\?$/)
    expect(answer.paragraph).toMatch(/^'chosen' (fell|rose) by /)

    const warnings: string[] = []
    await explainCheckpoints(ask({ limit: 1, warn: (text) => warnings.push(text) }))
    expect(warnings).toEqual(['the two checkpoints hold the very same numbers'])
    await expect(explainCheckpoints(ask({ to: golden('models', 'gpt2') }))).rejects.toThrow(/do not match: tensor/)
  })
})

describe('pictures', () => {
  const groups = [{ title: 'a', bars: [{ label: 'x', value: -2 }, { label: '<y>', value: 1 }] }]
  it('falls go left and rises right, on one scale', () => {
    const [, fell, rose] = terminalBars(groups, String, { ascii: true }).split('\n')
    expect(fell).toMatch(/x {4}#{24}\| {24} {2}-2$/)
    expect(rose).toMatch(/<y> {2} {24}\|#{12} {12} {2}1$/)
    const svg = svgBars(groups, 'T & t', String)
    expect(svg).toContain('&lt;y&gt;')
    expect(svg).toContain('T &amp; t')
  })
})

it('R² is the share of the variance that the prediction has', () => {
  expect(rSquared([1, 2, 3], [1, 2, 3])).toBe(1)
  expect(rSquared([1, 2, 3], [2, 2, 2])).toBe(0)
  expect(rSquared([1], [1])).toBeNaN()
})
