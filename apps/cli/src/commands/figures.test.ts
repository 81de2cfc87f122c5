import { mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRun } from '@ldyn/runs/node'
import { extendMoves, paperMoves, writeSynthetic } from '../../../../packages/figures/test/synthetic-run.ts'
import { commandLine, failureOf } from '../../test/command-line.ts'
import * as exporting from './export.ts'
import * as plot from './plot.ts'
import * as runs from './runs.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ldyn-commands-'))
  await writeSynthetic(join(root, 'base'), { id: '2026-11-22-base', moves: paperMoves, every: 10 })
  await writeSynthetic(join(root, 'ext'), { id: '2026-11-22-ext', moves: extendMoves, every: 10 })
  await writeSynthetic(join(root, 'cut'), { id: 'cut', every: 20, status: 'interrupted' })
  await writeSynthetic(join(root, 'dead'), { id: 'dead', every: 20, status: 'running' })
  await writeSynthetic(join(root, 'broken'), { id: 'broken', every: 20 })
  await truncate(join(root, 'broken', 'probe', 'logp.f32'), 100)
})
afterAll(() => rm(root, { recursive: true }))

const ldyn = commandLine([plot, exporting, runs])
const failure = (...argv: readonly string[]) => failureOf(ldyn(...argv))

describe('ldyn runs', () => {
  it('ls tells done, interrupted, killed and live runs apart', async () => {
    const live = await createRun(join(root, 'now'), {
      id: 'now',
      created: '2026-11-23T00:00:00.000Z',
      argv: [],
      config: {},
      seed: 1,
      environment: { node: '', platform: '', cpu: '', ldyn: '' },
      backend: { name: 'reference', device: 'cpu', version: '' },
      model: { path: 'm', hash: '', params: 1 },
      tokenizer: { hash: '' },
      datasets: [],
      stages: [],
      columns: { metrics: [], tokens: [] },
    })
    const { data } = JSON.parse((await ldyn('runs', 'ls', root, '--json')).out) as {
      data: { runs: { id: string; state: string }[] }
    }
    await live.finish('done')
    await rm(join(root, 'now'), { recursive: true })
    expect(Object.fromEntries(data.runs.map(({ id, state }) => [id, state]))).toEqual({
      now: 'live',
      '2026-11-22-base': 'done',
      '2026-11-22-ext': 'done',
      cut: 'interrupted',
      dead: 'killed',
      broken: 'done',
    })
    expect(data.runs[0].id).toBe('now')
  })

  it('ls prints a table that says where there is none', async () => {
    const { out } = await ldyn('runs', 'ls', root)
    expect(out.split('\n')[0]).toMatch(/^RUN +STATUS +STAGES +MODEL +BEGUN +DIRECTORY$/)
    expect(out).toMatch(/dead +killed +sft 40 → dpo 40 +pythia-410m +2026-11-22 12:00/)
    expect((await ldyn('runs', 'ls', join(root, 'base', 'probe'))).out).toContain('No runs in')
  })

  it('show finds a run by the beginning of its id and tells how each type moved', async () => {
    const { out } = await ldyn('runs', 'show', '2026-11-22-b', '--runs-dir', root)
    expect(out).toContain('done, 80 of 80 updates')
    expect(out).toMatch(/rejected +−\d+\.\d +−\d+\.\d +−\d+\.\d+ ± \d\.\d+ +24/)
  })

  it('verify says whole, or lists what is wrong and exits with 7', async () => {
    expect(await ldyn('runs', 'verify', join(root, 'base'))).toMatchObject({
      code: 0,
      out: expect.stringContaining('whole') as string,
    })
    const { out, code } = await ldyn('runs', 'verify', join(root, 'broken'), '--json')
    expect(code).toBe(7)
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      data: { ok: false, findings: [{ severity: 'error', code: 'short-data' }] },
    })
  })

  it('names that fit no run, or several, are errors that help', async () => {
    expect(await failure('runs', 'show', 'bas', '--runs-dir', join(root, 'nowhere'))).toMatchObject({
      code: 'LD4002',
      exit: 4,
    })
    expect(await failure('runs', 'show', 'broke', '--runs-dir', root)).toMatchObject({
      name: 'RunError',
      code: 'short-data',
    })
    expect(await failure('runs', 'show', 'extt', '--runs-dir', root)).toMatchObject({
      code: 'LD4002',
      fix: 'did you mean ext?',
    })
    expect(await failure('runs', 'show', '2026', '--runs-dir', root)).toMatchObject({
      code: 'LD2003',
      exit: 2,
    })
  })
})

