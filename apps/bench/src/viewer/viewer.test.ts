// The viewer against its budgets, loosely: on a run an eighth as large, with three times the time. The whole
// measurement is `node apps/bench/dist/viewer/main.js`.
import { chromium } from '@ldyn/software-gpu'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPage } from './build-page.ts'
import { budgets, isKept, tableOf, type Measured } from './budgets.ts'
import { beginLargeRun, writeKernelRun, writeLargeRun, type GrowingRun } from './large-run.ts'
import {
  heap,
  longestTask,
  openBench,
  scrollToEnd,
  scrub,
  SCREENS,
  settle,
  showKernel,
  ticksOf,
  visit,
  type Bench,
} from './measure.ts'
import { startSize } from './page-size.ts'

const SLACK = 3
const SIZE = { evaluations: 250, probes: 125, types: 14, perToken: true, seed: 7 }
const found = chromium()
const without = typeof found === 'string' ? found : undefined
if (without !== undefined) console.log(`The viewer is not measured here: ${without}`)

const kept = (...all: readonly Measured[]): void =>
  expect(all.every(one => isKept(one, SLACK)), tableOf(all, SLACK)).toBe(true)

describe('the generator of large runs', () => {
  it('writes the same numbers for the same seed, and others for another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ldyn-large-'))
    try {
      const size = { evaluations: 4, probes: 3, types: 14, perToken: true, seed: 7 }
      for (const [name, seed] of [['a', 7], ['b', 7], ['c', 8]] as const)
        await writeLargeRun(join(folder, name), { ...size, seed })
      const read = (run: string, file: string) => readFile(join(folder, run, file))
      for (const file of ['probe/logp.f32', 'probe/mass_1.f32', 'probe/tokens_logp.f32', 'probes.json']) {
        const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(run => read(run, file)))
        expect(a.equals(b), file).toBe(true)
        expect(a.equals(c), file).toBe(false)
      }
      // Token rows add up to the response's own log π.
      const probes = JSON.parse((await read('a', 'probes.json')).toString()) as { columns: { offset: number; tokens: number }[] }
      const floats = async (file: string) => {
        const bytes = await read('a', file)
        return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
      }
      const [logp, tokens] = [await floats('probe/logp.f32'), await floats('probe/tokens_logp.f32')]
      probes.columns.forEach(({ offset, tokens: n }, i) => {
        const sum = tokens.subarray(offset, offset + n).reduce((total, value) => total + value, 0)
        expect(sum).toBeCloseTo(logp[i], 3)
      })
      expect(existsSync(join(folder, 'a', 'kernel', 'gram.safetensors'))).toBe(true)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe.skipIf(without !== undefined)('the viewer keeps its budgets, three times as slow', () => {
  let folder = ''
  let app = ''
  let bench: Bench
  let growing: GrowingRun

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ldyn-budgets-'))
    app = await buildPage(folder)
    const runs = join(folder, 'runs')
    await writeLargeRun(join(runs, 'large'), SIZE)
    await writeKernelRun(join(runs, 'kernels'), 1024, [0, 80])
    growing = await beginLargeRun(join(runs, 'growing'), { ...SIZE, perToken: false })
    for (let e = 0; e < SIZE.evaluations - 30; e++) await growing.grow()
    bench = await openBench(runs, app)
  }, 240_000)
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]()
    await growing?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  it('in what it loads at start', () => {
    kept({ budget: budgets.app, value: startSize(app) })
  })

  it('in the first chart of every screen, and in moving the step', async () => {
    const measured: Measured[] = []
    for (const screen of SCREENS) {
      await using opened = await bench.open(`#/r/large/${screen}`)
      measured.push({ budget: budgets.firstChart, of: screen, value: opened.firstChart })
      await settle(opened)
      const took = await scrub(opened, 12)
      measured.push({ budget: budgets.scrub, of: screen, value: took[Math.floor(took.length / 2)] })
    }
    kept(...measured)
  }, 180_000)

  it('in memory, after every screen was seen', async () => {
    await using opened = await bench.open('#/r/large/overview')
    for (const screen of SCREENS) {
      await visit(opened, screen)
      await settle(opened)
    }
    kept({ budget: budgets.heap, value: await heap(opened) })
  }, 120_000)

  it('in what a new evaluation costs', async () => {
    await using opened = await bench.open('#/r/growing/dynamics')
    await settle(opened)
    kept({ budget: budgets.tick, of: 'dynamics', value: (await ticksOf(opened, growing, 4)).mean })
    await scrollToEnd(opened)
    kept({ budget: budgets.tick, of: 'dynamics, its end', value: (await ticksOf(opened, growing, 4)).mean })
  }, 120_000)

  it('in what a task of kernels takes, opened and in another order', async () => {
    await using opened = await bench.open('#/r/kernels/update')
    await settle(opened)
    for (const settings of ['', 'order=cluster&norm=raw', 'order=prompt'])
      kept({
        budget: budgets.kernel,
        of: settings,
        value: await longestTask(opened, () => showKernel(opened, 'kernels', settings)),
      })
  }, 120_000)
})
