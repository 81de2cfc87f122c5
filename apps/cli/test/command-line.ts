// A command line as a test runs it: as `main` does, with what is printed kept, and errors thrown.
import type { Context } from '../src/context.ts'
import type { CliError } from '../src/contract/errors.ts'
import type { ExitCode } from '../src/contract/exit-codes.ts'
import { createOutput } from '../src/contract/output.ts'
import { createProgram } from '../src/program.ts'

export interface Said {
  readonly out: string
  readonly err: string
  readonly code: ExitCode
}

interface Settings {
  readonly env?: Context['env']
  /** Of the terminal. */
  readonly columns?: number
}

/** `ldyn <argv>` with these commands alone. Nothing in such a test takes long enough for a progress bar. */
export const commandLine =
  (
    commands: Parameters<typeof createProgram>[1],
    { env = { LANG: 'C.UTF-8' }, columns = 80 }: Settings = {},
  ) =>
  async (...argv: readonly string[]): Promise<Said> => {
    const said = { out: '', err: '', code: 0 as ExitCode }
    const context: Context = {
      options: { color: 'never', progress: 'auto' },
      output: createOutput({
        stdout: { write: text => void (said.out += text) },
        stderr: { write: text => void (said.err += text), columns },
        env: {},
        json: argv.includes('--json'),
      }),
      env,
      version: '0.1.0',
      progress: () => {
        throw new Error('nothing here takes long')
      },
      onInterrupt: () => ({ [Symbol.dispose]() {} }),
      exit: code => void (said.code = code),
    }
    await createProgram(context, commands).parseAsync([...argv], { from: 'user' })
    return said
  }

/** The error that it ends with: ours, or one of a package that has the same fields. */
export const failureOf = (running: Promise<unknown>): Promise<CliError> =>
  running.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: CliError) => error,
  )
