/** `ldyn plot`: the curves of a run, or of several, in the terminal; or the figures of the paper as files. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../contract/errors.ts'
import { didYouMean } from '../contract/nearest.ts'
import { speaksUtf8 } from '../contract/utf8.ts'
import type { Style } from '../contract/output.ts'
import { onlyStage, type Panel, type RunData } from '@ldyn/figures'
import { examples } from '../program.ts'

interface Options {
  readonly metric: string
  readonly types?: string
  readonly perToken?: boolean
  readonly change?: boolean
  readonly stage?: string
  readonly width?: number
  readonly height: number
  readonly ascii?: boolean
  readonly runsDir: string
  readonly figure?: string
  readonly out: string
  readonly mm?: number
  readonly png?: boolean
  readonly scale: number
}

const number = (text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new CliError({
    code: 'LD2003',
    what: `'${text}' is not a number of columns or lines`,
    fix: 'give a whole number above 0',
  })
}

const positive =
  (what: string) =>
  (text: string): number => {
    const value = Number(text)
    if (Number.isFinite(value) && value > 0) return value
    throw new CliError({ code: 'LD2003', what: `'${text}' is not ${what}`, fix: 'give a number above 0' })
  }

export function register(program: Command, context: Context): void {
  const command = program
    .command('plot <run...>')
    .description('draw a run’s curves in the terminal, or the figures of the paper as files')
    .option(
      '--metric <name>',
      'a metric of the probes (see `ldyn help metrics`), or a column of the training log such as loss',
      'logp',
    )
    .option('--types <list>', 'response types by comma, and argmax; without it one of each kind')
    .option('--per-token', 'divide sums by the number of response tokens')
    .option('--change', 'draw the change since the first evaluation')
    .option('--stage <name>', 'one stage alone; losses of different stages share no scale')
    .option('--width <columns>', 'of the picture', number)
    .option('--height <lines>', 'of the picture', number, 24)
    .option('--ascii', 'letters in place of braille')
    .option('--runs-dir <dir>', 'where runs are looked for by id', 'runs')
    .optionsGroup('Figures of the paper, for print:')
    .option('--figure <list>', 'fig1, fig3, fig4, fig5, fig8, fig9, appE by comma, or all: SVG, CSV and caption of each')
    .option('--out <dir>', 'where they are written', 'figures')
    .option('--mm <width>', 'millimetres: 174 is two columns of a page, 85 one', positive('a width in millimetres'))
    .option('--png', 'pictures too')
    .option('--scale <x>', 'of pictures: 1 is 96 dots an inch', positive('a scale'), 3)
    .action(async (words: string[], options: Options) => {
      if (options.figure !== undefined) return paper(words, options.figure, options, context)
      if (options.png || options.mm !== undefined) {
        throw new CliError({
          code: 'LD2003',
          what: '--png and --mm are about the figures of the paper',
          where: 'ldyn plot',
          fix: 'add --figure all, or use ldyn export --png',
        })
      }
      const { loadRuns, printable } = await import('./find-run.ts')
      const { terminalPlot } = await import('../figures/terminal.ts')
      const { notesOn } = await import('@ldyn/figures')
      const runs = await loadRuns(words, options.runsDir)
      const panel = inStage(await panelFor(runs, options), options.stage)
      const data = {
        metric: options.metric,
        runs: runs.map(({ id }) => id),
        stages: panel.stages,
        lines: panel.lines.map(({ key, steps, stages, mean, se, n }) => ({
          line: key,
          n,
          steps,
          stages,
          mean,
          se,
        })),
      }
      const metrics = [options.metric, ...(options.types?.includes('argmax') ? ['argmax_logp'] : [])]
      const notes = [...new Set(runs.flatMap((run) => notesOn(run, metrics)))]
      const draw = (): string =>
        [
          terminalPlot(shown(panel, printable), {
            width: options.width ?? context.output.stderr.columns ?? 100,
            height: options.height,
            ascii: options.ascii ?? !speaksUtf8(context.env),
            paint: (text, line) => context.output.style(COLOURS[line % COLOURS.length], text),
            dim: (text) => context.output.style('dim', text),
          }),
          ...notes.map((text) => context.output.style('dim', `note  ${printable(text)}`)),
        ].join('\n')
      context.output.result('plot', { ...data, ...(notes.length > 0 && { notes }) }, draw)
    })
  examples(command, [
    'ldyn plot runs/first                                   # log π of one response type of each kind',
    'ldyn plot runs/first --types chosen,rejected,argmax --change',
    'ldyn plot runs/baseline runs/extend --types irr_train  # two runs on the same axes',
    'ldyn plot runs/first --metric loss --stage dpo',
    'ldyn plot runs/first --figure all --out figures --png  # the figures of the paper, for print',
    'ldyn plot runs/baseline runs/extend --figure fig5 --mm 85',
  ])
}

/** Options that say how curves are drawn in the terminal, and nothing to a figure of the paper. */
const TERMINAL = ['types', 'change', 'stage', 'width', 'ascii'] as const

