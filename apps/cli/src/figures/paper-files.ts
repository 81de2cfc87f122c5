/**
 * The figures of the paper as files: for each an SVG for print (and a PNG where asked for), the numbers that it draws
 * as CSV, and its caption with what differs from the paper as text. What a run lacks is told, never left out silently.
 */
import { join } from 'node:path'
import { gather } from '@ldyn/figures'
import {
  FIGURES,
  paperCsv,
  paperFigures,
  paperSvg,
  type FigureId,
  type Lack,
  type PaperFigure,
  type PaperRun,
} from '@ldyn/figures/paper'
import { openRun } from '@ldyn/runs'
import { directoryFiles } from '@ldyn/runs/node'
import { findRun } from '../commands/find-run.ts'
import { CliError } from '../contract/errors.ts'
import { didYouMean } from '../contract/nearest.ts'
import { rasteriser } from './png.ts'

export interface PaperOptions {
  readonly figures: readonly FigureId[]
  /** Directory. */
  readonly out: string
  /** Width in millimetres. */
  readonly mm?: number
  readonly png?: boolean
  /** log π divided by the number of tokens, where the figure is of sums. */
  readonly perToken?: boolean
  readonly scale?: number
}

export interface PaperFile {
  readonly path: string
  readonly content: string | Uint8Array
}

/** One figure: its files, or none where nothing of it can be drawn. */
export interface PaperDrawn {
  readonly figure: PaperFigure
  readonly files: readonly PaperFile[]
}

/** Runs with all that their figures are made of. Throws CliError and RunError. */
export const paperRuns = (words: readonly string[], runsDir?: string): Promise<readonly PaperRun[]> =>
  Promise.all(
    words.map(async (word) => {
      const run = await openRun(directoryFiles(await findRun(word, runsDir)))
      return { ...(await gather(run)), updates: run.decompositions }
    }),
  )

/** `fig3`, `3`, `Fig3` and a list of them by comma; `all`. Throws CliError LD2003. */
export function figureIds(text: string): readonly FigureId[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.length === 1 && names[0].toLowerCase() === 'all') return FIGURES
  return names.map((name) => {
    const found = FIGURES.find(
      (id) => id.toLowerCase() === name.toLowerCase() || id.replace(/^(fig|app)/, '') === name,
    )
    if (found) return found
    throw new CliError({
      code: 'LD2003',
      what: `there is no figure '${name}'`,
      where: '--figure',
      fix: didYouMean(name, FIGURES) || `there are ${FIGURES.join(', ')} and all`,
    })
  })
}

/** Every figure with its files; nothing is written. Throws CliError LD5007 where pictures cannot be made here. */
export async function paperFiles(
  runs: readonly PaperRun[],
  options: PaperOptions,
): Promise<readonly PaperDrawn[]> {
  const { figures, out, mm, png = false, scale = 3, perToken = false } = options
  const draw = png ? await rasteriser() : undefined
  return paperFigures(runs, figures, { per: perToken ? 'token' : 'response' }).map((figure) => {
    if (figure.panels.length === 0) return { figure, files: [] }
    const svg = paperSvg(figure, { mm })
    const at = (ending: string): string => join(out, `${figure.file}.${ending}`)
    return {
      figure,
      files: [
        { path: at('svg'), content: svg },
        ...(draw ? [{ path: at('png'), content: draw(svg, { scale }) }] : []),
        { path: at('csv'), content: paperCsv(figure) },
        { path: at('txt'), content: captionText(figure) },
      ],
    }
  })
}

const lackText = ({ what, command }: Lack): string =>
  command === undefined ? what : `${what}\n    ${command}`

/** What belongs under the figure in a paper, and what its author should know. */
const captionText = ({ name, title, caption, differs, lacks }: PaperFigure): string =>
  [
    `${title} (after ${name} of Ren and Sutherland, 2025).`,
    '',
    caption,
    ...(differs.length > 0
      ? ['', 'Where this differs from the paper:', ...differs.map((text) => `  ${text}`)]
      : []),
    ...(lacks.length > 0
      ? ['', 'What it could not show:', ...lacks.map((lack) => `  ${lackText(lack)}`)]
      : []),
    '',
  ].join('\n')
