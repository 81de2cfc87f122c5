// `node apps/bench/dist/viewer/main.js`: the viewer against its budgets, on a run of 1000 evaluations × 500 probes ×
// 14 types with per-token data and on 50 runs at once. stdout is the table, the exit code 1 where a budget is not
// kept.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPage, buildSnapshot } from './build-page.ts'
import { budgets, isKept, tableOf, type Measured } from './budgets.ts'
import { beginLargeRun, writeKernelRun, writeLargeRun, type GrowingRun, type RunSize } from './large-run.ts'
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
  type Opened,
} from './measure.ts'
import { fileSize, startSize } from './page-size.ts'
import { watchTasks, type WatchedTasks } from './tasks.ts'

const USAGE = `node dist/viewer/main.js [options]

  --evaluations N, --probes N   size of the large run (default 1000 and 500)
  --cache DIR                   where generated runs are kept for the next time (default: a folder that is removed)
  --repeat N                    openings of each screen; the median counts (default 3)
  --screens a,b                 these alone
  --slack N                     times may take N times as long (default 1)
  --only first,scrub,tick,heap,kernel,compare,size   some of the measurements
  --app DIR                     a built page (default: built now)
`

/** Evaluations that are left to be watched, of six screens. */
const LIVE = 180

/** What is asked of the maps, one after another, as the address has it. */
const KERNEL_VIEWS: readonly (readonly [name: string, settings: string])[] = [
  ['opened, drift and spectrum too', ''],
  ['by likeness', 'order=cluster'],
  ['raw', 'order=cluster&norm=raw'],
  ['by prompt', 'order=prompt&norm=raw'],
]