/** Writes the figures, and says which could not be drawn and what would make them. */
async function paper(words: readonly string[], list: string, options: Options, { output }: Context): Promise<void> {
  const odd = TERMINAL.find((name) => options[name] !== undefined)
  if (odd !== undefined) {
    throw new CliError({
      code: 'LD2004',
      what: `--figure draws as the paper does, and --${odd} is for curves in the terminal`,
      where: 'ldyn plot',
      fix: 'leave one of them out',
    })
  }
  const { figureIds, paperFiles, paperRuns } = await import('../figures/paper-files.ts')
  const { printable } = await import('./find-run.ts')
  const { dirname } = await import('node:path')
  const { makeFolder, writeAtomically } = await import('@ldyn/formats/node')
  const { out, mm, png, scale, perToken } = options
  const figures = figureIds(list)
  const drawn = await paperFiles(await paperRuns(words, options.runsDir), { figures, out, mm, png, scale, perToken })
  if (drawn.every(({ files }) => files.length === 0)) {
    const [{ figure }] = drawn
    const lack = figure.lacks[0]
    throw new CliError({
      code: 'LD2003',
      what: figures.length === 1 ? `${figure.name} cannot be drawn from this` : 'none of the figures can be drawn from this',
      where: words.join(', '),
      why: lack?.what,
      fix: lack?.command ?? 'see `ldyn plot --help`',
    })
  }
  for (const { path, content } of drawn.flatMap(({ files }) => files)) {
    await makeFolder(dirname(path))
    await writeAtomically(path, (sink) => sink.write(typeof content === 'string' ? new TextEncoder().encode(content) : content))
  }
  const data = drawn.map(({ figure: { id, runs, title, caption, differs, lacks }, files }) => ({
    figure: id,
    runs,
    title,
    drawn: files.length > 0,
    files: files.map(({ path }) => path),
    caption,
    differs,
    lacks,
  }))
  output.result('plot', { figures: data }, () =>
    drawn
      .flatMap(({ figure, files }) => [
        `${output.style('bold', printable(`${figure.name}  ${figure.title}`))}${files.length === 0 ? '  not drawn' : ''}`,
        ...(files.length > 0 ? [`  ${files.map(({ path }) => path).join('  ')}`] : []),
        ...figure.lacks.flatMap(({ what, command }) => [
          output.style('dim', `  lacks  ${printable(what)}`),
          ...(command === undefined ? [] : [output.style('dim', `         ${printable(command)}`)]),
        ]),
      ])
      .join('\n'),
  )
}

const COLOURS: readonly Style[] = ['blueBright', 'redBright', 'green', 'yellow', 'magenta', 'cyan']

/** The panel with names that a terminal may be given. */
const shown = (panel: Panel, printable: (text: string) => string): Panel => ({
  ...panel,
  unit: printable(panel.unit),
  lines: panel.lines.map((line) => ({ ...line, key: printable(line.key) })),
  stages: panel.stages.map(({ step, name }) => ({ step, name: printable(name) })),
})

function inStage(panel: Panel, stage: string | undefined): Panel {
  if (stage === undefined) return panel
  const part = onlyStage(panel, stage)
  if (part) return part
  const names = [...new Set(panel.lines.flatMap(({ stages }) => stages))]
  throw new CliError({
    code: 'LD2003',
    what: `nothing of '${panel.title}' belongs to a stage '${stage}'`,
    fix: didYouMean(stage, names) || `there are ${names.join(', ')}`,
  })
}

/** One type of each kind, as far as the runs have them. */
const USUAL = ['chosen', 'rejected', 'irr_train', 'irr_test']

async function panelFor(runs: readonly RunData[], options: Options): Promise<Panel> {
  const { selectedPanel, scalarPanel } = await import('@ldyn/figures')
  const { isSum } = await import('@ldyn/runs')
  const { metric, perToken = false, change } = options
  const metrics = [...new Set(runs.flatMap(({ rows }) => [...rows.keys()]))]
  const columns = [...new Set(runs.flatMap(({ scalars }) => [...scalars.keys()]))]
  const refuse = (what: string, fix: string): CliError =>
    new CliError({ code: 'LD2003', what, where: runs.map(({ id }) => id).join(', '), fix })

  if (!metrics.includes(metric)) {
    const log = scalarPanel(runs, metric)
    if (log) return log
    const all = [...metrics, ...columns]
    throw refuse(
      `no run has the metric '${metric}'`,
      didYouMean(metric, all) || `there are ${all.join(', ') || 'none'}`,
    )
  }
  if (perToken && !isSum(metric)) {
    throw refuse(`'${metric}' is a mean over tokens already`, 'leave --per-token out')
  }
  const known = [...new Set(runs.flatMap(({ types }) => types)), 'argmax']
  const wanted = options.types
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  const unknown = wanted?.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw refuse(
      `no run has the response type '${unknown}'`,
      didYouMean(unknown, known) || `there are ${known.join(', ')}`,
    )
  }
  const usual = USUAL.filter((type) => known.includes(type))
  // A run with few types shows them all: those of a toy or of one's own probe set are none of the usual ones.
  const few = known.length <= 6 ? known.filter((type) => type !== 'argmax' && !usual.includes(type)) : []
  const types = wanted ?? (usual.length > 0 ? [...usual, ...few] : known.slice(0, 4))
  const panel = selectedPanel(runs, { metric, types, per: perToken ? 'token' : 'response', change })
  if (panel) return panel
  throw refuse(
    'there is nothing to draw',
    'the probes have not been evaluated yet, or no row has these types',
  )
}
