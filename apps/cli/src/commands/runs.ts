/** `ldyn runs`: which runs are there, what one holds, and whether its files are whole. */
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import type { ListedRun } from '@ldyn/runs/node'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import type { Style } from '../contract/output.ts'
import { examples } from '../program.ts'

/** What a run's status is now: one that says `running` and that no process writes was killed. */
type State = 'live' | 'killed' | 'done' | 'failed' | 'interrupted' | 'unreadable'

const isDirectory = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

const noDirectory = (dir: string): CliError =>
  new CliError({
    code: 'LD4003',
    what: `there is no directory '${dir}'`,
    where: dir,
    fix: 'give the directory that holds your runs\nor make one: `ldyn demo` trains two small models',
  })

export function register(program: Command, context: Context): void {
  const group = program.command('runs').description('list, show and check run directories')
  const ls = group
    .command('ls [dir]')
    .description('the runs in a directory, newest first')
    .action(async (given: string | undefined) => {
      const dir = given ?? 'runs'
      const { listRuns } = await import('@ldyn/runs/node')
      const there = await isDirectory(dir)
      // Where nobody named a directory, none is the same as one without runs.
      if (given !== undefined && !there) throw noDirectory(dir)
      const rows = there ? (await listRuns(dir)).map(summary) : []
      const { printable } = await import('./find-run.ts')
      context.output.result('runs ls', { directory: dir, runs: rows }, () =>
        renderList(rows, dir, context, printable),
      )
    })
  const show = group
    .command('show <run>')
    .description('what a run is, how far it got, and how each response type moved')
    .option('--runs-dir <dir>', 'where runs are looked for by id', 'runs')
    .action(async (word: string, { runsDir }: { runsDir: string }) => {
      const { details, renderDetails } = await import('./show-run.ts')
      const found = await details(word, runsDir)
      context.output.result('runs show', found, () => renderDetails(found, context))
    })
  const verify = group
    .command('verify <run>')
    .description('check a run directory: schema, lines, order, sizes, finite numbers')
    .option('--runs-dir <dir>', 'where runs are looked for by id', 'runs')
    .action(async (word: string, { runsDir }: { runsDir: string }) => verifyRun(word, runsDir, context))
  examples(ls, ['ldyn runs ls', 'ldyn runs ls experiments --json'])
  examples(show, ['ldyn runs show runs/first', 'ldyn runs show 2026-11-22'])
  examples(verify, ['ldyn runs verify runs/first'])
}

export const stateOf = ({ manifest, live }: Pick<ListedRun, 'manifest' | 'live'>): State =>
  manifest === undefined
    ? 'unreadable'
    : live
      ? 'live'
      : manifest.status === 'running'
        ? 'killed'
        : manifest.status

export const stateStyle = (state: State): Style =>
  state === 'done' ? 'green' : state === 'live' ? 'cyan' : state === 'interrupted' ? 'yellow' : 'red'

interface Summary {
  readonly directory: string
  readonly id: string | undefined
  readonly state: State
  readonly created: string | undefined
  readonly model: string | undefined
  readonly stages: readonly { readonly name: string; readonly loss: string; readonly updates: number }[]
  /** Why run.json cannot be read. */
  readonly error: string | undefined
}

const summary = (run: ListedRun): Summary => ({
  directory: run.directory,
  id: run.manifest?.id,
  state: stateOf(run),
  created: run.manifest?.created,
  model: run.manifest?.model.path,
  stages: run.manifest?.stages ?? [],
  error: run.error?.message,
})

/** Columns side by side, each as wide as its widest cell. Cells hold no colour yet. */
export const columnsOf = (rows: readonly (readonly string[])[]): readonly (readonly string[])[] => {
  const wide = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)))
  return rows.map((row) => row.map((cell, c) => (c === row.length - 1 ? cell : cell.padEnd(wide[c] + 2))))
}

function renderList(
  rows: readonly Summary[],
  dir: string,
  { output }: Context,
  printable: (text: string) => string,
): string {
  if (rows.length === 0) return `No runs in ${dir}. \`ldyn train … --out ${dir}/first\` makes one.`
  const cells = rows.map(({ id, state, created, model, stages, directory, error }) =>
    [
      id ?? '?',
      state,
      stages.map(({ name, updates }) => `${name} ${updates}`).join(' → ') || '-',
      model?.split(/[\\/]/).filter(Boolean).at(-1) ?? '-',
      created?.slice(0, 16).replace('T', ' ') ?? '-',
      error === undefined ? directory : `${directory}  ${error}`,
    ].map(printable),
  )
  const [head, ...body] = columnsOf([['RUN', 'STATUS', 'STAGES', 'MODEL', 'BEGUN', 'DIRECTORY'], ...cells])
  const lines = body.map((row, r) =>
    row.map((cell, c) => (c === 1 ? output.style(stateStyle(rows[r].state), cell) : cell)).join(''),
  )
  return [output.style('dim', head.join('')), ...lines].join('\n')
}

async function verifyRun(word: string, runsDir: string, context: Context): Promise<void> {
  const { findRun, printable } = await import('./find-run.ts')
  const { verify } = await import('@ldyn/runs')
  const { directoryFiles } = await import('@ldyn/runs/node')
  const directory = await findRun(word, runsDir)
  const findings = await verify(directoryFiles(directory))
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const { output } = context
  output.result('runs verify', { directory, ok: errors === 0, findings }, () => {
    const lines = findings.map(({ severity, code, where, message }) => {
      const label = output.style(
        severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim',
        severity.padEnd(7),
      )
      return `${label} ${code}  ${printable(where)}\n        ${printable(message)}`
    })
    const verdict =
      errors > 0 ? `${directory}: ${errors} ${errors === 1 ? 'error' : 'errors'}` : `${directory}: whole`
    return [...lines, printable(verdict)].join('\n')
  })
  if (errors > 0) context.exit(7)
}
