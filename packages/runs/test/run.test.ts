import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryFiles, openRun, RunError, verify } from '../src/index.ts'
import { createRun, directoryFiles, listRuns, resumeRun } from '../src/node/index.ts'
import type { RunWriter } from '../src/node/index.ts'
import { newRun, probes, scalarsAt, stageAt, valuesAt } from './example.ts'

const inDirectory = (work: (root: string) => Promise<void>) => async () => {
  const root = await mkdtemp(join(tmpdir(), 'ldyn-runs-'))
  try {
    await work(root)
  } finally {
    await rm(root, { recursive: true })
  }
}

const train = async (writer: RunWriter, from: number, to: number) => {
  for (let step = from; step <= to; step++) {
    await writer.scalars(step, stageAt(step), scalarsAt(step))
    if (step % 5 === 0) await writer.probes(step, stageAt(step), valuesAt(step))
  }
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    if (error instanceof RunError) return error.code
    throw error
  }
  return 'no error'
}

describe('a run that was written', () => {
  it('reads back what was given, by name, step and type', inDirectory(async root => {
    const dir = join(root, 'a')
    const writer = await createRun(dir, newRun, probes)
    await writer.event({ type: 'stage', stage: 'sft', edge: 'start', s: 0 })
    await train(writer, 1, 20)
    await writer.event({ type: 'warning', code: 'squeeze', message: 'mass moves to the argmax', s: 20 })
    await writer.finish('done')

    const run = await openRun(directoryFiles(dir))
    expect(run.manifest).toMatchObject({ schema: 'ldyn.run/1', status: 'done', seed: 7, config: { lr: 1e-4 } })
    expect(run.events.map(event => event.type)).toEqual(['status', 'stage', 'warning', 'status'])
    const loss = run.scalars.get('loss')!
    expect(Array.from(loss.steps)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(loss.values[6]).toBe(1 / 8)
    expect(loss.stages[10]).toBe('dpo')
    expect(run.steps).toEqual([5, 10, 15, 20])
    expect(run.types).toEqual(['chosen', 'rejected'])
    expect(Array.from((await run.metric('logp'))[1])).toEqual([-13, -7, -18, 0])
    expect((await run.tokens('logp'))[3][8]).toBe(Math.fround(-28 / 3))
    expect(run.torn.size).toBe(0)
    expect(await verify(directoryFiles(dir))).toEqual([])
  }))

  it('keeps sums and per-token values apart, and leaves absent responses out', inDirectory(async root => {
    const dir = join(root, 'a')
    await using writer = await createRun(dir, newRun, probes)
    await writer.probes(0, 'sft', valuesAt(0))
    const run = await openRun(directoryFiles(dir))
    // chosen: sums −3 (3 tokens) and −8 (4 tokens). Means −5.5 and −1.5; standard errors |−3+8|/2 and
    // |−1+2|/2.
    expect(await run.curve('logp', 'chosen')).toMatchObject(
      { mean: Float64Array.of(-5.5), se: Float64Array.of(2.5), n: 2 })
    expect(await run.curve('logp', 'chosen', 'token')).toMatchObject(
      { mean: Float64Array.of(-1.5), se: Float64Array.of(0.5), n: 2 })
    expect(await run.curve('logp', 'rejected')).toMatchObject({ mean: Float64Array.of(-2), se: Float64Array.of(0), n: 1 })
    expect(await codeOf(run.curve('entropy', 'chosen', 'token'))).toBe('not-a-sum')
    expect(await codeOf(run.curve('logp', 'gpt_chosen'))).toBe('unknown-column')
    expect(await codeOf(run.metric('speed'))).toBe('unknown-column')
  }))

  it('has rows that NumPy reads without us: P little-endian float32 each', inDirectory(async root => {
    const dir = join(root, 'a')
    await using writer = await createRun(dir, newRun, probes)
    await train(writer, 1, 10)
    expect((await readFile(join(dir, 'probe/logp.f32'))).length).toBe(2 * 4 * 4)
    expect(await readFile(join(dir, 'probe/index.jsonl'), 'utf8')).toBe(
      '{"s":5,"row":0,"stage":"sft"}\n{"s":10,"row":1,"stage":"sft"}\n')
    expect(JSON.parse((await readFile(join(dir, 'scalars.jsonl'), 'utf8')).split('\n')[0])).toMatchObject(
      { s: 1, stage: 'sft', loss: 0.5 })
  }))

  it('is readable while it is written', inDirectory(async root => {
    const dir = join(root, 'a')
    await using writer = await createRun(dir, newRun, probes)
    await train(writer, 1, 7)
    const run = await openRun(directoryFiles(dir))
    expect(run.manifest.status).toBe('running')
    expect(run.steps).toEqual([5])
    expect(run.scalars.get('loss')?.values.length).toBe(7)
    expect((await listRuns(root)).map(({ live }) => live)).toEqual([true])
  }))

  it('refuses numbers that are not finite, and says where', inDirectory(async root => {
    await using writer = await createRun(join(root, 'a'), newRun, probes)
    await expect(writer.scalars(3, 'sft', { loss: NaN })).rejects.toThrow(
      /scalars.jsonl, step 3, stage "sft", "loss"\): it is NaN/)
    const values = valuesAt(1)
    values.metrics.entropy[2] = Infinity
    await expect(writer.probes(5, 'sft', values)).rejects.toThrow(
      /entropy.f32, step 5, probe row 1, chosen\): it is Infinity/)
    const tokens = valuesAt(1)
    tokens.tokens.logp[4] = NaN
    await expect(writer.probes(5, 'sft', tokens)).rejects.toThrow(/probe row 0, rejected, token 1\): it is NaN/)
    expect(await codeOf(writer.scalars(3, 'sft', { s: 1 }))).toBe('wrong-shape')
    expect(await codeOf(writer.probes(5, 'sft', { metrics: valuesAt(1).metrics }))).toBe('wrong-shape')
  }))

  it('lists runs newest first, and names one whose manifest is broken', inDirectory(async root => {
    await (await createRun(join(root, 'old'), newRun)).finish('done')
    await (await createRun(join(root, 'new'), { ...newRun, created: '2026-11-23T00:00:00.000Z' })).finish('failed', 'NaN')
    await (await createRun(join(root, 'odd'), newRun)).finish('done')
    await writeFile(join(root, 'odd/run.json'), '{"schema":"ldyn.run/2"}')
    await writeFile(join(root, 'note.txt'), 'not a run')
    const runs = await listRuns(root)
    expect(runs.map(run => run.manifest?.status ?? run.error?.code)).toEqual(['failed', 'done', 'newer-schema'])
  }))

  it('lists runs of a folder within, as the demo leaves them, and says where there is no folder', inDirectory(async root => {
    for (const path of ['demo/baseline', 'sweep/lr/1e-6', '.cache/hidden', 'far/too/far/down'])
      await (await createRun(join(root, path), newRun)).finish('done')
    expect((await listRuns(root)).map(({ directory }) => directory).sort())
      .toEqual(['demo/baseline', 'sweep/lr/1e-6'].map(path => join(root, path)))
    expect(await codeOf(listRuns(join(root, 'nowhere')))).toBe('unreadable')
  }))
})