describe('ldyn plot', () => {
  it('draws in 80 columns, and prints the drawn numbers with --json', async () => {
    const { out } = await ldyn('plot', join(root, 'base'), '--types', 'chosen,argmax')
    expect(Math.max(...out.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80)
    expect(out).toMatch(/[\u2801-\u28ff]/)
    const { data } = JSON.parse(
      (await ldyn('plot', join(root, 'base'), '--types', 'chosen', '--json')).out,
    ) as {
      data: { lines: { line: string; steps: number[]; mean: number[]; se: number[]; n: number }[] }
    }
    expect(data.lines.map(({ line, n, steps }) => [line, n, steps])).toEqual([
      ['chosen', 24, [0, 10, 20, 30, 40, 50, 60, 70, 80]],
    ])
  })

  it('overlays runs, and takes columns of the training log', async () => {
    expect((await ldyn('plot', join(root, 'base'), join(root, 'ext'), '--types', 'irr_train')).out).toContain(
      'irr_train B',
    )
    const { out } = await ldyn('plot', join(root, 'base'), '--metric', 'loss', '--stage', 'dpo', '--ascii')
    expect(out).not.toMatch(/[^\x20-\x7e\n]/)
  })

  it('names what it does not know, and what was meant', async () => {
    const base = join(root, 'base')
    expect(await failure('plot', base, '--metric', 'entrpy')).toMatchObject({
      code: 'LD2003',
      fix: 'did you mean entropy?',
    })
    expect(await failure('plot', base, '--types', 'choosen')).toMatchObject({
      code: 'LD2003',
      fix: 'did you mean chosen?',
    })
    expect(await failure('plot', base, '--metric', 'entropy', '--per-token')).toMatchObject({
      code: 'LD2003',
    })
    expect(await failure('plot', base, '--stage', 'dpoo')).toMatchObject({ fix: 'did you mean dpo?' })
    expect(await failure('plot', base, '--width', 'wide')).toMatchObject({ code: 'LD2003' })
  })
})

describe('ldyn export', () => {
  it('writes every form at once, making the directories on the way', async () => {
    const to = join(root, 'out', 'deep')
    const argv = ['--csv', join(to, 'a.csv'), '--svg', join(to, 'a.svg'), '--html', join(to, 'a.html'), '--static']
    await ldyn('export', join(root, 'base'), join(root, 'ext'), ...argv)
    expect((await readdir(to)).sort()).toEqual(['a.csv', 'a.html', 'a.svg'])
    expect(await readFile(join(to, 'a.html'), 'utf8')).toContain('A sft → dpo against B sft → dpo')
    expect(await readFile(join(to, 'a.csv'), 'utf8')).toMatch(
      /^run,step,stage,type,metric,mean,se,n\n2026-11-22-base,0,sft,chosen,logp,/,
    )
  })

  it('writes one file a panel into a directory, and CSV to stdout', async () => {
    const to = join(root, 'panels')
    await ldyn('export', join(root, 'base'), '--svg', to)
    expect(await readdir(to)).toEqual(expect.arrayContaining(['chosen.svg', 'squeezing.svg', 'loss-dpo.svg']))
    expect((await ldyn('export', join(root, 'base'), '--csv', '-', '--scalars')).out).toMatch(
      /^step,stage,name,value\n1,sft,loss,/,
    )
  })

  it('says what is missing or contradictory', async () => {
    const base = join(root, 'base')
    expect(await failure('export', base)).toMatchObject({ code: 'LD2003' })
    expect(await failure('export', base, '--rows', '--html', 'x.html')).toMatchObject({ code: 'LD2003' })
    expect(await failure('export', base, '--csv', 'x', '--rows', '--scalars')).toMatchObject({
      code: 'LD2004',
    })
    expect(await failure('export', base, '--csv', '-', '--html', 'x.html')).toMatchObject({ code: 'LD2004' })
  })
})
