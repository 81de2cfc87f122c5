/** `ldyn export`: a run's numbers as CSV or Parquet, its figures as SVG or PNG, all of it as one HTML page. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import type { HtmlFlags, Said } from '../export/snapshot.ts'
import type { TableKind } from '../export/tables.ts'
import type { RunData } from '@ldyn/figures'
import { examples } from '../program.ts'

interface Options extends HtmlFlags {
  readonly html?: string
  readonly dir?: string
  readonly static?: boolean
  readonly csv?: string
  readonly parquet?: string
  readonly svg?: string
  readonly png?: string
  readonly rows?: boolean
  readonly scalars?: boolean
  readonly decomposed?: boolean
  readonly dryRun?: boolean
}

type Form = 'html' | 'dir' | 'csv' | 'parquet' | 'svg' | 'png'

interface Written {
  readonly form: Form
  readonly path: string
  readonly bytes: number
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('export <run...>')
    .description('write a run, or several overlaid, as one HTML page, CSV, Parquet, SVG or PNG')
    .option('--runs-dir <dir>', 'where runs are looked for by id', 'runs')
    .option('--dry-run', 'say what would be written, and how large, and write nothing')
    .optionsGroup('One HTML file with the whole viewer, to mail or to open from disk:')
    .option('--html <file>', 'the viewer with these runs inside; it asks no network for anything')
    .option('--dir <folder>', 'the same for a web server: index.html, and data beside it that are read when they are shown')
    .option('--pages <list>', 'pages of the viewer by comma, lab and gpt (its tiny GPT) among them', 'all')
    .option('--without <list>', 'pages that are left out, with what they alone need')
    .option('--steps <full|n>', 'about so many evaluations and points of the log; lowest and highest are kept', 'full')
    .option('--text <keep|blur|remove>', 'prompts and responses', 'keep')
    .option('--no-strip', 'keep paths, command line, host and hardware; without it they are left out')
    .option('--values <f16|f32>', 'values of probes: changes with 11 bits, or exactly', 'f16')
    .option('--kernel <f16|f32>', 'matrices: 11 bits, or 24', 'f16')
    .option('--force', 'write a file of more than 50 MB, or into a folder that is not empty')
    .option('--static', 'with --html: figures, tables and words without any script instead')
    .optionsGroup('Numbers:')
    .option('--csv <file>', 'means and standard errors by step, type and metric; - for stdout')
    .option('--parquet <file>', 'the same table as Parquet')
    .option('--rows', 'with --csv or --parquet: every probe’s value instead')
    .option('--scalars', 'with --csv or --parquet: the training log instead')
    .option('--decomposed', 'with --csv or --parquet: what single updates did (observe.decompose) instead')
    .optionsGroup('Figures:')
    .option('--svg <file or directory>', 'one file of small multiples, or a file for each in a directory')
    .option('--png <file or directory>', 'the same as pictures, twice as large')
    .action((words: string[], options: Options) => run(words, options, context))
  examples(command, [
    'ldyn export runs/first --html first.html               # the whole viewer: mail it, open it from disk',
    'ldyn export runs/baseline runs/extend --html both.html # Figure 5 of the paper, from your runs',
    'ldyn export runs/first --html public.html --text remove --pages overview,dynamics',
    'ldyn export runs/first --html small.html --without lab,figures   # 0.3 MB less, whatever the run',
    'ldyn export runs/large --dir site                      # for GitHub Pages, or npx serve site',
    'ldyn export runs/first --csv - | head',
    'ldyn export runs/first --parquet first.parquet --rows  # every value, for pandas or DuckDB',
    'ldyn export runs/first --svg figures/                  # one SVG a panel',
  ])
}

const kindOf = ({ rows, scalars, decomposed }: Options): TableKind =>
  rows ? 'rows' : scalars ? 'scalars' : decomposed ? 'decomposed' : 'curves'

function check(options: Options): void {
  const { csv, parquet, svg, png, html, dir, rows, scalars, decomposed } = options
  const where = 'ldyn export'
  if ([csv, parquet, svg, png, html, dir].every((path) => path === undefined)) {
    throw new CliError({
      code: 'LD2003',
      what: 'export was not told what to write',
      where,
      fix: 'give --html, --dir, --csv, --parquet, --svg or --png with a path',
    })
  }
  if ((rows || scalars || decomposed) && csv === undefined && parquet === undefined) {
    throw new CliError({
      code: 'LD2003',
      what: '--rows, --scalars and --decomposed say what --csv and --parquet write',
      where,
      fix: 'add --csv <file>',
    })
  }
  if ([rows, scalars, decomposed].filter(Boolean).length > 1) {
    throw new CliError({
      code: 'LD2004',
      what: '--rows, --scalars and --decomposed are different tables',
      where,
      fix: 'write one after the other',
    })
  }
  if (options.static && html === undefined) {
    throw new CliError({ code: 'LD2003', what: '--static says what --html writes', where, fix: 'add --html <file>' })
  }
  const [taken] = Object.entries({ parquet, svg, png, html, dir }).filter(([, path]) => path === '-')
  if (taken) {
    throw new CliError({
      code: 'LD2003',
      what: `--${taken[0]} takes a path`,
      where,
      why: 'only --csv can be written to stdout',
      fix: `give --${taken[0]} the name of a ${taken[0] === 'dir' ? 'folder' : 'file'}`,
    })
  }
  if (csv === '-' && [parquet, svg, png, html, dir].some((path) => path !== undefined)) {
    throw new CliError({
      code: 'LD2004',
      what: '--csv - takes stdout for itself',
      where,
      fix: 'write the other forms in another call',
    })
  }
}

async function run(words: readonly string[], options: Options, context: Context): Promise<void> {
  check(options)
  const { output } = context
  const { loadRuns } = await import('./find-run.ts')
  const runs = await loadRuns(words, options.runsDir)
  const empty = emptyTable(options, runs)
  if (empty !== undefined) output.warn(empty)
  if (options.csv === '-') {
    const { csvOf } = await import('../export/tables.ts')
    output.text(await csvOf(kindOf(options), runs, words, options.runsDir))
    return
  }
  const files: Written[] = []
  for await (const { form, path, content } of contents(words, runs, options, context)) {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    if (!options.dryRun) await save(path, bytes)
    files.push({ form, path, bytes: bytes.length })
  }
  const data = { runs: runs.map(({ id }) => id), files, ...(options.dryRun && { written: false }) }
  output.result('export', data, () => {
    const lines = files
      .filter(({ form, path }) => form !== 'dir' || path.endsWith('index.html'))
      .map(({ path, bytes }) => `${path}  ${(bytes / 1024).toFixed(0)} kB`)
    return [...lines, ...(options.dryRun ? ['nothing was written: --dry-run'] : [])].join('\n')
  })
}

/** Why the table will have no line but its head, as that of a log that was imported; undefined where it has some. */
function emptyTable(options: Options, runs: readonly RunData[]): string | undefined {
  if (options.csv === undefined && options.parquet === undefined) return undefined
  const kind = kindOf(options)
  if ((kind !== 'curves' && kind !== 'rows') || runs.some(({ probes }) => probes !== undefined)) return undefined
  return 'no probes were evaluated in what is exported, so the table is empty: --scalars writes the training log'
}

