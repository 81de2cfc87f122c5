/** What a simulated run says of who made it, and where it goes. */
import { basename, join, resolve } from 'node:path'
import type { About } from '@ldyn/lab'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { environmentOf } from '../train/environment.ts'
import { gitState } from '../train/git.ts'

/** `--out`, or a new directory under runs/ named by kind and time. */
export const outOf = (out: string | undefined, kind: string): string =>
  out ?? join('runs', `sim-${kind}-${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`)

export async function aboutOf(out: string, context: Context, backend: About['backend']): Promise<About> {
  return {
    id: basename(resolve(out)),
    created: new Date().toISOString(),
    argv: process.argv.slice(2),
    environment: environmentOf(context.version),
    git: await gitState(),
    backend,
  }
}

/** A RangeError of a simulation, `what it is of: what is wrong`, as the user's. */
export async function told<T>(command: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CliError(
      { code: 'LD2003', what: error.message, where: command, fix: `see \`${command} --help\`` },
      { cause: error },
    )
  }
}
