/** `ldyn verify`: whether backends agree on a model, a probe set and one update. Exit code 7 where they do not. */
import { Option, type Command } from 'commander'
import { BACKEND_HELP } from '../backends.ts'
import type { Context } from '../context.ts'
import { aboveZero, listed, positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'
import type { VerifyRequest } from '../verify/verify.ts'

// See doctor.ts for why these are functions of their own.
const loadVerify = () => import('../verify/verify.ts')
const loadTable = () => import('../verify/table.ts')

type VerifyFlags = Omit<VerifyRequest, 'progress' | 'warn'>

export function register(program: Command, context: Context): void {
  const command = program
    .command('verify')
    .description('the same evaluation and update on several backends: do they agree?')
    .option('--backends <list>', `two or more, the first is the measure (${BACKEND_HELP})`, listed, ['reference', 'onnx'])
    .option('--model <path>', 'Hugging Face directory or .gguf file; the embedded model unless given')
    .option('--probe <file>', 'probe set with chosen and rejected responses; embedded rows unless given')
    .option('--limit <n>', 'probe rows, from the first', positive('--limit'), 4)
    .option('--types <list>', 'response types; all that the file has unless given', listed)
    .option('--update <n>', 'rows of the probe set in the update', positive('--update'), 2)
    .addOption(new Option('--loss <name>', 'loss of the update').choices(['dpo', 'sft']).default('dpo'))
    .option('--lr <rate>', 'learning rate of the update (plain SGD)', aboveZero('--lr'), 1e-4)
    .option('--tolerance <x>', 'largest deviation that passes (ldyn help backends)', aboveZero('--tolerance'), 2e-3)
    .option('--layers', 'also the gradient of every parameter', false)
    .option('--trace', 'look for the first op that is off, even where all agree', false)
    .option('--threads <n>', 'threads that compute', positive('--threads'))
    .action((flags: VerifyFlags) => run(flags, context))
  examples(command, [
    'ldyn verify --backends onnx,webgpu,tfjs',
    'ldyn verify --backends onnx,tfjs:node --model ./pythia --probe probes.jsonl --limit 8 --layers',
  ])
}

async function run(flags: VerifyFlags, context: Context): Promise<void> {
  const { output } = context
  if (flags.backends.length < 2) {
    throw new CliError({
      code: 'LD2003',
      what: '--backends takes two or more',
      where: '--backends',
      fix: 'as in --backends onnx,tfjs; `ldyn doctor` says which are here',
    })
  }
  const { verifyBackends } = await loadVerify()
  const { renderVerdict } = await loadTable()
  using progress = context.progress()
  const verdict = await verifyBackends({ ...flags, progress, warn: (text) => output.warn(text) })
  progress.end()
  output.result('verify', verdict, () => renderVerdict(verdict, output))
  if (!verdict.agrees) context.exit(7)
}
