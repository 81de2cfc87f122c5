/** `ldyn train`: SFT, DPO and their kin on a checkpoint while a probe set is watched, into a run directory. */
import type { Command } from 'commander'
import { configOptions, type ConfigFlags } from '../config/flags.ts'
import type { Context } from '../context.ts'
import { INTERRUPTED, type StopSignal } from '../contract/exit-codes.ts'
import { examples } from '../program.ts'

// Loaded by functions of their own: TypeScript 6.0 leaves a `.ts` ending in an `import()` that shares a function with
// `using`, and the built file would not be found.
const loadJob = () => import('../train/job.ts')
const loadEstimate = () => import('../train/estimate.ts')
const loadReport = () => import('../train/report.ts')

export interface TrainFlags extends ConfigFlags {
  readonly resume?: boolean
  readonly dryRun?: boolean
}

export function register(program: Command, context: Context): void {
  const command = configOptions(
    program.command('train').description('finetune a checkpoint in stages and watch a probe set'),
  )
    .optionsGroup('Run:')
    .option('--resume', 'go on from the last checkpoint of --out, with the settings that it began with')
    .option(
      '--dry-run',
      'measure one update and one evaluation, print what the run would take, write nothing',
    )
    .action((flags: TrainFlags) => run(flags, context))
  examples(command, [
    'ldyn train --model ./pythia --data prefs.jsonl --stages sft,dpo --probe probes.jsonl --out runs/first',
    'ldyn train --config hh.yaml --set stages.dpo.lr=1e-6 --dry-run',
    'ldyn train --out runs/first --resume',
  ])
}

async function run(flags: TrainFlags, context: Context): Promise<void> {
  const { output } = context
  const { openJob } = await loadJob()
  using progress = context.progress()
  await using opened = await openJob(flags, context, progress)
  for (const warning of opened.config.warnings) output.warn(warning)
  if (flags.dryRun) {
    const { estimate } = await import('@ldyn/lab')
    const { renderEstimate } = await loadEstimate()
    const found = await estimate(opened.job, (what) => output.note(`… ${what}`))
    output.result('train', { dryRun: true, ...found }, () => renderEstimate(found))
    return
  }
  const { shellWord } = await import('@ldyn/figures')
  const { train } = await import('@ldyn/lab')
  const { reporterOf } = await loadReport()
  let stopped: StopSignal | undefined
  using _interrupt = context.onInterrupt((signal) => {
    stopped = signal
    output.note('stopping after this update, with a checkpoint; press Ctrl-C again to stop at once')
  })
  const started = performance.now()
  output.note(opened.headline)
  const result = await train({
    ...opened.job,
    report: reporterOf(progress, output),
    shouldStop: () => stopped !== undefined,
  })
  progress.end()
  const seconds = (performance.now() - started) / 1000
  const { directory, status, steps } = result
  output.result('train', { run: directory, status, steps, seconds }, () =>
    status === 'done'
      ? `${directory}: ${steps} updates in ${seconds.toFixed(0)} s. See \`ldyn plot ${shellWord(directory)}\``
      : `${directory}: stopped. Go on with \`ldyn train --out ${shellWord(directory)} --resume\``,
  )
  if (status === 'interrupted') context.exit(INTERRUPTED[stopped ?? 'SIGINT'])
}
