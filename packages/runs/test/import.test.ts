import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { maskedCrc32c } from '../../formats/src/crc32c.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRun, unknownColumns, verify } from '../src/index.ts'
import type { RunError } from '../src/index.ts'
import { attemptsOf, longestAttempt } from '../src/importing/attempts.ts'
import { parseLoggedObjects, parsePythonJson } from '../src/importing/python-json.ts'
import { directoryFiles, importRun, readForeign } from '../src/node/index.ts'
import { evaluation, npyBytes, pythonJson } from './foreign.ts'

let root = ''
beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'ldyn-import-')) })
afterAll(() => rm(root, { recursive: true }))

const released = async (
  name: string, log: readonly Record<string, number>[], extra: Record<string, Uint8Array | string> = {}, between = '\n',
): Promise<string> => {
  const directory = join(root, name)
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'prob_train_metrics.json'), log.map(pythonJson).join(between))
  for (const [file, bytes] of Object.entries(extra)) await writeFile(join(directory, file), bytes)
  return directory
}
let count = 0
const imported = async (path: string, options = {}) => {
  const done = await importRun(path, join(root, 'runs', String(count++)), options)
  return { done, notes: done.run.notes.map(({ code }) => code), run: await openRun(directoryFiles(done.directory)) }
}
const failure = (work: Promise<unknown>): Promise<RunError> =>
  work.then(() => { throw new Error('it did not fail') }, (error: RunError) => error)
const steps = [0, 1, 2, 3]

describe('a file that is packed or in another encoding', () => {
  const state = '{"log_history": [{"loss": 0.5, "step": 1}]}'
  it.each([
    ['trainer_state.json.gz', gzipSync(state), 'it is compressed (gzip)', 'Unpack it first (gunzip)'],
    ['events.out.tfevents.1.gz', gzipSync('anything'), 'it is compressed (gzip)', 'Unpack it first (gunzip)'],
    ['trainer_state.json', Buffer.from(`\ufeff${state}`, 'utf16le'), 'it is UTF-16, not UTF-8', 'Save it as UTF-8'],
  ])('is said to be so: %s', async (name, bytes, why, fix) => {
    const folder = await mkdtemp(join(root, 'odd-'))
    await writeFile(join(folder, name), bytes)
    for (const given of [folder, join(folder, name)])
      expect(await failure(readForeign(given))).toMatchObject({ code: 'bad-log', where: join(folder, name), why, fix })
  })
})

describe('JSON as Python writes it', () => {
  it('has NaN and infinities, but not inside strings', () => {
    expect(parsePythonJson('{"a": NaN, "b": [-Infinity, Infinity], "NaN": "so NaN, \\"Infinity\\""}', 'x'))
      .toEqual({ a: NaN, b: [-Infinity, Infinity], NaN: 'so NaN, "Infinity"' })
  })
  it('may be many objects with nothing between, the last one torn', () => {
    const { objects, torn } = parseLoggedObjects('{"a":1}{"a":"}{"}\n\n{"a":3', 'x')
    expect(objects.map(({ value, where }) => [value.a, where])).toEqual([[1, 'x, line 1'], ['}{', 'x, line 1']])
    expect(torn).toBe(6)
  })
  it('is refused with its line where it is something else', () => {
    expect(() => parseLoggedObjects('{"a":1}\nhello', 'log')).toThrow(/log, line 2.*"hello"/)
    expect(() => parseLoggedObjects('{"a":1}\n{"a":}', 'log')).toThrow(/log, line 2.*not JSON/)
  })
})

