/** `ldyn kernel`: K itself. Definitions and signs: `ldyn help kernel` (help/kernel.ts). */
import { Option, type Command } from 'commander'
import { BACKEND_HELP } from '../backends.ts'
import type { Context } from '../context.ts'
import { listed, positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'
import { tokenMode } from './token-mode.ts'
import type { BlockFlags } from '../kernel/block.ts'
import type { DriftFlags, NormFlags } from '../kernel/drift.ts'
import type { GramFlags } from '../kernel/gram.ts'
import type { ProxyFlags } from '../kernel/proxy.ts'
import type { ScreenFlags } from '../kernel/screen.ts'
import type { TokensFlags } from '../kernel/tokens.ts'

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]

/** A whole number from 0, for an option. Throws CliError. */
const whole =
  (flag: string) =>
  (text: string): number => {
    const n = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(n) && n >= 0) return n
    throw new CliError({
      code: 'LD2003',
      what: `${flag} takes a whole number from 0 on`,
      where: flag,
      why: `it is '${text}'`,
    })
  }

/** What all of them take after the options of their own. */
const shared = (
  command: Command,
  { params = true, step = true }: { params?: boolean; step?: boolean } = {},
): Command => {
  if (params)
    command.option('--params <list>', 'only these parameters: paths, patterns (layers.*.attn), last:<n>')
  command.option('--out <path>', 'save the numbers: .safetensors, .npy, or a run directory')
  if (step)
    command.option('--step <n>', "step of the run that the model is of; its checkpoint's unless given", whole('--step'))
  return command
    .option('--dry-run', 'begin, measure, print the memory and time that all would take, write nothing')
    .option('--backend <name>', BACKEND_HELP, 'onnx')
    .option('--threads <n>', 'threads that compute', positive('--threads'))
    .addOption(tokenMode())
    .option('--max-length <n>', "longest prompt and response; the model's context unless given", positive('--max-length'))
    .addOption(
      new Option('--overflow <what>', 'what becomes of a longer one')
        .choices(['error', 'truncate', 'drop'])
        .default('error'),
    )
}

const probes = (command: Command, required = true): Command => {
  if (required) command.requiredOption('--probe <file>', 'probe set (ldyn help data)')
  else command.option('--probe <file>', 'probe set (ldyn help data)')
  return command
    .option('--limit <n>', 'rows, from the first', positive('--limit'))
    .option('--types <list>', 'response types; all that the file has unless given', listed)
}

const per = (): Option =>
  new Option('--per <what>', 'gradients of Σ log π, or of its mean over tokens').choices(['response', 'token']).default('response')