describe('resuming', () => {
  const crashed = async (dir: string, steps: number) => {
    const writer = await createRun(dir, newRun, probes)
    await train(writer, 1, steps)
    await writer.close()
  }
  const numbers = (dir: string) => Promise.all(['probe/logp.f32', 'probe/entropy.f32', 'probe/tokens_logp.f32',
    'probe/index.jsonl'].map(path => readFile(join(dir, path))))
  const lines = async (dir: string) => (await readFile(join(dir, 'scalars.jsonl'), 'utf8')).replace(/"t":\d+/g, '"t":0')

  it('does steps on file again without a second line, and ends with the numbers of an undisturbed run',
    inDirectory(async root => {
      await crashed(join(root, 'a'), 13)
      await crashed(join(root, 'b'), 20)
      const writer = await resumeRun(join(root, 'a'), 8)
      expect(writer.lastStep).toBe(13)
      await train(writer, 9, 20)
      await writer.finish('done')
      expect(await numbers(join(root, 'a'))).toEqual(await numbers(join(root, 'b')))
      expect(await lines(join(root, 'a'))).toEqual(await lines(join(root, 'b')))
      expect((await openRun(directoryFiles(join(root, 'a')))).events.map(event => event.type)).toEqual(
        ['status', 'resume', 'status', 'status'])
    }))

  it('names step and field where a redone number differs by one bit', inDirectory(async root => {
    const dir = join(root, 'a')
    await crashed(dir, 13)
    await using writer = await resumeRun(dir, 8)
    await expect(writer.scalars(9, 'sft', { ...scalarsAt(9), grad_norm: Math.sqrt(10) * (1 + 2 ** -52) })).rejects
      .toThrow(/step 9, field "grad_norm"\): on file it is 3.1622776601683795, and doing the step again gave 3.16/)
    await expect(writer.scalars(9, 'sft', { loss: 0.1 })).rejects.toThrow(/field "grad_norm".*did not give it/)
    const values = valuesAt(10)
    values.metrics.entropy[1] = Math.fround(2.5 * (1 + 2 ** -23))
    await expect(writer.probes(10, 'sft', values)).rejects.toThrow(
      /step 10, field "entropy", probe row 0, rejected\): on file it is 2.5/)
    await expect(writer.scalars(9, 'dpo', scalarsAt(9))).rejects.toThrow(/not on file although step 13 is/)
    await expect(writer.probes(9, 'sft', valuesAt(9))).rejects.toThrow(/not on file although step 10 is/)
  }))

  it('writes what belongs to a step once, however often that step is done', inDirectory(async root => {
    const dir = join(root, 'a')
    const checkpoint = { type: 'checkpoint', stage: 'sft', s: 10, path: 'checkpoints/10' } as const
    const first = await createRun(dir, newRun, probes)
    await first.event(checkpoint)
    await first.close()
    for (let i = 0; i < 2; i++) {
      await using writer = await resumeRun(dir, 0)
      await writer.event(checkpoint)
    }
    const run = await openRun(directoryFiles(dir))
    expect(run.events.filter(event => event.type === 'checkpoint')).toHaveLength(1)
    expect(run.events.filter(event => event.type === 'resume')).toHaveLength(2)
  }))

  it('does not make a run where there is one, nor resume where there is none', inDirectory(async root => {
    await crashed(join(root, 'a'), 1)
    expect(await codeOf(createRun(join(root, 'a'), newRun))).toBe('exists')
    expect(await codeOf(resumeRun(join(root, 'b'), 0))).toBe('not-a-run')
    await expect(resumeRun(join(root, 'b'), 0)).rejects.toThrow(/no run.json/)
  }))
})

