/** `ldyn demo`: what finetuning does, on an embedded model: two small runs, one page, and what happened in words. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { INTERRUPTED, type StopSignal } from '../contract/exit-codes.ts'
import { examples } from '../program.ts'

interface DemoFlags {
  readonly out?: string
  readonly open?: boolean
  readonly seed: number
  readonly quick?: boolean
  readonly dryRun?: boolean
  readonly backend: string
  readonly threads?: number
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('demo')
    .description('what finetuning does: SFT → DPO and extend-SFT → DPO on an embedded model, in about a minute')
    .option('--out <dir>', 'directory for both runs and the page (default: runs/demo-<time>)')
    .option('--open', 'open the page in the browser (default: where there is a terminal and a display)')
    .option('--no-open', 'only name the page')
    .option('--seed <n>', 'order of the data and choice of probes', whole('--seed', 0), 0)
    .option('--quick', 'a few updates only: shows that everything works, and no effect')
    .option('--dry-run', 'measure one update and one evaluation, print what the demo would take, write nothing')
    .option('--backend <name>', 'what computes (ldyn doctor lists them)', 'onnx')
    .option('--threads <n>', 'threads that compute', whole('--threads', 1))
    .action((flags: DemoFlags) => run(flags, context))
  examples(command, ['ldyn demo', 'ldyn demo --out runs/look --no-open', 'ldyn demo --seed 1 --json'])
}

const whole =
  (option: string, least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (Number.isSafeInteger(value) && value >= least && text.trim() !== '') return value
    const what = `${option} takes a whole number from ${least} up`
    throw new CliError({ code: 'LD2003', what, where: option, why: `it is '${text}'`, fix: 'see `ldyn demo --help`' })
  }

/** `20251122-163000`, local time. */
function stamp(now: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const date = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('')
  return `${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
}

async function run(flags: DemoFlags, context: Context): Promise<void> {
  const { join, resolve } = await import('node:path')
  const { openBackend } = await import('../backends.ts')
  const { FULL, QUICK } = await import('../demo/arms.ts')
  const { openDemo, runArms } = await import('../demo/run.ts')
  const { output, version } = context
  const started = performance.now()
  const size = flags.quick ? QUICK : FULL
  const out = resolve(flags.out ?? join('runs', `demo-${stamp(new Date())}`))

  await using backend = await openBackend(flags.backend, { threads: flags.threads })
  await using demo = await openDemo({ out, size, seed: flags.seed, backend, version, argv: process.argv.slice(2) })
  if (flags.dryRun) {
    const { estimateArms, renderEstimates } = await import('../demo/estimate.ts')
    const found = await estimateArms(demo.jobs, (what) => output.note(`… ${what}`))
    output.result('demo', { dryRun: true, arms: found }, () => renderEstimates(found))
    return
  }

  let stopped: StopSignal | undefined
  using _interrupt = context.onInterrupt((signal) => {
    stopped = signal
    output.note('stopping after this update, with a checkpoint; press Ctrl-C again to stop at once')
  })
  using progress = context.progress()
  output.note(`two runs of ${size.sftUpdates} SFT and ${size.dpoUpdates} DPO updates   ${out}`)
  const { listener } = await import('../demo/progress.ts')
  const finished = await runArms(demo.jobs, listener(progress, output), () => stopped !== undefined)
  progress.end()
  if (finished.length < demo.jobs.length) {
    output.result('demo', { out, status: 'interrupted' }, () => `${out}: stopped; what was done is on file`)
    return context.exit(INTERRUPTED[stopped ?? 'SIGINT'])
  }

  const { tell } = await import('../demo/page.ts')
  const told = await tell(finished, out, version)
  const opened = await openPage(told.page, flags, context)
  const runs = finished.map(({ arm: { name, says }, directory, seconds }) => ({ name, says, directory, seconds }))
  const seconds = (performance.now() - started) / 1000
  const result = { out, status: 'done', ...told, opened, runs, size, seed: flags.seed, seconds }
  const { render } = await import('../demo/text.ts')
  output.result('demo', result, () => render(result, (text) => output.style('bold', text)))
}

/** Opens the page where that was asked for, or where somebody is there to see it. */
async function openPage(page: string, { open }: DemoFlags, { output, env }: Context): Promise<boolean> {
  if (open === false || (open === undefined && (output.json || output.stderr.isTTY !== true))) return false
  const { openFile } = await import('../demo/open.ts')
  const opened = await openFile(page, process.platform, env)
  if (!opened && open === true) output.warn('there is no display, or nothing that opens a page: open it yourself')
  return opened
}
