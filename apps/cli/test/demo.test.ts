// `ldyn demo` at a few updates: what it trains on, what it leaves on file, what it says, and how it fails and stops.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onnxBackend } from '@ldyn/backend-onnx'
import { openRun, verify } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import type { Backend } from '@ldyn/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explain } from '../src/contract/errors.ts'
import { arms, FULL, QUICK } from '../src/demo/arms.ts'
import { demoData, PREFERENCES, PROBE_TYPES } from '../src/demo/data.ts'
import { makeFolder } from '@ldyn/formats/node'
import { opener } from '../src/demo/open.ts'
import { tell, type Told } from '../src/demo/page.ts'
import { openDemo, runArms, type DemoEvent, type FinishedArm } from '../src/demo/run.ts'
import { render } from '../src/demo/text.ts'

const folder = mkdtempSync(join(tmpdir(), 'ldyn-demo-'))
let backend: Backend
beforeAll(async () => void (backend = await onnxBackend()))
afterAll(async () => {
  await backend.dispose()
  rmSync(folder, { recursive: true })
})

const open = (out: string): ReturnType<typeof openDemo> =>
  openDemo({ out: join(folder, out), size: QUICK, seed: 0, backend, version: '0.0.0', argv: ['demo'] })

describe('what the demo trains on', () => {
  it('is 288 rows; 24 of them, three of each topic, are watched with all types', async () => {
    const { train, probes, heldOut } = await demoData(FULL.probes, 0)
    expect([train.length, heldOut.length]).toEqual([288, 40])
    const records = readFileSync(PREFERENCES, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
    const topics = new Map<string, string>(records.map(({ prompt, topic }) => [prompt, topic]))
    const watched = probes.map(({ prompt }) => topics.get(prompt))
    expect([...new Set(watched)].map((topic) => watched.filter((t) => t === topic).length)).toEqual(Array(8).fill(3))
    for (const { prompt, responses } of probes) {
      expect(train.map((row) => row.prompt)).toContain(prompt)
      expect(Object.keys(responses).sort()).toEqual([...PROBE_TYPES].sort())
    }
  })

  it('never holds an answer that is watched as held out, and always the one watched as another question\'s', async () => {
    const { train, probes } = await demoData(FULL.probes, 0)
    const chosen = new Map(train.map((row) => [row.responses.chosen, row.prompt]))
    for (const { prompt, responses } of probes) {
      expect(chosen.has(responses.irr_test)).toBe(false)
      expect(chosen.get(responses.irr_train)).toBeDefined()
      expect(chosen.get(responses.irr_train)).not.toBe(prompt)
    }
  })

  it('is as much for both arms: equal updates and examples in each stage, whatever the size', () => {
    for (const size of [FULL, QUICK]) {
      const [baseline, extend] = arms(size).map(({ stages }) =>
        stages.map(({ updates, batch, lr }) => [updates, batch, lr]),
      )
      expect(extend).toEqual(baseline)
    }
  })
})

describe('a demo of a few updates', () => {
  const events: DemoEvent[] = []
  let finished: readonly FinishedArm[]
  let told: Told
  beforeAll(async () => {
    await using demo = await open('quick')
    finished = await runArms(demo.jobs, (event) => void events.push(event), () => false)
    told = await tell(finished, join(folder, 'quick'), '0.0.0')
  }, 120_000)

  it('leaves two sound runs, each with both of its stages and an evaluation before and after every update', async () => {
    expect(finished.map(({ arm }) => arm.name)).toEqual(['baseline', 'extend'])
    for (const { directory, arm } of finished) {
      expect(await verify(directoryFiles(directory))).toEqual([])
      const run = await openRun(directoryFiles(directory))
      expect(run.manifest.status).toBe('done')
      expect(run.manifest.stages.map(({ name }) => name)).toEqual(arm.stages.map(({ name }) => name))
      expect(run.steps).toEqual([0, 1, 2, 3, 4])
      expect(run.types).toEqual([...PROBE_TYPES])
    }
  })

  it('starts both arms from the same model and moves them apart', () => {
    const [base, , , other, extended] = told.levels
    expect(other.means).toEqual(base.means)
    expect(extended.means.chosen).not.toBe(told.levels[1].means.chosen)
  })

  it('counts its progress over both runs up to the end', () => {
    const updates = events.filter(({ event }) => event.type === 'update')
    expect(updates.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(new Set(updates.map(({ total }) => total))).toEqual(new Set([8]))
  })

  it('answers all four questions with figures, on the terminal and beside a page that loads nothing', () => {
    expect(told.answers).toHaveLength(4)
    for (const { question, sentences } of told.answers) {
      expect(sentences.length, question).toBeGreaterThan(0)
      for (const { text } of sentences) expect(text).toMatch(/[+−]?\d+\.\d/)
    }
    const runs = finished.map(({ arm, directory }) => ({ ...arm, directory }))
    const result = { ...told, out: dirname(told.page), opened: false, seconds: 1, size: QUICK, runs }
    const text = render(result, (heading) => heading)
    for (const { question } of told.answers) expect(text).toContain(question)
    expect(text).toContain(told.page)
    const html = readFileSync(told.page, 'utf8')
    expect(html).toContain('extend → dpo')
    expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/)
  })

  it('does not write into a run that is there', async () => {
    await using demo = await open('quick')
    const failed = await runArms(demo.jobs, () => {}, () => false).catch((error: unknown) => explain(error))
    expect(failed).toMatchObject({ code: 'LD8003', exit: 8 })
  })
})

describe('a demo that cannot go on', () => {
  it('says so where it may not write', async () => {
    writeFileSync(join(folder, 'file'), '')
    await using demo = await open('file/below')
    const failed = await runArms(demo.jobs, () => {}, () => false).catch((error: unknown) => explain(error))
    expect(failed).toMatchObject({ code: 'LD5005', exit: 5, where: expect.stringContaining('below') })
  })

  it('names the part of the path that cannot be a directory', async () => {
    await makeFolder(join(folder, 'a/b/c'))
    await makeFolder(join(folder, 'a/b/c'))
    expect(existsSync(join(folder, 'a/b/c'))).toBe(true)
    writeFileSync(join(folder, 'leaf'), '')
    const failed = await makeFolder(join(folder, 'leaf/d/e')).catch((error: unknown) => explain(error))
    expect(failed).toMatchObject({ code: 'LD4003', where: expect.stringContaining('leaf/d') })
  })

  it('stops after the update that it is in, with a checkpoint, and does not begin the other arm', async () => {
    await using demo = await open('stopped')
    let updates = 0
    const count = ({ event }: DemoEvent): void => void (updates += event.type === 'update' ? 1 : 0)
    const finished = await runArms(demo.jobs, count, () => updates > 0)
    expect([finished, updates]).toEqual([[], 1])
    const run = await openRun(directoryFiles(demo.jobs[0].job.out))
    expect(run.manifest.status).toBe('interrupted')
    expect(existsSync(join(demo.jobs[0].job.out, 'checkpoints/000001-sft/checkpoint.json'))).toBe(true)
    expect(existsSync(demo.jobs[1].job.out)).toBe(false)
  })
})

describe('opening the page', () => {
  it('takes what the desktop has, and nothing where there is no display', () => {
    expect(opener('linux', {}, '/a b.html')).toBeUndefined()
    expect(opener('linux', { DISPLAY: ':0' }, '/a b.html')).toEqual(['xdg-open', ['/a b.html']])
    expect(opener('linux', { WAYLAND_DISPLAY: 'wayland-0' }, '/a')).toEqual(['xdg-open', ['/a']])
    expect(opener('darwin', {}, '/a')).toEqual(['open', ['/a']])
    expect(opener('win32', {}, 'C:\\a & b.html')).toEqual(['explorer.exe', ['C:\\a & b.html']])
  })
})
