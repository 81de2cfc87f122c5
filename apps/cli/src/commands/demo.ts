/** `ldyn demo`: what finetuning does, shown on an embedded model. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'

export interface DemoFlags {
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
    .option('--seed <n>', 'order of the data, and which other answers are watched', whole('--seed', 0), 0)
    .option('--quick', 'a few updates only: shows that everything works, and no effect')
    .option('--dry-run', 'measure one update and one evaluation, print what the demo would take, write nothing')
    .option('--backend <name>', 'what computes (ldyn doctor lists them)', 'onnx')
    .option('--threads <n>', 'threads that compute', whole('--threads', 1))
    .action(async (flags: DemoFlags) => (await import('../demo/demo.ts')).demo(flags, context))
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
