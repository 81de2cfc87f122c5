/**
 * Where words go (ux.md §3.4): stdout carries the result and nothing else, stderr everything said along the way.
 * `--json` prints one object {schema, ok, command, data, warnings}; the forms that others script against
 * (contracts.md §4) are printed as they are.
 */
import { styleText } from 'node:util'
import { errorData, renderError, type CliError } from './errors.ts'

const SCHEMA = 'ldyn.cli/1'

export type ColourMode = 'auto' | 'always' | 'never'
export type Style = Parameters<typeof styleText>[0]

/** What Output needs of a stream: process.stdout, or a test's. */
export interface TextStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface OutputOptions {
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** One object on stdout, or (`jsonl`) one a line; errors then go to stdout as well as to stderr. */
  readonly json?: boolean
  readonly jsonl?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly colour?: ColourMode
}

export interface Output {
  readonly json: boolean
  readonly jsonl: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly stderr: TextStream
  /** The command's one result: `data` in the envelope under --json, what `human` returns otherwise. */
  result(command: string, data: unknown, human: () => string): void
  /** One line of a fixed form: the object as JSON on stdout. */
  line(value: object): void
  /** Text of the result on stdout, as it is. */
  text(text: string): void
  /** To stderr, and into the envelope's `warnings`. */
  warn(text: string): void
  /** To stderr unless --quiet. */
  note(text: string): void
  /** To stderr with --verbose. */
  detail(text: string): void
  /** The failure: text to stderr, and the envelope to stdout under --json or --jsonl. */
  fail(command: string, error: CliError): void
  /** `text` coloured for a stream, where that stream takes colour. */
  style(format: Style, text: string, stream?: 'stdout' | 'stderr'): string
}

/** Whether a stream is given colour. NO_COLOR and FORCE_COLOR as on no-color.org and in Node. */
export function takesColour(mode: ColourMode, env: OutputOptions['env'], stream: TextStream): boolean {
  if (mode !== 'auto') return mode === 'always'
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

const line = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`)

export function createOutput(options: OutputOptions): Output {
  const {
    stdout,
    stderr,
    env,
    json = false,
    jsonl = false,
    quiet = false,
    verbose = false,
    colour = 'auto',
  } = options
  const warnings: string[] = []
  const style = (format: Style, text: string, to: 'stdout' | 'stderr' = 'stdout'): string =>
    takesColour(colour, env, to === 'stdout' ? stdout : stderr)
      ? styleText(format, text, { validateStream: false })
      : text
  const envelope = (ok: boolean, command: string, rest: object): string =>
    line(JSON.stringify({ schema: SCHEMA, ok, command, ...rest, warnings }))
  return {
    json,
    jsonl,
    quiet,
    verbose,
    stderr,
    style,
    result(command, data, human) {
      stdout.write(json ? envelope(true, command, { data }) : line(human()))
    },
    line: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    text: (text) => void stdout.write(line(text)),
    warn(text) {
      warnings.push(text)
      stderr.write(`${style('yellow', 'warn', 'stderr')}   ${line(text)}`)
    },
    note: (text) => void (quiet || stderr.write(line(text))),
    detail: (text) => void (verbose && stderr.write(line(text))),
    fail(command, error) {
      if (json || jsonl) stdout.write(envelope(false, command, { error: errorData(error) }))
      const label = (text: string): string => style(['red', 'bold'], text, 'stderr')
      const dim = (text: string): string => style('dim', text, 'stderr')
      stderr.write(line(renderError(error, { label, dim })))
    },
  }
}
