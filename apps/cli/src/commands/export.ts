/** `ldyn export`: a run's numbers as CSV, its figures as SVG, all of it as one HTML page. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import type { RunData } from '@ldyn/figures'
import { examples } from '../program.ts'

interface Options {
  readonly csv?: string
  readonly rows?: boolean
  readonly scalars?: boolean
  readonly decomposed?: boolean
  readonly svg?: string
  readonly html?: string
  readonly runsDir: string
}

interface Written {
  readonly form: 'csv' | 'svg' | 'html'
  readonly path: string
  readonly bytes: number
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('export <run...>')
    .description('write a run, or several overlaid, as CSV, SVG or one HTML page')
    .option('--csv <file>', 'means and standard errors by step, type and metric; - for stdout')
    .option('--rows', 'with --csv: every probe’s value instead')
    .option('--scalars', 'with --csv: the training log instead')
    .option('--decomposed', 'with --csv: what single updates did, by direction (observe.decompose), instead')
    .option(
      '--svg <file or directory>',
      'the figures: one file of small multiples, or a file for each in a directory',
    )
    .option('--html <file>', 'one page with figures, tables and what happened in words; needs no network')
    .option('--runs-dir <dir>', 'where runs are looked for by id', 'runs')
    .action(async (words: string[], options: Options) => {
      check(options)
      const { loadRuns } = await import('./find-run.ts')
      const runs = await loadRuns(words, options.runsDir)
      if (options.csv === '-') {
        context.output.text(await csvOf(runs, options, words))
        return
      }
      const files = await write(runs, options, context.version, words)
      context.output.result('export', { runs: runs.map(({ id }) => id), files }, () =>
        files.map(({ path, bytes }) => `${path}  ${(bytes / 1024).toFixed(0)} kB`).join('\n'),
      )
    })
  examples(command, [
    'ldyn export runs/first --html first.html               # mail it, open it from disk',
    'ldyn export runs/baseline runs/extend --html both.html # Figure 5 of the paper, from your runs',
    'ldyn export runs/first --csv - | head',
    'ldyn export runs/first --svg figures/                  # one SVG a panel',
  ])
}

function check({ csv, rows, scalars, decomposed, svg, html }: Options): void {
  const where = 'ldyn export'
  if (csv === undefined && svg === undefined && html === undefined) {
    throw new CliError({
      code: 'LD2003',
      what: 'export was not told what to write',
      where,
      fix: 'give --csv, --svg or --html with a path',
    })
  }
  if ((rows || scalars || decomposed) && csv === undefined) {
    throw new CliError({
      code: 'LD2003',
      what: '--rows, --scalars and --decomposed say what --csv writes',
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
  if (csv === '-' && (svg !== undefined || html !== undefined)) {
    throw new CliError({
      code: 'LD2004',
      what: '--csv - takes stdout for itself',
      where,
      fix: 'write the other forms in another call',
    })
  }
}

async function csvOf(
  runs: readonly RunData[],
  { rows, scalars, decomposed, runsDir }: Options,
  words: readonly string[],
): Promise<string> {
  if (decomposed) {
    const { decomposedCsv } = await import('../explain/csv.ts')
    return decomposedCsv(words, runsDir)
  }
  const { curvesCsv, rowsCsv, scalarsCsv } = await import('@ldyn/figures')
  return rows ? rowsCsv(runs) : scalars ? scalarsCsv(runs) : curvesCsv(runs)
}

async function write(
  runs: readonly RunData[],
  options: Options,
  version: string,
  words: readonly string[],
): Promise<readonly Written[]> {
  const { dirname } = await import('node:path')
  const { makeFolder, writeAtomically } = await import('@ldyn/formats/node')
  const written: Written[] = []
  const save = async (form: Written['form'], path: string, text: string): Promise<void> => {
    const bytes = new TextEncoder().encode(text)
    await makeFolder(dirname(path))
    await writeAtomically(path, (sink) => sink.write(bytes))
    written.push({ form, path, bytes: bytes.length })
  }
  if (options.csv !== undefined) await save('csv', options.csv, await csvOf(runs, options, words))
  if (options.svg !== undefined) {
    for (const { path, text } of await svgFiles(runs, options.svg)) await save('svg', path, text)
  }
  if (options.html !== undefined) {
    const { page } = await import('../figures/html.ts')
    await save('html', options.html, page(runs, { made: new Date().toISOString(), version }))
  }
  return written
}

/** A path that ends in .svg is one file of all figures of the probes; any other is a directory of one file a panel. */
async function svgFiles(
  runs: readonly RunData[],
  path: string,
): Promise<readonly { path: string; text: string }[]> {
  const { join } = await import('node:path')
  const { panelsOf, figure, slugs } = await import('@ldyn/figures')
  const panels = panelsOf(runs)
  if (panels.length === 0) {
    throw new CliError({
      code: 'LD2003',
      what: 'there is no figure to draw',
      where: runs.map(({ id }) => id).join(', '),
      why: 'the run has no evaluations and no training log yet',
    })
  }
  if (!/\.svg$/i.test(path)) {
    const names = slugs(panels.map(({ id }) => id))
    return panels.map((panel, i) => ({
      path: join(path, `${names[i]}.svg`),
      text: figure([panel], panel.title),
    }))
  }
  const probing = panels.filter(({ section }) => section !== 'training' && section !== 'token')
  return [{ path, text: figure(probing.length > 0 ? probing : panels, runs.map(({ id }) => id).join(', ')) }]
}
