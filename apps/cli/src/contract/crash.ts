/**
 * The report of an unexpected error: command line, versions and stack, and nothing that the user's files hold. It lies
 * in the system's folder for temporary files, where it is found again and cannot be in the way.
 */
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Crash {
  readonly error: unknown
  readonly argv: readonly string[]
  readonly version: string
  readonly now: Date
}

/** The text of the report. */
export function crashReport({ error, argv, version, now }: Crash): string {
  const stacks: string[] = []
  for (
    let at = error;
    at !== undefined && stacks.length < 5;
    at = at instanceof Error ? at.cause : undefined
  ) {
    stacks.push(at instanceof Error ? (at.stack ?? String(at)) : String(at))
  }
  return [
    `ldyn ${version}, node ${process.version}, ${process.platform} ${process.arch}`,
    now.toISOString(),
    `argv ${JSON.stringify(argv)}`,
    '',
    stacks.join('\ncaused by\n'),
    '',
  ].join('\n')
}

/** Saves the report and returns its path; undefined where it cannot be written. */
export function saveCrash(crash: Crash, directory: string = tmpdir()): string | undefined {
  const path = join(
    directory,
    `ldyn-crash-${crash.now.toISOString().replace(/[:.]/g, '-')}-${process.pid}.txt`,
  )
  try {
    writeFileSync(path, crashReport(crash), { flag: 'wx', mode: 0o600 })
    return path
  } catch {
    return undefined
  }
}
