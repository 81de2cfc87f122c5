/**
 * `ldyn`: reads the command line, runs the command, and turns whatever goes wrong into one clear message and an exit
 * code. stdout is the result, stderr the rest (ux.md §3.4). This is the only module that touches `process`.
 */
import { readFileSync } from 'node:fs'
import { CommanderError, type Command } from 'commander'
import { commands } from './commands/index.ts'
import type { Context, GlobalOptions } from './context.ts'
import { saveCrash } from './contract/crash.ts'
import { CliError, explain } from './contract/errors.ts'
import type { ExitCode } from './contract/exit-codes.ts'
import { createOutput, type Output, type TextStream } from './contract/output.ts'
import { onInterrupt } from './contract/signals.ts'
import { speaksUtf8 } from './contract/utf8.ts'
import { commandName, createProgram, INTRODUCTION, usageError } from './program.ts'
import { createTerminal } from './progress/terminal.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const flush = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => stream.write('', () => resolve()))

/** Waits until what was written is out, then ends the process: a backend's threads would keep it alive. */
async function quit(code: number): Promise<never> {
  await Promise.all([flush(process.stdout), flush(process.stderr)])
  process.exit(code)
}

/** `ldyn … | head` closes our stdout early; that is no failure. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

/** The output as the options say; before they are parsed, as far as the bare words show. */
function outputOf(options: Partial<GlobalOptions> & { jsonl?: boolean }, stderr: TextStream): Output {
  const { stdout, env } = process
  return createOutput({
    stdout,
    stderr,
    env,
    json: options.json,
    jsonl: options.jsonl,
    quiet: options.quiet,
    verbose: options.verbose,
    colour: options.color,
  })
}

async function main(argv: readonly string[]): Promise<ExitCode> {
  let options: GlobalOptions = { color: 'auto', progress: 'auto', debug: argv.includes('--debug') }
  let terminal = createTerminal(process.stderr)
  let output = outputOf({ json: argv.includes('--json'), jsonl: argv.includes('--jsonl') }, terminal.stream)
  let code: ExitCode = 0
  const context: Context = {
    get options() {
      return options
    },
    get output() {
      return output
    },
    env: process.env,
    version,
    progress: () =>
      terminal.progress(options.quiet ? 'none' : options.progress, {
        ascii: !speaksUtf8(process.env),
        style: (format, text) => output.style(format, text, 'stderr'),
      }),
    onInterrupt: (stop) => onInterrupt(process, stop, (n) => process.exit(n)),
    exit: (n) => void (code = n),
  }
  const program = createProgram(context, commands)
  program.hook('preAction', (_program: Command, action: Command) => {
    options = action.optsWithGlobals<GlobalOptions>()
    terminal = createTerminal(process.stderr, options.logFile)
    output = outputOf(options, terminal.stream)
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    const command = commandName(program, argv)
    if (error instanceof CommanderError && error.code === 'commander.help' && command === '') {
      output.text(INTRODUCTION)
      return 0
    }
    const known =
      error instanceof CommanderError
        ? usageError(error, program, argv)
        : (explain(error) ?? unexpected(error, argv))
    if (!known) return 0
    output.fail(command, known)
    if (options.debug) output.stderr.write(`${stackOf(error)}\n`)
    return known.exit
  }
}

function unexpected(error: unknown, argv: readonly string[]): CliError {
  const path = saveCrash({ error, argv, version, now: new Date() })
  return new CliError(
    {
      code: 'LD1001',
      what: `unexpected error: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`,
      where: path ?? '',
      fix: 'this is a bug: please report it with that file (command line, versions and stack; none of your data)',
    },
    { cause: error },
  )
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack}${error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`}`
}

await quit(await main(process.argv.slice(2)))
