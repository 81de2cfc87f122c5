/**
 * The commander program with what all commands share: global options, help that leads with examples, and errors that
 * are thrown rather than printed, so that `main` renders them all in one form.
 */
import { Command, CommanderError, Option } from 'commander'
import type { Context } from './context.ts'
import { CliError } from './contract/errors.ts'
import { nearest } from './contract/nearest.ts'
import { PROGRESS_MODES } from './progress/reporter.ts'
import type { CommandModule } from './commands/index.ts'

const EXAMPLES = [
  'ldyn demo                                            # a minute and a half: what finetuning does, on an embedded model',
  'ldyn observe --model ./pythia --probe probes.jsonl   # log-probs of every kind of response under a checkpoint',
  'ldyn train --model ./pythia --data prefs.jsonl --stages sft,dpo --probe probes.jsonl --out runs/first',
]

/** What `ldyn` alone says. */
export const INTRODUCTION = `ldyn shows what finetuning does to a language model: how log π(y|x) moves for every kind of response.

${EXAMPLES.map((example) => `  $ ${example}`).join('\n')}

All commands: ldyn --help      Topics: ldyn help      Which backends are here: ldyn doctor
`

/** Puts examples before a command's own help. */
export function examples(command: Command, lines: readonly string[]): Command {
  const help = command.helpInformation.bind(command)
  command.helpInformation = (context) =>
    `Examples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n\n${help(context)}`
  return command
}

export function createProgram(context: Context, commands: readonly CommandModule[]): Command {
  const program = new Command('ldyn')
    .description('Measure, explain and predict the learning dynamics of LLM finetuning.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.output.text(text),
      writeErr: () => {},
      outputError: () => {},
    })
    .showSuggestionAfterError(true)
    .helpCommand(false)
    .helpOption('-h, --help', 'show help')
    .version(context.version, '-V, --version', 'print the version')
    .optionsGroup('Options of every command:')
    .option('--json', 'print one JSON object on stdout')
    .option('-q, --quiet', 'say only what matters')
    .option('-v, --verbose', 'say more')
    .option('--debug', 'show the stack of an unexpected error')
    .addOption(new Option('--color <when>', 'colour').choices(['auto', 'always', 'never']).default('auto'))
    .addOption(
      new Option('--progress <form>', 'how progress is shown on stderr')
        .choices([...PROGRESS_MODES])
        .default('auto'),
    )
    .option('--log-file <path>', 'append all that goes to stderr to this file')
  program.configureHelp({ showGlobalOptions: false, sortSubcommands: false })
  for (const { register } of commands) register(program, context)
  return program
}

/** The full name of the command that a command line asks for: `model export`; '' for none. */
export function commandName(program: Command, argv: readonly string[]): string {
  const names: string[] = []
  let at: Command = program
  for (const word of argv) {
    const next = at.commands.find((c) => c.name() === word || c.aliases().includes(word))
    if (!next) continue
    names.push(next.name())
    at = next
  }
  return names.join(' ')
}

const USAGE = {
  'commander.unknownCommand': 'LD2001',
  'commander.unknownOption': 'LD2002',
  'commander.conflictingOption': 'LD2004',
} as const

/** What people look for who know other tools, or the paper's words: where it is here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  compare: '`ldyn plot A B` draws runs over each other, `ldyn view` compares them, `ldyn explain --from A --to B` says why',
  watch: '`ldyn view` shows a run live in the browser, `ldyn plot` in the terminal',
  influence: '`ldyn explain` says what an update did to each response, `ldyn kernel` who moves whom',
  sft: '`ldyn train --stages sft`',
  dpo: '`ldyn train --stages sft,dpo`',
  ls: '`ldyn runs ls`',
}

/** Options as Hugging Face's trainers call them. */
const CALLED: Readonly<Record<string, string>> = {
  '--learning-rate': '--lr',
  '--output-dir': '--out',
  '--max-steps': '--updates',
  '--model-name-or-path': '--model',
  '--dataset-name': '--data',
  '--eval-steps': '--every',
}

/** The known option that a word is nearest to, by its own name or by one that it has elsewhere. */
const nearestOption = (word: string, known: readonly string[]): string | undefined => {
  const others = Object.keys(CALLED).filter((name) => known.includes(CALLED[name]))
  const found = nearest(word.replaceAll('_', '-'), [...known, ...others])
  return found === undefined ? undefined : (CALLED[found] ?? found)
}

/** Commander's complaint as ours; undefined where it only says that help or the version was shown. */
export function usageError(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
): CliError | undefined {
  if (error.exitCode === 0) return undefined
  const name = commandName(program, argv)
  const command = commandAt(program, name)
  if (error.code === 'commander.help') return incomplete(command, name)
  const full = name === '' ? 'ldyn' : `ldyn ${name}`
  const help = `see \`${full} --help\``
  const mistyped =
    error.code === 'commander.missingMandatoryOptionValue' ? unknownOption(program, command, argv) : undefined
  if (mistyped) {
    const fix = mistyped.near === undefined ? help : `did you mean ${mistyped.near}?\nor ${help}`
    return new CliError({ code: 'LD2002', what: `unknown option '${mistyped.word}'`, where: full, fix })
  }
  const [first, ...rest] = error.message.replace(/^error: /, '').split('\n')
  const [, word = ''] = /^unknown (?:command|option) '([^']*)'/.exec(first) ?? []
  const [, offered] = /^\(D(id you mean .*)\)$/.exec(rest.join(' ').trim()) ?? []
  const near = word.startsWith('--') ? nearestOption(word, optionsOf(program, command)) : undefined
  const suggestion = offered ?? (near === undefined ? undefined : `id you mean ${near}?`)
  const elsewhere = name === '' ? ELSEWHERE[word] : undefined
  return new CliError({
    code: USAGE[error.code as keyof typeof USAGE] ?? 'LD2003',
    what: first.replace(/\.$/, ''),
    where: full,
    fix: elsewhere ?? (suggestion === undefined ? help : `d${suggestion}\nor ${help}`),
  })
}

const commandAt = (program: Command, name: string): Command =>
  name.split(' ').reduce((at, word) => at.commands.find((c) => c.name() === word) ?? at, program)

const optionsOf = (program: Command, command: Command): readonly string[] =>
  [...command.options, ...program.options].flatMap(({ long }) => (long ? [long] : []))

/** Commander asks for a missing option before it says that its name was mistyped. */
function unknownOption(
  program: Command,
  command: Command,
  argv: readonly string[],
): { word: string; near?: string } | undefined {
  const known = optionsOf(program, command)
  const word = argv
    .map((text) => text.split('=')[0])
    .find((text) => /^--[a-z]/.test(text) && !known.includes(text))
  return word === undefined ? undefined : { word, near: nearestOption(word, known) }
}

/** `ldyn model` alone: a command that only groups others. */
const incomplete = (group: Command, name: string): CliError =>
  new CliError({
    code: 'LD2003',
    what: `${name} does not say what to do`,
    where: `ldyn ${name}`,
    fix: `give one of ${group.commands.map((c) => c.name()).join(', ')}\nor see \`ldyn ${name} --help\``,
  })