const say = (text: string): boolean => process.stderr.write(`${text}\n`)
const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)]

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      evaluations: { type: 'string', default: '1000' },
      probes: { type: 'string', default: '500' },
      cache: { type: 'string' },
      repeat: { type: 'string', default: '3' },
      screens: { type: 'string', default: SCREENS.join(',') },
      slack: { type: 'string', default: '1' },
      only: { type: 'string', default: 'first,scrub,tick,heap,kernel,compare,size' },
      app: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const only = new Set(values.only.split(','))
  const slack = Number(values.slack)
  const size: RunSize = {
    evaluations: Number(values.evaluations),
    probes: Number(values.probes),
    types: 14,
    perToken: true,
    seed: 7,
  }
  const scratch = await mkdtemp(join(tmpdir(), 'ldyn-bench-viewer-'))
  const cache = values.cache ?? scratch
  const measured: Measured[] = []
  const note = (one: Measured): void => {
    measured.push(one)
    say(tableOf([one], slack))
  }
  // Long enough for what is done every ten seconds.
  const TICKS = 24
  const noteTicks = async (opened: Opened, run: GrowingRun, of: string): Promise<void> => {
    const { mean, worst } = await ticksOf(opened, run, TICKS)
    note({ budget: budgets.tick, of: `${of}, mean`, value: mean })
    note({ budget: budgets.tick, of: `${of}, worst of ${TICKS}`, value: worst })
  }
  const withBench = async (root: string, app: string, use: (bench: Bench) => Promise<void>): Promise<void> => {
    await using bench = await openBench(root, app)
    await use(bench)
  }
  try {
    say('building the page')
    const app = values.app ?? (await buildPage(scratch))
    if (only.has('size')) {
      note({ budget: budgets.app, value: startSize(app) })
      const { template, parts } = await buildSnapshot(scratch)
      note({ budget: budgets.template, value: fileSize(template) })
      for (const [part, path] of parts) note({ budget: budgets.part, of: part, value: fileSize(path) })
    }
    const large = join(cache, `large-${size.evaluations}x${size.probes}`)
    if (['first', 'scrub', 'heap'].some(name => only.has(name))) {
      if (!existsSync(large)) {
        say(`writing ${large}`)
        await writeLargeRun(join(large, 'large'), size)
      }
      await withBench(large, app, async bench => {
        for (const screen of SCREENS.filter(name => values.screens.split(',').includes(name))) {
          const times: number[] = []
          for (let i = 0; i < Number(values.repeat) && only.has('first'); i++) {
            await using opened = await bench.open(`#/r/large/${screen}`)
            times.push(opened.firstChart)
            await settle(opened)
          }
          if (times.length > 0)
            note({ budget: budgets.firstChart, of: screen, value: median(times.sort((a, b) => a - b)) })
          if (only.has('scrub') && screen !== 'kernel') {
            await using opened = await bench.open(`#/r/large/${screen}`)
            await settle(opened)
            const took = await scrub(opened, 40)
            note({ budget: budgets.scrub, of: `${screen}, median`, value: median(took) })
            note({ budget: budgets.scrub, of: `${screen}, 9 of 10`, value: took[Math.floor(took.length * 0.9)] })
          }
        }
        if (only.has('heap')) {
          await using opened = await bench.open('#/r/large/overview')
          for (const screen of SCREENS) {
            await visit(opened, screen)
            await settle(opened)
            note({ budget: budgets.heap, of: `after ${screen}`, value: await heap(opened) })
          }
        }
      })
    }
    if (only.has('tick')) {
      say('writing a run that goes on')
      const root = join(scratch, 'growing')
      await using run = await beginLargeRun(join(root, 'large'), { ...size, perToken: false })
      for (let i = 0; i < size.evaluations - LIVE; i++) await run.grow()
      await withBench(root, app, async bench => {
        // A run that goes on has no kernel yet.
        const live = SCREENS.filter(name => name !== 'kernel' && values.screens.split(',').includes(name))
        for (const screen of live) {
          await using opened = await bench.open(`#/r/large/${screen}`)
          await settle(opened)
          await noteTicks(opened, run, screen)
          if (screen !== 'dynamics') continue
          await scrollToEnd(opened)
          await noteTicks(opened, run, 'dynamics, its end')
        }
      })
    }
    if (only.has('kernel')) {
      const root = join(cache, 'kernel-2048')
      if (!existsSync(root)) {
        say(`writing ${root}`)
        await writeKernelRun(join(root, 'kernels'), 2048, [0, 80])
      }
      await withBench(root, app, async bench => {
        await using opened = await bench.open('#/r/kernels/update')
        await settle(opened)
        for (const [of, settings] of KERNEL_VIEWS) {
          const value = await longestTask(opened, () => showKernel(opened, 'kernels', settings))
          note({ budget: budgets.kernel, of, value })
        }
      })
    }
    if (only.has('compare')) {
      const fifty = join(cache, 'fifty')
      if (!existsSync(fifty)) {
        say(`writing ${fifty}`)
        for (let r = 0; r < 50; r++)
          await writeLargeRun(
            join(fifty, `run-${String(r).padStart(2, '0')}`),
            { evaluations: 200, probes: 40, types: 8, perToken: false, seed: 100 + r },
            { id: `run-${r}` },
          )
      }
      await withBench(fifty, app, async bench => {
        const keys = Array.from({ length: 50 }, (_, r) => `run-${String(r).padStart(2, '0')}`)
        let tasks: WatchedTasks | undefined
        await using opened = await bench.open(`#/r/${keys.join(',')}/compare`, async (page, cdp) => {
          tasks = await watchTasks(page, cdp)
        })
        note({ budget: budgets.many, value: opened.firstChart })
        await settle(opened)
        note({ budget: budgets.block, value: Math.max(...(await tasks!.end())) })
        const took = await scrub(opened, 20)
        note({ budget: budgets.scrub, of: '50 runs compared, median', value: median(took) })
        note({ budget: budgets.heap, of: '50 runs compared', value: await heap(opened) })
      })
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  process.stdout.write(`${tableOf(measured, slack)}\n`)
  return measured.every(one => isKept(one, slack)) ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error))
  return 2
})
