/** `ldyn probe`: make a probe set, look it over, and show what the model sees of it. */
import type { Command } from 'commander'
import { BACKEND_HELP } from '../backends.ts'
import type { Context } from '../context.ts'
import { positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'
import type { MakeRequest } from '../probes/make.ts'
import { tokenMode } from './token-mode.ts'

// See doctor.ts for why these are functions of their own.
const loadMake = () => import('../probes/make.ts')
const loadLook = () => import('../probes/look.ts')

interface LookFlags {
  readonly model?: string
  readonly maxLength?: number
  readonly limit?: number
  readonly tokens?: boolean
  readonly row?: number
  readonly tokenMode: 'separate' | 'joint' | 'paper'
}

const whole =
  (flag: string) =>
  (text: string): number => {
    const n = Number(text)
    if (Number.isInteger(n) && n >= 0) return n
    throw new CliError({
      code: 'LD2003',
      what: `${flag} takes a whole number`,
      where: flag,
      why: `it is '${text}'`,
    })
  }
const heat = (text: string): number => {
  const n = Number(text)
  if (text.trim() !== '' && Number.isFinite(n) && n >= 0) return n
  throw new CliError({
    code: 'LD2003',
    what: '--temperature takes a number of 0 or more',
    where: '--temperature',
    why: `it is '${text}'`,
  })
}

export function register(program: Command, context: Context): void {
  const probe = program
    .command('probe')
    .description('probe sets: make one, look it over, show what the model sees')
  examples(probe, [
    'ldyn probe make --data prefs.jsonl --rows 100 --model ./pythia --out probes.jsonl',
    'ldyn probe check probes.jsonl --model ./pythia',
    'ldyn probe show probes.jsonl --model ./pythia --tokens --row 3',
  ])

  probe
    .command('make')
    .description(
      'build response types from preference pairs: other answers, word permutations, and what the model says itself',
    )
    .requiredOption('--data <file>', 'preference pairs')
    .requiredOption('--out <file.jsonl>', 'probe set to write')
    .option('--rows <n>', 'rows, from the first; the rest gives held-out answers', positive('--rows'), 500)
    .option('--held-out <file>', 'pairs that are never trained on, for irr_test and random_nonhum')
    .option('--model <path>', 'sample chosen_initial from this model')
    .option('--max-tokens <n>', 'longest sample', positive('--max-tokens'), 128)
    .option('--temperature <t>', 'of the samples; 0 is greedy', heat, 1)
    .option(
      '--rephrased <file>',
      'JSONL of rows with further types (chosen_gptsemantic, …), one for each row in order',
    )
    .option('--seed <n>', 'equal seeds give equal sets', whole('--seed'), 0)
    .option('--backend <name>', BACKEND_HELP, 'onnx')
    .option('--threads <n>', 'threads that compute', positive('--threads'))
    .option('--force', 'replace the file if it is there')
    .action(async (flags: MakeRequest) => {
      const { makeProbeSet } = await loadMake()
      using progress = context.progress()
      const made = await makeProbeSet(flags, progress)
      progress.end()
      context.output.result(
        'probe make',
        made,
        () => `${made.out}: ${made.rows} rows; ${made.types.join(', ')}`,
      )
    })

  probe
    .command('check <file>')
    .description('find empty, duplicate, truncated and wrong-language rows; exit code 7 if there are any')
    .option('--model <path>', 'also check lengths with its tokenizer')
    .option('--max-length <n>', 'longest prompt and response together', positive('--max-length'))
    .addOption(tokenMode())
    .action(async (file: string, flags: LookFlags) => {
      const { checkFile } = await loadLook()
      const { rows, findings } = await checkFile(file, flags)
      context.output.result('probe check', { file, rows, findings }, () =>
        findings.length === 0
          ? `${file}: ${rows} rows, nothing found`
          : [
              ...findings.map((f) => `${f.where}  ${f.kind.padEnd(11)}  ${f.message}`),
              `${findings.length} findings in ${rows} rows`,
            ].join('\n'),
      )
      if (findings.length > 0) context.exit(7)
    })

  probe
    .command('show <file>')
    .description('print rows as they were read; with --tokens exactly the ids that the model sees')
    .option('--model <path>', 'whose tokenizer (needed for --tokens and conversations)')
    .option('--tokens', 'ids and pieces of prompt and responses')
    .option('--row <n>', 'this row alone', whole('--row'))
    .option('--limit <n>', 'rows, from the first', positive('--limit'))
    .option('--max-length <n>', 'longest prompt and response together', positive('--max-length'))
    .addOption(tokenMode())
    .action(async (file: string, flags: LookFlags) => {
      const { renderRows, showRows } = await loadLook()
      const rows = await showRows(file, flags)
      context.output.result('probe show', rows, () => renderRows(rows, context.output))
    })
}