describe('the released code’s log', () => {
  it('is told to hold another type’s argmax by each of three proofs, and that curve moves to its owner', async () => {
    const untyped = steps.map(step => evaluation(step, 'random_nonhum', { typed: false }))
    const bound = steps.map(step => evaluation(step, 'random_nonhum', { argmax: -200 }))
    const norms = steps.map(step => evaluation(step, 'random_nonhum'))
    for (const [name, log, says] of [
      ['one-A_o', untyped, /Proof: the log has one A_o/], ['bound', bound, /Proof: argmax lies below .* in 4 of 4 values, by up to 48/],
      ['norms', norms, /Inferred: p_e and energy say ‖π‖² ≈ 0\.067.* 0\.259 for chosen and 0\.067 for random_nonhum/],
    ] as const) {
      const { run, done, notes } = await imported(await released(name, log))
      const note = done.run.notes.find(({ metric }) => metric === 'argmax_logp')
      expect(note).toMatchObject({ code: 'argmax-of-another-type', type: 'random_nonhum' })
      expect(note!.message).toMatch(says)
      expect(notes).toContain('not-a-number')
      expect((await run.curve('argmax_logp', 'random_nonhum')).n).toBe(1)
      expect((await run.curve('argmax_logp', 'chosen')).n).toBe(0)
    }
  })

  it('of the corrected code keeps chosen’s argmax for chosen, without such a note', async () => {
    const { run, notes } = await imported(await released('fixed_dpo', steps.map(step => evaluation(step, 'chosen'))))
    expect([...(await run.curve('argmax_logp', 'chosen')).mean]).toEqual([-61, -60, -59, -58])
    expect(notes).not.toContain('argmax-of-another-type')
    expect(run.manifest.stages).toEqual([{ name: 'dpo', loss: 'dpo', updates: 3 }])
  })

  it('keeps NaN as missing: no file holds it, no curve shows it, and a note says where it was', async () => {
    const { done, run } = await imported(await released('nan', steps.map(step => evaluation(step, 'chosen'))))
    expect(run.manifest.columns.metrics).not.toContain('rest_logp')
    expect(done.run.notes.find(({ metric }) => metric === 'rest_logp')?.message).toMatch(/4 of 4 values are NaN or infinite/)
    expect(run.manifest.imported!.missing.join()).toMatch(/rest_logp.*entropy.*standard error/)
    expect(await verify(directoryFiles(done.directory))).toEqual([])
  })

  it('names the array’s rows by the log’s keys, drops probes with NaN from that curve alone, and finds its attempt', async () => {
    const log = [evaluation(0, 'chosen'), ...steps.map(step => evaluation(step, 'chosen'))]
    const keys = Object.keys(log[0])
    const own = log.slice(1)
    // Two probes around each mean; the second one's except_argmax is a number at first and NaN at the last evaluation.
    const data = Float64Array.from(own.flatMap((line, e) => keys.flatMap(key => key === 'except_argmax_prob_logits'
      ? [-20 - e, e === 3 ? NaN : -10] : [line[key] - 5, line[key] + 5])))
    const means = own.map((line, e) => ({ ...line, except_argmax_prob_logits: e === 3 ? NaN : (-30 - e) / 2 }))
    const path = await released('array', [{ ...log[0], except_argmax_prob_logits: -15 }, ...means],
      { 'logp_npy_all_chosen.npy': await npyBytes([4, keys.length, 2], data), 'argmax_token_all_chosen.npy': 'pickle' })
    const { run, notes, done } = await imported(path)
    expect(run.probes!.rows).toHaveLength(2)
    expect((await run.metric('logp')).map(row => [row[0], row[3]])).toEqual(steps.map(step => [-157 - step, -147 - step]))
    expect((await run.curve('rest_logp', 'chosen'))).toMatchObject({ n: 1, mean: Float64Array.of(-20, -21, -22, -23) })
    expect(notes).toEqual(expect.arrayContaining(['restarted', 'pickle-ignored', 'not-a-number']))
    expect(done.run.notes.find(({ code }) => code === 'not-a-number')?.message).toMatch(/1 of 8 values.* 1 of 2 probes/)
    expect([...unknownColumns(run.probes!, 'rest_logp')]).toEqual([1, 2, 3, 4, 5])
  })

  it('ignores, with a note, an array whose means are not the log’s', async () => {
    const log = steps.map(step => evaluation(step, 'chosen'))
    const data = new Float64Array(4 * Object.keys(log[0]).length * 2).fill(-7)
    const path = await released('alien', log, { 'logp_npy_all_chosen.npy': await npyBytes([4, Object.keys(log[0]).length, 2], data) })
    const { done, notes } = await imported(path)
    expect(notes).toContain('array-ignored')
    expect(done.run.meansOnly).toBe(true)
  })

  it('takes one attempt of a log that holds several: the longest, or the one that is asked for', async () => {
    const log = [0, 1, 2, 0, 1].map(step => evaluation(step, 'chosen'))
    expect(attemptsOf(log)).toEqual([{ from: 0, to: 3 }, { from: 3, to: 5 }])
    expect(longestAttempt([{ from: 0, to: 2 }, { from: 2, to: 4 }])).toBe(1)
    const path = await released('restarts', log, {}, '')
    expect((await imported(path)).run.steps).toEqual([0, 1, 2])
    expect((await imported(path, { attempt: 2, every: 25 })).run.steps).toEqual([0, 25])
    expect((await failure(importRun(path, join(root, 'no'), { attempt: 3 }))).message).toMatch(/no attempt 3: the log holds 2/)
  })

  it('does not divide by lengths that it does not know', async () => {
    const { run } = await imported(await released('lengths', steps.map(step => evaluation(step, 'chosen'))))
    expect((await failure(run.curve('logp', 'chosen', 'token'))).message).toMatch(/does not say how long/)
  })

  it('says what is wrong with a bad one', async () => {
    const bad = async (name: string, log: readonly Record<string, never>[] | string) => {
      const path = typeof log === 'string' ? join(await released(name, []), 'prob_train_metrics.json') : await released(name, log)
      if (typeof log === 'string') await writeFile(path, log)
      return failure(importRun(path, join(root, 'bad')))
    }
    expect(await bad('empty', '')).toMatchObject({ code: 'bad-log', why: 'it is empty' })
    expect(await bad('blank', '\n')).toMatchObject({ code: 'bad-log', why: 'it holds no evaluation' })
    expect(await bad('other', '{"loss": 1}')).toMatchObject({ code: 'bad-log' })
    expect(await bad('text', '{"logps_eval_x/chosen": "a"}')).toMatchObject({ code: 'bad-log', why: expect.stringMatching(/not a number/) as string })
    expect(await bad('mixed', '{"logps_eval_x/chosen": 1}{"logps_eval_x/rejected": 1}')).toMatchObject({ code: 'bad-log' })
    expect(existsSync(join(root, 'bad'))).toBe(false)
  })
})

