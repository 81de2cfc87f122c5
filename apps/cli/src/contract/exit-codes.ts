/**
 * What the shell learns from a run of `ldyn` (ux.md §3.4). The thousands digit of every error code `LDnnnn` is the
 * exit code that goes with it, so that a script which saw one knows the other.
 */

export const EXIT_CODES = {
  0: 'ok',
  1: 'unexpected: a bug of ldyn; a crash report was saved',
  2: 'usage: unknown command, bad flag, missing argument',
  3: 'config or data invalid',
  4: 'not found: model, data, run, checkpoint, file',
  5: 'device or resource: no such backend, out of memory, disk full, not writable',
  6: 'numerical: a number that is not finite',
  7: 'check failed: verify, compare --fail-on',
  8: 'storage: a run directory is damaged, or another process writes it',
  130: 'interrupted by Ctrl-C (SIGINT); what was finished is on file',
  143: 'terminated (SIGTERM); what was finished is on file',
} as const

export type ExitCode = keyof typeof EXIT_CODES

export const INTERRUPTED = { SIGINT: 130, SIGTERM: 143 } as const satisfies Record<string, ExitCode>
export type StopSignal = keyof typeof INTERRUPTED

/** The exit code in an error code: LD3102 → 3. Throws RangeError for a code of no known class. */
export function exitOf(code: string): ExitCode {
  const digit = Number(/^LD([1-8])\d{3}$/.exec(code)?.[1])
  if (!(digit in EXIT_CODES)) throw new RangeError(`error code ${code} names no exit code`)
  return digit as ExitCode
}
