/** `ldyn import`: a foreign log as an ordinary run (packages/runs/src/importing says how each is read). */
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { saidOnce } from '@ldyn/runs'
import type { Imported } from '@ldyn/runs/node'
import type { Context } from '../context.ts'
import { positive } from '../contract/arguments.ts'
import { CliError } from '../contract/errors.ts'
import { examples } from '../program.ts'

interface Options {
  readonly out?: string
  readonly name?: string
  readonly stage?: string
  readonly every?: number
  readonly attempt?: number
  readonly runsDir: string
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('import <path>')
    .description('a log of the released code, of a Hugging Face Trainer (TRL) or of TensorBoard as a run')
    .option('--out <dir>', 'the run’s directory; <runs-dir>/<name> unless given')
    .option('--name <id>', 'the run’s id; the name of the log’s directory unless given')
    .option('--stage <name>', 'what was trained (sft, dpo, …), where the log does not say')
    .option(
      '--every <updates>',
      'updates between two evaluations of the released code’s log',
      positive('--every'),
    )
    .option(
      '--attempt <n>',
      'which attempt of a log that was started several times; the longest unless given',
      positive('--attempt'),
    )
    .option('--runs-dir <dir>', 'where runs are', 'runs')
    .action((path: string, options: Options) => run(path, options, context))
  examples(command, [
    'ldyn import prob_pythia410m_dpo/ --every 25         # prob_train_metrics.json and the .npy beside it',
    'ldyn import outputs/dpo --out runs/trl              # trainer_state.json of the last checkpoint-N',
    'ldyn import tb/events.out.tfevents.1732 --name tb',
  ])
}

async function run(path: string, options: Options, context: Context): Promise<void> {
  const { importRun, readForeign } = await import('@ldyn/runs/node')
  const { printable } = await import('./find-run.ts')
  const { name, stage, every, attempt } = options
  if (name !== undefined && (name.trim() === '' || /[\\/\u0000-\u001f]/.test(name))) {
    throw new CliError({
      code: 'LD2003',
      what: `'${printable(name)}' is no name for a run`,
      where: '--name',
      fix: 'give a word without slashes',
    })
  }
  const asked = {
    id: name,
    stage,
    every,
    attempt,
    argv: ['import', basename(path)],
    version: context.version,
  }
  const directory = options.out ?? join(options.runsDir, (await readForeign(path, asked)).id)
  const found = await importRun(path, directory, asked)
  const { outcome, id, run: imported, files } = found
  const data = {
    directory,
    id,
    outcome,
    format: imported.format,
    files,
    stage: imported.stage,
    evaluations: imported.evaluations.length,
    probes: imported.meansOnly ? 0 : (imported.probes?.rows.length ?? 0),
    types: [...new Set(imported.probes?.columns.map(({ type }) => type))],
    metrics: imported.columns.metrics,
    scalars: [...new Set(imported.scalars.flatMap(({ values }) => Object.keys(values)))],
    missing: imported.missing,
    notes: imported.notes,
  }
  const lines = await describe(found, data)
  context.output.result('import', data, () => lines.map(printable).join('\n'))
}

const SAID: Readonly<Record<Imported['outcome'], string>> = {
  written: 'written',
  completed: 'an import that had been cut off, completed',
  unchanged: 'imported already, unchanged',
}

const describe = async (
  { directory, outcome, run }: Imported,
  data: {
    readonly types: readonly string[]
    readonly metrics: readonly string[]
    readonly scalars: readonly string[]
    readonly probes: number
  },
): Promise<readonly string[]> => {
  const { plural, shellWord } = await import('@ldyn/figures')
  return [
    `${directory}  ${SAID[outcome]}`,
    ...(run.probes
      ? [
          `  probes   ${plural(run.evaluations.length, 'evaluation')} of ${data.probes > 0 ? plural(data.probes, 'probe') : 'means alone'}, ` +
            `${plural(data.types.length, 'type')}, ${data.metrics.join(' ')}`,
        ]
      : []),
    ...(data.scalars.length > 0
      ? [
          `  log      ${plural(run.scalars.length, 'line')}, ${plural(data.scalars.length, 'column')}: ${data.scalars.slice(0, 10).join(' ')}`,
        ]
      : []),
    ...saidOnce(run.notes).map((text) => `  note     ${text}`),
    ...run.missing.map((text) => `  missing  ${text}`),
    `  next     ${['runs show', 'plot', 'diagnose'].map(one => `ldyn ${one} ${shellWord(directory)}`).join(' · ')}`,
  ]
}
