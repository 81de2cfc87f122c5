/** The demo as a command: two small runs, one page, and what happened in words. */
import { join, resolve } from 'node:path'
import { openBackend } from '../backends.ts'
import type { DemoFlags } from '../commands/demo.ts'
import type { Context } from '../context.ts'
import { INTERRUPTED, type StopSignal } from '../contract/exit-codes.ts'
import { FULL, QUICK } from './arms.ts'
import { estimateArms, renderEstimates } from './estimate.ts'
import { makeFolder } from '@ldyn/formats/node'
import { openFile } from './open.ts'
import { tell } from './page.ts'
import { listener } from './progress.ts'
import { openDemo, runArms } from './run.ts'
import { render } from './text.ts'

/** `20251122-163000`, local time. */
function stamp(now: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const date = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('')
  return `${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
}

/**
 * Throws what making the folder, opening and training throw, CliError for a backend that is not there, FormatError for
 * the page.
 */
export async function demo(flags: DemoFlags, context: Context): Promise<void> {
  const { output, version } = context
  const started = performance.now()
  const size = flags.quick ? QUICK : FULL
  const out = resolve(flags.out ?? join('runs', `demo-${stamp(new Date())}`))

  await using backend = await openBackend(flags.backend, { threads: flags.threads })
  await using opened = await openDemo({ out, size, seed: flags.seed, backend, version, argv: process.argv.slice(2) })
  if (flags.dryRun) {
    const found = await estimateArms(opened.jobs, (what) => output.note(`… ${what}`))
    output.result('demo', { dryRun: true, arms: found }, () => renderEstimates(found))
    return
  }

  await makeFolder(out)
  let stopped: StopSignal | undefined
  using _interrupt = context.onInterrupt((signal) => {
    stopped = signal
    output.note('stopping after this update, with a checkpoint; press Ctrl-C again to stop at once')
  })
  using progress = context.progress()
  output.note(`two runs of ${size.sftUpdates} SFT and ${size.dpoUpdates} DPO updates   ${out}`)
  const finished = await runArms(opened.jobs, listener(progress, output), () => stopped !== undefined)
  progress.end()
  if (finished.length < opened.jobs.length) {
    output.result('demo', { out, status: 'interrupted' }, () => `${out}: stopped; what was done is on file`)
    return context.exit(INTERRUPTED[stopped ?? 'SIGINT'])
  }

  const told = await tell(finished, out, version)
  const shown = await openPage(told.page, flags, context)
  const runs = finished.map(({ arm: { name, says }, directory, seconds }) => ({ name, says, directory, seconds }))
  const seconds = (performance.now() - started) / 1000
  const result = { out, status: 'done', ...told, opened: shown, runs, size, seed: flags.seed, seconds }
  output.result('demo', result, () => render(result, (text) => output.style('bold', text)))
}

/** Opens the page where that was asked for, or where somebody is there to see it. */
async function openPage(page: string, { open }: DemoFlags, { output, env }: Context): Promise<boolean> {
  if (open === false || (open === undefined && (output.json || output.stderr.isTTY !== true))) return false
  const opened = await openFile(page, process.platform, env)
  if (!opened && open === true) output.warn('there is no display, or nothing that opens a page: open it yourself')
  return opened
}