async function save(path: string, bytes: Uint8Array): Promise<void> {
  const { dirname } = await import('node:path')
  const { makeFolder, writeAtomically } = await import('@ldyn/formats/node')
  await makeFolder(dirname(path))
  await writeAtomically(path, (sink) => sink.write(bytes))
}

interface Content {
  readonly form: Form
  readonly path: string
  readonly content: string | Uint8Array
}

/** What is to be written, one file after the other, so that no more than one is held. */
async function* contents(
  words: readonly string[],
  runs: readonly RunData[],
  options: Options,
  { version, output }: Context,
): AsyncGenerator<Content> {
  const { csv, parquet, svg, png, html, runsDir } = options
  if (csv !== undefined || parquet !== undefined) {
    const { csvOf, tableOf } = await import('../export/tables.ts')
    const kind = kindOf(options)
    if (csv !== undefined) yield { form: 'csv', path: csv, content: await csvOf(kind, runs, words, runsDir) }
    if (parquet !== undefined) {
      const { parquetOf } = await import('../export/parquet.ts')
      const about = { table: kind, runs: runs.map(({ id }) => id).join(', '), version }
      yield { form: 'parquet', path: parquet, content: parquetOf(await tableOf(kind, runs, words, runsDir), about) }
    }
  }
  if (svg !== undefined || png !== undefined) {
    const { picturesOf } = await import('../export/pictures.ts')
    if (svg !== undefined)
      for (const picture of picturesOf(runs, svg, 'svg'))
        yield { form: 'svg', path: picture.path, content: picture.svg }
    if (png !== undefined) {
      const { rasteriser } = await import('../figures/png.ts')
      const rasterise = await rasteriser()
      for (const picture of picturesOf(runs, png, 'png'))
        yield { form: 'png', path: picture.path, content: rasterise(picture.svg) }
    }
  }
  const said = { note: (text: string) => output.note(text), warn: (text: string) => output.warn(text) }
  if (options.dir !== undefined) yield* folder(words, { ...options, dir: options.dir }, version, said)
  if (html === undefined) return
  if (options.static) {
    const { page } = await import('../figures/html.ts')
    yield { form: 'html', path: html, content: page(runs, { made: new Date().toISOString(), version }) }
    return
  }
  const { htmlFile } = await import('../export/snapshot.ts')
  const file = await htmlFile(words, options, version, said)
  yield { form: 'html', path: html, content: file.html }
}

/** Throws CliError LD2003 where something is in the folder already. */
async function* folder(
  words: readonly string[],
  options: Options & { readonly dir: string },
  version: string,
  said: Said,
): AsyncGenerator<Content> {
  const { dir, force } = options
  const { readdir } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const there = await readdir(dir).catch(() => [])
  if (there.length > 0 && !force) {
    throw new CliError({
      code: 'LD2003',
      what: 'the folder is not empty',
      where: `--dir ${dir}`,
      why: `it has ${there.length === 1 ? there[0] : `${there.length} entries`}, and what is there might be served with the page`,
      fix: 'give a new folder; --force writes into this one',
    })
  }
  const { htmlFolder } = await import('../export/snapshot.ts')
  for (const { path, content } of await htmlFolder(words, options, version, said))
    yield { form: 'dir', path: join(dir, path), content }
}