describe('importing', () => {
  it('again changes nothing; one that was cut off is completed; another log or run is never overwritten', async () => {
    const path = await released('again', steps.map(step => evaluation(step, 'chosen')))
    const to = join(root, 'runs', 'again')
    await importRun(path, to)
    const bytes = async () => Promise.all((await readdir(to, { recursive: true, withFileTypes: true }))
      .filter(entry => entry.isFile()).map(entry => readFile(join(entry.parentPath, entry.name), 'latin1')))
    const before = await bytes()
    expect((await importRun(path, to)).outcome).toBe('unchanged')
    expect(await bytes()).toEqual(before)

    const half = join(root, 'runs', 'half')
    await cp(to, half, { recursive: true })
    const manifest = JSON.parse(await readFile(join(half, 'run.json'), 'utf8')) as object
    await writeFile(join(half, 'run.json'), JSON.stringify({ ...manifest, status: 'running' }))
    await writeFile(join(half, 'probe', 'index.jsonl'), `${(await readFile(join(half, 'probe', 'index.jsonl'), 'utf8')).split('\n')[0]}\n`)
    expect((await importRun(path, half)).outcome).toBe('completed')
    expect((await openRun(directoryFiles(half))).steps).toEqual([0, 1, 2, 3])

    expect(await failure(importRun(path, to, { every: 25 }))).toMatchObject({ code: 'differs' })
    await writeFile(join(path, 'prob_train_metrics.json'), [...steps, 4].map(step => pythonJson(evaluation(step, 'chosen'))).join('\n'))
    expect(await failure(importRun(path, to))).toMatchObject({ code: 'differs', why: expect.stringMatching(/has grown/) as string })
    expect(await failure(readForeign(to))).toMatchObject({ code: 'no-log', why: 'it is a run of ldyn already' })
  })

  it('says where nothing is, and what is no log', async () => {
    expect(await failure(readForeign(join(root, 'nowhere')))).toMatchObject({ code: 'no-log', why: 'nothing is there' })
    await writeFile(join(root, 'notes.txt'), 'hello')
    expect(await failure(readForeign(join(root, 'notes.txt')))).toMatchObject({ code: 'no-log' })
    expect((await failure(readForeign(root))).fix).toMatch(/Give one directory below it/)
  })
})

