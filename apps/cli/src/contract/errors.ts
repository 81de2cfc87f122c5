/**
 * What the user is told when something fails: what, where, why, fix, docs (ux.md §3.4), under a stable code.
 *
 * Errors of the packages are known by name and fields, not by class: they may come out of a worker, where the class
 * is lost, and naming the classes here would load every package before `--help` is printed.
 */
import { CODES, type ErrorCode } from './codes.ts'
import { exitOf, type ExitCode } from './exit-codes.ts'

export interface CliErrorParts {
  readonly code: ErrorCode
  readonly what: string
  /** File and line, option, config key, tensor or module path. */
  readonly where?: string
  readonly why?: string
  /** One line for each thing that the reader can do. */
  readonly fix?: string
}

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: ErrorCode
  readonly what: string
  readonly where: string
  readonly why: string
  readonly fix: string
  readonly exit: ExitCode

  constructor({ code, what, where = '', why = '', fix = '' }: CliErrorParts, options?: { cause?: unknown }) {
    super(what, options)
    this.code = code
    this.what = what
    this.where = where
    this.why = why
    this.fix = fix
    this.exit = exitOf(code)
  }
}

/** The fields that an error of ours may carry. */
interface Told {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly what?: string
  readonly where?: string
  readonly why?: string
  readonly fix?: string
  readonly path?: string
}

/** FormatError's codes (@ldyn/formats). What is not listed is a damaged file. */
const FORMAT: Readonly<Record<string, ErrorCode>> = {
  'not-found': 'LD4003',
  'missing-shard': 'LD4003',
  unreadable: 'LD5005',
  'empty-file': 'LD3201',
  'lfs-pointer': 'LD3201',
  'html-page': 'LD3201',
  'wrong-format': 'LD3201',
  'bad-magic': 'LD3201',
  truncated: 'LD3202',
  'not-utf8': 'LD3102',
  'not-json': 'LD3102',
  'half-line': 'LD3102',
  'line-too-long': 'LD3102',
  'no-space': 'LD5004',
  'not-writable': 'LD5005',
  'write-failed': 'LD5005',
}

/** ModelError's codes (@ldyn/models). What is not listed is a config that cannot be used. */
const MODEL: Readonly<Record<string, ErrorCode>> = {
  'not-found': 'LD4001',
  'unknown-architecture': 'LD3205',
  'missing-tensor': 'LD3206',
  'unexpected-tensor': 'LD3206',
  'shape-mismatch': 'LD3206',
  'no-tokenizer': 'LD3207',
  'bad-tokenizer': 'LD3207',
  'unknown-pre-tokenizer': 'LD3207',
  'bad-template': 'LD3207',
  exists: 'LD5005',
  'write-failed': 'LD5005',
}

/** RunError's codes (@ldyn/runs). What is not listed is a damaged run. */
const RUN: Readonly<Record<string, ErrorCode>> = {
  'not-a-run': 'LD4002',
  'bad-log': 'LD3103',
  'no-log': 'LD4004',
  exists: 'LD8003',
  locked: 'LD8002',
  differs: 'LD8004',
  'no-probes': 'LD2003',
  'unknown-column': 'LD2003',
  'not-a-sum': 'LD2003',
  'wrong-shape': 'LD1001',
  'no-space': 'LD5004',
  'not-writable': 'LD5005',
  'write-failed': 'LD5005',
  unreadable: 'LD5005',
}

const SYSTEM: Readonly<Record<string, Omit<CliErrorParts, 'where'>>> = {
  ENOENT: { code: 'LD4003', what: 'file or directory not found', fix: 'check the path' },
  ENOTDIR: { code: 'LD4003', what: 'part of the path is no directory', fix: 'check the path' },
  EISDIR: { code: 'LD4003', what: 'a directory was given where a file is needed', fix: 'name the file' },
  ENOSPC: {
    code: 'LD5004',
    what: 'the disk is full',
    fix: 'free some space; what was written before is intact',
  },
  EDQUOT: {
    code: 'LD5004',
    what: 'the disk quota is used up',
    fix: 'free some space; what was written before is intact',
  },
  EACCES: {
    code: 'LD5005',
    what: 'permission denied',
    fix: 'check the permissions, or choose another place',
  },
  EPERM: { code: 'LD5005', what: 'permission denied', fix: 'check the permissions, or choose another place' },
  EROFS: {
    code: 'LD5005',
    what: 'the file system is read-only',
    fix: 'choose a place that you may write to',
  },
  EMFILE: { code: 'LD5005', what: 'too many open files', fix: 'raise the limit (ulimit -n)' },
  ERR_WORKER_OUT_OF_MEMORY: {
    code: 'LD5002',
    what: 'the computing thread ran out of memory',
    fix: 'use a smaller batch, shorter sequences or fewer probes',
  },
}