export function register(program: Command, context: Context): void {
  const kernel = program.command('kernel').description('K itself: who moves whom, how strongly, and through which parameters')
  examples(kernel, [
    'ldyn kernel tokens --model ./pythia --update prefs.jsonl#0 --observe prefs.jsonl#1 --loss dpo',
    'ldyn kernel gram --model ./pythia --probe probes.jsonl --limit 6 --types chosen,rejected --memory 6GiB',
    'ldyn kernel screen --model ./pythia --data prefs.jsonl --run runs/first',
  ])
  const model = '--model <path>'
  const modelHelp = 'Hugging Face directory or .gguf file'

  const tokens = kernel
    .command('tokens')
    .description('what every token of an update does to every token of one response: C[m,l]')
    .requiredOption(model, modelHelp)
    .requiredOption('--update <file#row>', 'the row that is learned')
    .requiredOption('--observe <file#row>', 'the row that is watched')
    .option('--type <name>', 'which of its responses', 'chosen')
    .option('--loss <name>', 'loss of the update (ldyn help losses)', 'dpo')
    .option('--lr <x>', 'rate of the gradient step; C is linear in it', '1e-6')
    .option('--beta <x>', 'β of preference losses')
    .option('--set <key=value>', 'any other setting of the loss', collect)
  shared(tokens).action(async (flags: TokensFlags) => {
    const { kernelTokens } = await import('../kernel/tokens.ts')
    await kernelTokens(flags, context)
  })
  examples(tokens, [
    'ldyn kernel tokens --model ./pythia --update prefs.jsonl#0 --observe prefs.jsonl#0 --type rejected --loss dpo',
    'ldyn kernel tokens --model ./pythia --update data.jsonl#3 --observe data.jsonl#4 --loss sft --params last:2 --json',
  ])

  const block = kernel
    .command('block')
    .description('the V×V kernel between one observed and one update token: spectrum, norm, entries')
    .requiredOption(model, modelHelp)
    .requiredOption('--update <file#row>', 'the row that is learned')
    .requiredOption('--observe <file#row>', 'the row that is watched')
    .option('--type <name>', 'observed response', 'chosen')
    .option('--update-type <name>', 'update response', 'chosen')
    .option('--token <m>', 'observed token, from 0', whole('--token'), 0)
    .option('--update-token <l>', 'update token, from 0', whole('--update-token'), 0)
    .option('--top <n>', 'most probable entries shown of each side', positive('--top'), 4)
    .option('--exact', 'also make all V² entries and compare (small vocabularies)')
  shared(block).action(async (flags: BlockFlags) => {
    const { kernelBlock } = await import('../kernel/block.ts')
    await kernelBlock(flags, context)
  })
  examples(block, [
    'ldyn kernel block --model ./pythia --update prefs.jsonl#0 --observe prefs.jsonl#1 --token 2 --update-token 5',
  ])

  const gram = probes(
    kernel
      .command('gram')
      .description('⟨∇log π_i, ∇log π_j⟩ over probe responses, streamed under a memory budget')
      .requiredOption(model, modelHelp),
  )
    .addOption(per())
    .option('--memory <amount>', 'gradients held at once, as in 4GiB', '4GiB')
    .option('--sketch <k>', 'keep k random numbers of each gradient; every entry gets a standard error', positive('--sketch'))
    .option('--seed <n>', 'of the sketch', whole('--seed'), 0)
  shared(gram).action(async (flags: GramFlags) => {
    const { kernelGram } = await import('../kernel/gram.ts')
    await kernelGram(flags, context)
  })
  examples(gram, [
    'ldyn kernel gram --model ./pythia --probe probes.jsonl --limit 4 --memory 8GiB --out gram.safetensors',
    'ldyn kernel gram --model ./pythia --probe probes.jsonl --types chosen --params last:2',
  ])

  const norm = probes(
    kernel
      .command('norm')
      .description('‖K‖_F between probe responses and traces, by random vectors, with standard errors')
      .requiredOption(model, modelHelp),
  )
    .option('--draws <n>', 'random vectors', positive('--draws'), 8)
    .option('--centred', 'without what moves all logits alike, which no probability feels')
    .option('--seed <n>', 'of the vectors', whole('--seed'), 0)
  shared(norm).action(async (flags: NormFlags) => {
    const { kernelNorm } = await import('../kernel/drift.ts')
    await kernelNorm(flags, context)
  })
  examples(norm, ['ldyn kernel norm --model ./pythia --probe probes.jsonl --limit 1 --types chosen,rejected --draws 16'])

  const drift = probes(
    kernel
      .command('drift')
      .description('how the kernel changed from checkpoint to checkpoint, and whether it ranks probes alike')
      .requiredOption('--model <path...>', 'checkpoints in the order of training'),
  )
    .addOption(per())
    .option('--memory <amount>', 'gradients held at once, as in 4GiB', '4GiB')
    .option('--draws <n>', 'random vectors for ‖K_ou‖_F too; 0: none', whole('--draws'), 0)
    .option('--seed <n>', 'of the vectors', whole('--seed'), 0)
  shared(drift, { step: false }).action(async (flags: DriftFlags) => {
    const { kernelDrift } = await import('../kernel/drift.ts')
    await kernelDrift(flags, context)
  })
  examples(drift, ['ldyn kernel drift --model base runs/a/checkpoints/* --probe probes.jsonl --limit 8 --types chosen'])

  const proxy = probes(
    kernel
      .command('proxy [run]')
      .description("the paper's LBK and SignDelta: as defined between two checkpoints, as published for a run")
      .option('--from <path>', 'checkpoint before')
      .option('--to <path>', 'checkpoint after')
      .option('--update <file#row>', 'the example that was learned in between')
      .option('--update-type <name>', 'and which of its responses', 'chosen'),
    false,
  ).option('--runs-dir <dir>', 'where runs are', 'runs')
  shared(proxy, { params: false, step: false }).action(async (run: string | undefined, flags: ProxyFlags) => {
    const { kernelProxy } = await import('../kernel/proxy.ts')
    await kernelProxy(run, flags, context)
  })
  examples(proxy, [
    'ldyn kernel proxy runs/first',
    'ldyn kernel proxy --from base --to tuned --probe probes.jsonl --limit 8 --update data.jsonl#0',
  ])

  const screen = kernel
    .command('screen')
    .description('which preference pairs will push their own y⁺ down: CHES and others, before training')
    .requiredOption(model, modelHelp)
    .requiredOption('--data <file>', 'preference pairs (ldyn help data)')
    .option('--limit <n>', 'rows, from the first', positive('--limit'))
    .option('--by <score>', 'order of the list', 'ln_ches')
    .option('--top <n>', 'pairs listed', positive('--top'), 10)
    .option('--run <run>', 'a run that watched these pairs: how well scores ranked what it did')
    .option('--stage <name>', 'only that stage of the run')
    .option('--runs-dir <dir>', 'where runs are', 'runs')
    .option('--jsonl', 'one JSON line a pair')
  shared(screen, { params: false }).action(async (flags: ScreenFlags) => {
    const { kernelScreen } = await import('../kernel/screen.ts')
    await kernelScreen(flags, context)
  })
  examples(screen, [
    'ldyn kernel screen --model ./pythia --data prefs.jsonl --top 20 --out scores.safetensors',
    'ldyn kernel screen --model ./pythia --data probes.jsonl --run runs/first --stage dpo --json',
  ])
}