describe('a Trainer’s state', () => {
  it('of the last checkpoint becomes scalars, one line a step, NaN left out and named', async () => {
    const out = join(root, 'trl-run')
    await mkdir(join(out, 'checkpoint-9'), { recursive: true })
    await mkdir(join(out, 'checkpoint-20'), { recursive: true })
    await writeFile(join(out, 'checkpoint-9', 'trainer_state.json'), '{"log_history": []}')
    await writeFile(join(out, 'checkpoint-20', 'trainer_state.json'), pythonJson({
      global_step: 20, log_history: [
        { step: 10, epoch: 0.5, loss: 0.69, 'rewards/chosen': 0, 'logps/chosen': -50 },
        { step: 10, epoch: 0.5, eval_loss: 0.7 },
        { step: 20, epoch: 1, loss: NaN, 'rewards/chosen': -1, 'logps/chosen': -61, note: 'x' },
      ],
    }))
    const { run, done } = await imported(out)
    expect([...run.scalars.get('loss')!.steps]).toEqual([10])
    expect([...run.scalars.get('eval_loss')!.values]).toEqual([0.7])
    expect([...run.scalars.get('logps/chosen')!.values]).toEqual([-50, -61])
    expect(done.run.stage).toMatchObject({ name: 'preference', updates: 20 })
    expect(done.run.notes.map(({ code, metric }) => [code, metric])).toEqual([['not-a-number', 'loss'], ['unknown-key', undefined]])
    expect(done.run.missing.join()).toContain('probe set')
    expect(await failure(importRun(join(out, 'checkpoint-9'), join(root, 'never')))).toMatchObject({ code: 'bad-log' })
  })
})