const NO_MEMORY =
  /array buffer allocation failed|invalid (typed )?array (buffer )?length|bad_alloc|failed to allocate|out of memory|heap limit/i

/**
 * The error as the user is told it; undefined for one that is not of a known kind, which is a bug of ours.
 * Takes whatever was thrown.
 */
export function explain(error: unknown): CliError | undefined {
  if (error instanceof CliError) return error
  if (!(error instanceof Error)) return undefined
  const told = error as Told
  const { name, message, what = firstLine(message), where, why, fix } = told
  const as = (code: ErrorCode, parts: Partial<CliErrorParts> = {}): CliError =>
    new CliError({ code, what, where, why, fix, ...parts }, { cause: error })
  switch (name) {
    case 'FormatError':
      return as(FORMAT[told.code ?? ''] ?? 'LD3203')
    case 'ModelError':
      return as(MODEL[told.code ?? ''] ?? 'LD3204')
    case 'RunError':
      return as(RUN[told.code ?? ''] ?? 'LD8001')
    case 'DataError':
      return as(/not found$/.test(message) ? 'LD4003' : 'LD3101')
    case 'NumericalError':
    case 'NonFiniteError':
      return as('LD6001', {
        where: where ?? told.path,
        why: why ?? 'NaN or infinity is never carried on: the weights are as they were before this update',
        fix:
          fix ?? 'lower the learning rate (--lr), warm up longer (--warmup) or clip harder (--max-grad-norm)',
      })
    case 'UnsupportedError':
      return as('LD5006', { fix: 'try --backend reference, or see what `ldyn doctor` says' })
    case 'ShapeError':
    case 'TraceError':
      return as('LD3301', { where: told.path })
    case 'DeviceError':
      return NO_MEMORY.test(message)
        ? as('LD5002', { fix: SYSTEM.ERR_WORKER_OUT_OF_MEMORY.fix })
        : as('LD5003', { fix: 'run again; `ldyn doctor` checks the backend' })
  }
  const system = SYSTEM[told.code ?? '']
  if (system) return new CliError({ ...system, where: told.path, why: firstLine(message) }, { cause: error })
  if (NO_MEMORY.test(message)) {
    return new CliError(
      {
        code: 'LD5002',
        what: 'out of memory',
        why: firstLine(message),
        fix: SYSTEM.ERR_WORKER_OUT_OF_MEMORY.fix,
      },
      { cause: error },
    )
  }
  return undefined
}

const firstLine = (text: string): string => text.split('\n', 1)[0]

/** How a piece of the message is coloured; without colour both return their text. */
export interface ErrorPaint {
  readonly label: (text: string) => string
  readonly dim: (text: string) => string
}

const plain: ErrorPaint = { label: (text) => text, dim: (text) => text }

/**
 * The message for the terminal, its parts aligned; ends without a newline. Parts that are not known are left out, save
 * `docs`.
 */
export function renderError(error: CliError, { label, dim }: ErrorPaint = plain): string {
  const part = (name: string, text: string): string[] =>
    text === '' ? [] : [`  ${dim(name.padEnd(5))}  ${text.split('\n').join(`\n${' '.repeat(9)}`)}`]
  return [
    `${label(`error[${error.code}]`)} ${error.what}`,
    ...part('where', error.where),
    ...part('why', error.why),
    ...part('fix', error.fix),
    ...part('docs', `ldyn help ${error.code}`),
  ].join('\n')
}

/** The `error` of a failed `--json` answer. */
export const errorData = ({ code, what, where, why, fix }: CliError): Record<string, string> => ({
  code,
  message: what,
  where,
  why,
  hint: fix,
  docs: `ldyn help ${code}`,
})

/** Title and text of a code, for `ldyn help LDnnnn`. */
export function codeHelp(code: string): string | undefined {
  const key = code.toUpperCase() as ErrorCode
  if (!(key in CODES)) return undefined
  const { title, help } = CODES[key]
  return `${key}  ${title}  (exit code ${exitOf(key)})\n\n${help}\n`
}