describe('what verify finds', () => {
  const snapshot = async (root: string) => {
    const writer = await createRun(join(root, 'a'), newRun, probes)
    await train(writer, 1, 20)
    await writer.finish('done')
    const files = new Map<string, Uint8Array>()
    for (const path of await directoryFiles(join(root, 'a')).list()) {
      files.set(path, new Uint8Array(await readFile(join(root, 'a', path))))
    }
    return files
  }
  const edit = (files: Map<string, Uint8Array>, path: string, change: (text: string) => string) =>
    files.set(path, new TextEncoder().encode(change(new TextDecoder().decode(files.get(path)))))
  const codes = async (files: Map<string, Uint8Array>) =>
    (await verify(memoryFiles(files))).map(finding => finding.code)

  it('names each kind of damage', inDirectory(async root => {
    const whole = await snapshot(root)
    const damaged = async (damage: (files: Map<string, Uint8Array>) => void) => {
      const files = new Map([...whole].map(([path, bytes]) => [path, bytes.slice()]))
      damage(files)
      return codes(files)
    }
    expect(await damaged(() => {})).toEqual([])
    expect(await damaged(files => files.delete('run.json'))).toEqual(['not-a-run'])
    expect(await damaged(files => edit(files, 'run.json', text => text.slice(9)))).toEqual(['bad-manifest'])
    expect(await damaged(files => edit(files, 'run.json', text => text.replace('"seed"', '"sead"')))).toEqual(
      ['bad-manifest'])
    expect(await damaged(files => edit(files, 'run.json', text => text.replace('run/1', 'run/9')))).toEqual(
      ['newer-schema'])
    expect(await damaged(files => edit(files, 'run.json', text => text.replace('"entropy"', '"../../etc"')))).toEqual(
      ['bad-manifest'])
    expect(await damaged(files => edit(files, 'run.json', text => text.replace('{', '{"later": [1],')))).toEqual([])
    expect(await damaged(files => files.delete('probes.json'))).toEqual(['bad-probes'])
    expect(await damaged(files => edit(files, 'probes.json', text => text.replace('"offset": 3', '"offset": 4'))))
      .toEqual(['bad-probes'])
    expect(await damaged(files => edit(files, 'scalars.jsonl', text => text.replace('"loss":0.5', '"loss":null'))))
      .toEqual(['non-finite'])
    expect(await damaged(files => edit(files, 'scalars.jsonl', text => text.replace('"s":9,', '"s":2,')))).toEqual(
      ['out-of-order'])
    expect(await damaged(files => edit(files, 'scalars.jsonl', text => `not json\n${text}`))).toEqual(['bad-line'])
    expect(await damaged(files => edit(files, 'probe/index.jsonl', text => text.replace('"row":1', '"row":2'))))
      .toEqual(['bad-index'])
    expect(await damaged(files => files.set('probe/logp.f32', whole.get('probe/logp.f32')!.slice(0, 60)))).toEqual(
      ['short-data'])
    expect(await damaged(files => files.get('probe/logp.f32')!.set([0, 0, 0xc0, 0x7f], 4))).toEqual(['non-finite'])
    expect(await damaged(files => files.get('probe/logp.f32')!.set([1], 12))).toEqual(['absent-not-zero'])
    expect(await damaged(files => files.set('probe/other.f32', new Uint8Array(4)))).toEqual(['unlisted-data'])
    expect(await damaged(files => edit(files, 'scalars.jsonl', text => `${text}{"s":21`))).toEqual(['torn'])
    expect(await damaged(files => edit(files, 'run.json', text => text.replace('"name": "dpo"', '"name": "ipo"'))))
      .toEqual(['unknown-stage'])
  }))

  it('leaves nothing but the files of the layout behind', inDirectory(async root => {
    await snapshot(root)
    expect((await readdir(join(root, 'a'))).sort()).toEqual(
      ['events.jsonl', 'probe', 'probes.json', 'run.json', 'scalars.jsonl'])
  }))
})
