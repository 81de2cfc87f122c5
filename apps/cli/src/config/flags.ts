/** The options that settle a training config on the command line: the common ones by name, all of them by `--set`. */
import type { Command } from 'commander'
import { BACKEND_HELP } from '../backends.ts'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import type { ConfigLayer } from './assignments.ts'
import type { Config } from './resolve.ts'

/** Options by name, and the config path that each sets. `--lr` and its kin apply to every stage. */
const FLAGS = {
  model: ['--model <path>', 'model', 'Hugging Face directory or .gguf file'],
  data: ['--data <file>', 'data', 'training data: .jsonl, .json, .csv, .parquet (ldyn help data)'],
  stages: ['--stages <list>', 'stages', 'stages in turn: sft, extend, dpo, ipo, … (ldyn help losses)'],
  loss: ['--loss <name>', 'loss_type', "one stage with this loss; TRL's names are taken too"],
  probe: ['--probe <file>', 'probe', 'probe set: rows with a response of each type'],
  out: ['--out <dir>', 'out', 'directory of the run'],
  backend: ['--backend <name>', 'backend', BACKEND_HELP],
  threads: ['--threads <n>', 'threads', 'threads that compute'],
  seed: ['--seed <n>', 'seed', 'of the data order'],
  lr: ['--lr <x>', 'lr', 'learning rate of every stage'],
  updates: ['--updates <n>', 'updates', 'updates of every stage'],
  epochs: ['--epochs <x>', 'epochs', 'passes over the data of every stage'],
  batch: ['--batch <n>', 'batch', 'examples in a micro-batch'],
  accumulate: ['--accumulate <n>', 'accumulate', 'micro-batches in an update'],
  beta: ['--beta <x>', 'beta', 'β of preference losses and kto'],
  labelSmoothing: ['--label-smoothing <x>', 'labelSmoothing', 'ε of cDPO'],
  nllWeight: ['--nll-weight <x>', 'nllWeight', 'weight of an explicit −log π(y⁺): rpo, simpo, orpo, slic'],
  gamma: ['--gamma <x>', 'gamma', 'margin of simpo'],
  delta: ['--delta <x>', 'delta', 'margin of slic'],
  lambda: ['--lambda <x>', 'lambda', 'λ of dpop'],
  gate: ['--gate <what>', 'gate', 'gate on what pushes y⁻: none, mean or quantile'],
  optimizer: ['--optimizer <name>', 'optimizer', 'rmsprop, adamw or sgd'],
  schedule: ['--schedule <name>', 'schedule', 'paper, constant, linear or cosine'],
  warmup: ['--warmup <n>', 'warmup', 'updates of warm-up'],
  maxGradNorm: ['--max-grad-norm <x>', 'maxGradNorm', 'clip to this global norm; 0: never'],
  every: ['--every <n>', 'observe.every', 'evaluate the probes every so many updates'],
  limit: ['--limit <n>', 'observe.limit', 'probe rows, from the first'],
  types: ['--types <list>', 'observe.types', 'response types to follow'],
  tokenMode: ['--token-mode <mode>', 'tokens.mode', 'separate, joint (as TRL) or paper'],
  maxLength: ['--max-length <n>', 'tokens.maxLength', 'longest prompt and response together'],
  saveEvery: ['--save-every <n>', 'checkpoint.every', 'checkpoint every so many updates'],
} as const satisfies Record<string, readonly [string, string, string]>
type Flag = keyof typeof FLAGS

export type ConfigFlags = Partial<Record<Flag, string>> & {
  readonly config?: string
  readonly preset?: string
  readonly set?: readonly string[]
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]

export function configOptions(command: Command): Command {
  for (const [flag, , text] of Object.values(FLAGS)) command.option(flag, text)
  return command
    .optionsGroup('Config:')
    .option('--config <file>', 'YAML or JSON file (ldyn config schema), or the run.json of a run; flags and LDYN_* win over it')
    .option('--preset <name>', 'defaults to begin with: paper, trl')
    .option('--set <key=value>', 'any setting, as often as needed: --set stages.dpo.lr=1e-6', collect)
}

/** What the file, LDYN_* and the flags say, in this order. Warns of variables that are no settings. Throws CliError. */
export async function configLayers(flags: ConfigFlags, { env, output }: Context): Promise<ConfigLayer[]> {
  const { envLayer, fileLayer, flagLayer, joined, setLayer } = await import('./sources.ts')
  if (flags.stages !== undefined && flags.loss !== undefined) {
    throw new CliError({
      code: 'LD2003',
      what: '--stages and --loss both say what is trained',
      where: '--loss',
      fix: 'give one of them: --loss is a single stage',
    })
  }
  const given = Object.fromEntries(
    (Object.keys(FLAGS) as Flag[]).map((name) => {
      const [flag, path] = FLAGS[name]
      return [path, { flag: flag.split(' ')[0], value: typed(path, flags[name]) }]
    }),
  )
  return [
    ...(flags.config === undefined ? [] : [await fileLayer(flags.config)]),
    envLayer(env, (text) => output.warn(text)),
    joined([
      setLayer(flags.set ?? []),
      flagLayer({ ...given, preset: { flag: '--preset', value: flags.preset } }),
    ]),
  ]
}

/** The config that they settle. Throws CliError. */
export async function readConfig(flags: ConfigFlags, context: Context): Promise<Config> {
  const { resolve } = await import('./resolve.ts')
  return resolve(await configLayers(flags, context))
}

const TEXTS: readonly string[] = ['model', 'data', 'stages', 'loss_type', 'probe', 'out', 'backend', 'observe.types']

/** Numbers as numbers, paths and names as they stand. */
const typed = (path: string, text: string | undefined): unknown =>
  text === undefined || TEXTS.includes(path) || text.trim() === '' || Number.isNaN(Number(text))
    ? text
    : Number(text)
