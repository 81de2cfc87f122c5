/** `ldyn observe`: what one or more checkpoints think of every response of a probe set. Output: contracts.md §4. */
import { Option, type Command } from 'commander'
import { BACKEND_HELP } from '../backends.ts'
import type { Context } from '../context.ts'
import { listed, positive } from '../contract/arguments.ts'
import { examples } from '../program.ts'
import { tokenMode } from './token-mode.ts'
import type { Observation } from '../observe/observe.ts'

// See doctor.ts for why these are functions of their own.
const loadObserve = () => import('../observe/observe.ts')
const loadTable = () => import('../observe/table.ts')
const loadBackends = () => import('../backends.ts')

interface ObserveFlags {
  readonly model: readonly string[]
  readonly probe: string
  readonly backend: string
  readonly threads?: number
  readonly limit?: number
  readonly types?: readonly string[]
  readonly tokens?: boolean
  readonly bands?: boolean
  readonly jsonl?: boolean
  readonly tokenMode: 'separate' | 'joint' | 'paper'
  readonly maxLength?: number
  readonly overflow: 'error' | 'truncate' | 'drop'
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('observe')
    .description('log-probs and more of every probe response under one or more checkpoints')
    .requiredOption('--model <path...>', 'Hugging Face directories or .gguf files')
    .requiredOption('--probe <file>', 'probe set (ldyn help data)')
    .option('--limit <n>', 'rows, from the first', positive('--limit'))
    .option('--types <list>', 'response types; all that the file has unless given', listed)
    .option('--tokens', 'add the log-prob of every token')
    .option('--bands', 'add the probability of ranks 1, 2–5, 6–20, 21–100 and the rest (with --jsonl or --json)')
    .option('--jsonl', 'one JSON line a response (the form that others script against)')
    .option('--backend <name>', BACKEND_HELP, 'onnx')
    .option('--threads <n>', 'threads that compute', positive('--threads'))
    .addOption(tokenMode())
    .option(
      '--max-length <n>',
      "longest prompt and response together; the model's context unless given",
      positive('--max-length'),
    )
    .addOption(
      new Option('--overflow <what>', 'what becomes of a longer one')
        .choices(['error', 'truncate', 'drop'])
        .default('error'),
    )
    .action((flags: ObserveFlags) => run(flags, context))
  examples(command, [
    'ldyn observe --model ./pythia --probe probes.jsonl --limit 24',
    'ldyn observe --model base tuned --probe probes.jsonl --types chosen,rejected --jsonl > observed.jsonl',
  ])
}

async function run(flags: ObserveFlags, context: Context): Promise<void> {
  const { output } = context
  const { observe } = await loadObserve()
  const { averages, renderAverages } = await loadTable()
  const { openBackend } = await loadBackends()
  await using backend = await openBackend(flags.backend, { threads: flags.threads })
  using progress = context.progress()
  const all: Observation[] = []
  for (const model of flags.model) {
    const found = await observe({ ...flags, model, backend, progress, warn: (text) => output.warn(text) })
    if (flags.jsonl) for (const observation of found) output.line(observation)
    else all.push(...found)
  }
  progress.end()
  if (!flags.jsonl) output.result('observe', all, () => renderAverages(averages(all), output))
}
