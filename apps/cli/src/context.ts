/**
 * What a command is given beside its arguments. One is made per process; its options are settled when the command line
 * has been parsed, before any action runs.
 */
import type { ExitCode, StopSignal } from './contract/exit-codes.ts'
import type { Output } from './contract/output.ts'
import type { ProgressMode, Reporter } from './progress/reporter.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly debug?: boolean
  readonly color: 'auto' | 'always' | 'never'
  readonly progress: ProgressMode
  readonly logFile?: string
}

export interface Context {
  readonly options: GlobalOptions
  readonly output: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** A renderer of progress as --progress asks; use it with `using`, so that the last line is finished. */
  progress(): Reporter
  /** At the first Ctrl-C or SIGTERM calls `stop`; at the second the process ends. Dispose of it when done. */
  onInterrupt(stop: (signal: StopSignal) => void): Disposable
  /** Sets the exit code of a command that ends without an error: 7 for a failed check, 130 when it was stopped. */
  exit(code: ExitCode): void
}