describe('TensorBoard events', () => {
  const varint = (n: number): number[] => n < 128 ? [n] : [n & 127 | 128, ...varint(n >>> 7)]
  const record = (bytes: number[]): Uint8Array => {
    const head = new Uint8Array(8)
    new DataView(head.buffer).setUint32(0, bytes.length, true)
    const crc = (part: Uint8Array) => new Uint8Array(Uint32Array.of(maskedCrc32c(part)).buffer)
    const body = Uint8Array.from(bytes)
    return Buffer.concat([head, crc(head), body, crc(body)])
  }
  const scalar = (step: number, tag: string, value: number): Uint8Array => {
    const name = new TextEncoder().encode(tag)
    const v = [0x0a, ...varint(name.length), ...name, 0x15, ...new Uint8Array(Float32Array.of(value).buffer)]
    const summary = [0x0a, ...varint(v.length), ...v]
    return record([0x10, ...varint(step), 0x2a, ...varint(summary.length), ...summary])
  }
  it('of several files become one run, a later file’s value kept where both have a step', async () => {
    const path = join(root, 'tb_dpo')
    await mkdir(path)
    await writeFile(join(path, 'events.out.tfevents.1.host'), Buffer.concat([scalar(1, 'train/loss', 0.7), scalar(2, 'train/loss', 0.6)]))
    await writeFile(join(path, 'events.out.tfevents.2.host'), Buffer.concat([scalar(2, 'train/loss', 0.5), scalar(3, 'eval/rewards/margins', NaN), new Uint8Array(5)]))
    const { run, notes } = await imported(path)
    expect([...run.scalars.get('loss')!.values]).toEqual([Math.fround(0.7), 0.5])
    expect(run.manifest.stages[0].loss).toBe('dpo')
    expect(notes.sort()).toEqual(['logged-twice', 'not-a-number', 'several-files', 'torn'])
  })
  it('that are damaged are refused with their byte', async () => {
    const path = join(root, 'events.out.tfevents.broken')
    const bytes = scalar(1, 'loss', 1)
    bytes[14] ^= 1
    await writeFile(path, bytes)
    expect(await failure(readForeign(path))).toMatchObject({ code: 'bad-log', why: expect.stringMatching(/checksum/) as string })
  })
})

const shared = process.env.LDYN_SHARED ?? new URL('../../../../shared', import.meta.url).pathname
const recorded = join(shared, 'data', 'recorded-runs')
const here = existsSync(recorded)

describe.skipIf(!here)(`the authors’ recorded runs${here ? '' : ` (skipped: ${recorded} is not there; set LDYN_SHARED)`}`, () => {
  // evaluations, probes (1: means alone), the owner of argmax, first and last log π(chosen)
  const expected: Readonly<Record<string, readonly [number, number, 'chosen' | 'random_nonhum', number, number]>> = {
    baseline_sft_qwen05_ep8: [1, 1, 'random_nonhum', -132.67, -132.67],
    extend_sft_qwen18_observe: [40, 1, 'random_nonhum', -122.78, -79.2],
    prob_pythia410m_dpo: [50, 500, 'random_nonhum', -151.98, -146.34],
    pythia410_baseline_dpo_checkbug: [32, 1, 'chosen', -151.98, -176.93],
    pythia410_baseline_dpo_checkbug_5e7: [40, 500, 'chosen', -151.98, -148.58],
    pythia410_baseline_sft_verify_argmax_bug: [40, 1, 'chosen', -151.98, -92.42],
    pythia410m_baseline_dpo_checkbug_5e7: [137, 1, 'chosen', -151.98, -156.22],
    qwen05_baseline_dpo_checkbug: [40, 1, 'chosen', -132.67, -144.55],
    qwen05_baseline_dpo_checkbug_5e7: [159, 1, 'chosen', -132.67, -159.83],
    qwen05_baseline_sft_checkbug: [40, 500, 'chosen', -132.67, -87.38],
    test: [1, 1, 'random_nonhum', -334, -334],
    verifyargmax_pythia1b_dpo_ep10_chosen: [50, 1, 'random_nonhum', -132.25, -138.96],
  }
  it('are all there', async () => {
    expect((await readdir(recorded)).sort()).toEqual(Object.keys(expected).sort())
  })
  it.each(Object.entries(expected))('%s', async (name, [evaluations, probes, owner, first, last]) => {
    const { done, run, notes } = await imported(join(recorded, name))
    expect(run.evaluations).toHaveLength(evaluations)
    expect(run.probes!.rows).toHaveLength(probes)
    expect(notes.includes('argmax-of-another-type')).toBe(owner !== 'chosen')
    expect((await run.curve('argmax_logp', owner)).n).toBe(probes)
    const { mean } = await run.curve('logp', 'chosen')
    expect(mean[0]).toBeCloseTo(first, 1)
    expect(mean.at(-1)).toBeCloseTo(last, 1)
    expect(await verify(directoryFiles(done.directory))).toEqual([])
  })
})
