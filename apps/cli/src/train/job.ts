/** From a config to a job that lab can train: opens the model and the data, and settles what depends on them. */
import { createHash } from 'node:crypto'
import { basename, resolve as absolute } from 'node:path'
import { fileHash, readRows, tokenDefaults, type Row, type TrainJob } from '@ldyn/lab'
import type { Tokenizer } from '@ldyn/models'
import { openModel } from '@ldyn/models/node'
import type { Json } from '@ldyn/runs'
import { openBackend } from '../backends.ts'
import { configLayers } from '../config/flags.ts'
import { asTree, defaultPaths, resolve, stageConfig, tokenOptions, valueAt, type Config } from '../config/resolve.ts'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import type { TrainFlags } from '../commands/train.ts'
import { typesIn } from '../observe/observe.ts'
import type { Reporter } from '../progress/reporter.ts'
import { environmentOf } from './environment.ts'
import { gitState } from './git.ts'
import { checkSameData, resumedConfig, withAbsolutePaths } from './resume.ts'

export interface OpenedJob extends AsyncDisposable {
  readonly config: Config
  readonly job: TrainJob
  /** One line that says what is about to run. */
  readonly headline: string
}

/** Throws CliError for what the config lacks, and what opening the model, the data and the backend throws. */
export async function openJob(flags: TrainFlags, context: Context, progress: Reporter): Promise<OpenedJob> {
  const layers = await configLayers(flags, context)
  const { config, manifest } = flags.resume
    ? await resumedConfig(layers)
    : { config: resolve(layers), manifest: undefined }
  const need = (path: string): string => valueAt<string>(config, path) ?? missing(path)
  const [model, data, out] = [
    need('model'),
    need('data'),
    flags.dryRun ? (valueAt<string>(config, 'out') ?? '') : need('out'),
  ]
  if (config.stages.length === 0) missing('stages')

  const checkpoint = await openModel(model)
  const close: (() => Promise<unknown>)[] = [() => checkpoint.dispose()]
  const dispose = async (): Promise<void> => {
    for (const end of close.reverse()) await end()
  }
  try {
    const tokenizer = await checkpoint.tokenizer()
    const textOf = (id: number): string => tokenizer.decode(Int32Array.of(id))
    progress.update({ task: 'read', done: 0, total: 1, unit: 'files' })
    const rows = await readRows(data, { tokenizer })
    const { probes, probeFile } = await readProbes(config, tokenizer)
    const stages = config.stages.map((stage) => stageConfig(stage, rows.length))
    const datasets = await Promise.all(
      [
        { path: data, rows: rows.length },
        ...(probeFile ? [{ path: probeFile, rows: probes.rows.length }] : []),
      ].map(async (file) => ({ ...file, path: absolute(file.path), hash: await fileHash(file.path) })),
    )
    if (manifest) checkSameData(manifest, datasets, checkpoint.hash)
    const backend = await openBackend(need('backend'), { threads: valueAt(config, 'threads') })
    close.push(() => backend.dispose())
    const job: TrainJob = {
      out,
      backend,
      checkpoint,
      tokenizer,
      data: rows,
      stages,
      probes,
      tokens: tokenOptions(config, tokenDefaults(checkpoint.model.context)),
      seed: valueAt(config, 'seed')!,
      observe: {
        every: valueAt(config, 'observe.every')!,
        first: valueAt(config, 'observe.first')!,
        tokens: valueAt(config, 'observe.tokens')!,
        bands: valueAt(config, 'observe.bands') ?? false,
        watch: {
          rows: valueAt(config, 'observe.watch.rows') ?? 0,
          tokens: valueAt(config, 'observe.watch.tokens') ?? 1,
          textOf,
        },
        decompose: {
          every: valueAt(config, 'observe.decompose.every') ?? 0,
          probes: valueAt(config, 'observe.decompose.probes') ?? 8,
          directions: valueAt(config, 'observe.decompose.directions') ?? 'terms',
          ...(valueAt(config, 'observe.decompose.tokens') ? { textOf } : {}),
        },
      },
      save: { every: valueAt(config, 'checkpoint.every')!, keep: valueAt(config, 'checkpoint.keep')! },
      plan: {
        packed: valueAt(config, 'pack.packed')!,
        maxShapes: valueAt(config, 'pack.maxShapes')!,
        maxRowLength: valueAt(config, 'pack.maxRowLength')!,
      },
      about: {
        id: basename(absolute(out)),
        created: new Date().toISOString(),
        argv: process.argv.slice(2),
        config: asTree(withAbsolutePaths(config)) as Json,
        defaults: defaultPaths(config),
        environment: environmentOf(context.version),
        datasets,
        git: await gitState(),
        tokenizerHash: hashOf(tokenizer),
      },
      resume: manifest !== undefined,
    }
    const headline = `${stages.map((s) => s.name).join(' → ')} · ${checkpoint.name} · ${rows.length} rows · seed ${job.seed} · ${backend.capabilities.device}   run ${out}`
    return { config, job, headline, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

function missing(path: string): never {
  throw new CliError({
    code: 'LD3003',
    what: `the config does not say ${path}`,
    where: path,
    fix: `give --${path}, or ${path} in the config file`,
  })
}

interface ReadProbes {
  readonly probes: { readonly rows: readonly Row[]; readonly types: readonly string[] }
  readonly probeFile?: string
}

async function readProbes(config: Config, tokenizer: Tokenizer): Promise<ReadProbes> {
  const probeFile = valueAt<string>(config, 'probe')
  if (probeFile === undefined) return { probes: { rows: [], types: [] } }
  const rows = await readRows(probeFile, { tokenizer, limit: valueAt(config, 'observe.limit') })
  return { probes: { rows, types: typesIn(rows, valueAt(config, 'observe.types')) }, probeFile }
}

/** Of the tokenizer's files, in the order of their names. */
function hashOf({ files }: Tokenizer): string {
  const hash = createHash('sha256')
  for (const name of Object.keys(files).sort()) hash.update(`${name}\0${files[name]}\0`)
  return hash.digest('hex').slice(0, 32)
}
