// The figures of the paper as panels: one that is drawn is a picture for print with its table and files; one that is
// not says what the runs lack and how to make it. They change with evaluations, not with every line of the log.
import { escape, slug } from '@ldyn/figures'
import {
  FIGURES,
  ONE_COLUMN,
  PAPER_METRICS,
  paperFigures,
  paperSvg,
  paperTable,
  TWO_COLUMNS,
  type PaperFigure,
} from '@ldyn/figures/paper'
import type { Per } from '@ldyn/runs'
import type { LiveData } from '../../data/live-run.ts'
import type { Table } from '../../panels/panel.ts'

export interface DrawnFigure {
  readonly figure: PaperFigure
  /** As wide as the page's two columns and as one; undefined where nothing of it can be drawn. */
  readonly svg: { readonly one: string; readonly two: string } | undefined
}

const sheetsOf = (figure: PaperFigure): DrawnFigure['svg'] => ({
  one: paperSvg(figure, { mm: ONE_COLUMN }),
  two: paperSvg(figure, { mm: TWO_COLUMNS }),
})

/** One that cannot be drawn says why in its place, and the others are drawn. */
export const drawnOf = (figure: PaperFigure): DrawnFigure => {
  if (figure.panels.length === 0) return { figure, svg: undefined }
  try {
    return { figure, svg: sheetsOf(figure) }
  } catch (error) {
    const lack = { what: `It could not be drawn: ${(error as Error).message}.` }
    return { figure: { ...figure, lacks: [lack, ...figure.lacks] }, svg: undefined }
  }
}

/** The sheet that a view shows: on a narrow window two columns would be too small to read. */
export const sheetOf = (sheet: 'auto' | 'one' | 'two', window: number): 'one' | 'two' =>
  sheet === 'auto' ? (window < 640 ? 'one' : 'two') : sheet

/** Whether all that the figures show of these runs has been read: half of a run makes half of a figure. */
const areRead = (runs: readonly LiveData[]): boolean =>
  runs.every(
    ({ evaluations, manifest, probes, rows }) =>
      !probes ||
      evaluations.length === 0 ||
      PAPER_METRICS.every(metric => rows.has(metric) || !manifest.columns.metrics.includes(metric)),
  )

/** One after the other, so that the page can do other things in between. */
export function* drawFigures(
  runs: readonly LiveData[],
  per: Per = 'response',
): Generator<void, readonly DrawnFigure[] | undefined> {
  if (!areRead(runs)) return undefined
  const drawn: DrawnFigure[] = []
  for (const id of FIGURES) {
    for (const figure of paperFigures(runs, [id], { per })) {
      drawn.push(drawnOf(figure))
      yield
    }
  }
  return drawn
}

/** What figures depend on: metrics that were read, evaluations, updates that were decomposed. */
export const figuresKey = (runs: readonly LiveData[]): string =>
  runs
    .map(({ id, evaluations, rows, updates }) =>
      [id, evaluations.length, [...rows.keys()], updates.length].join(' '),
    )
    .join('\n')

/** The panel stays the same one when it is drawn per token. */
export const idOf = ({ file }: PaperFigure): string => `paper-${slug(file.replace(/-per-token$/, ''))}`

export const tableOf = (figure: PaperFigure): Table => paperTable(figure)

/** The SVG with a note of where it comes from, as XML's metadata. */
export const withOrigin = (svg: string, origin: string | undefined): string => {
  if (origin === undefined) return svg
  const cut = svg.lastIndexOf('</svg>')
  return `${svg.slice(0, cut)}<metadata>${escape(origin)}</metadata>${svg.slice(cut)}`
}

/** "5 of 7 figures can be drawn from these runs." */
export const countText = (drawn: readonly DrawnFigure[], runs: number): string => {
  const shown = drawn.filter(({ svg }) => svg !== undefined).length
  const of = runs === 1 ? 'this run' : 'these runs'
  return shown === drawn.length
    ? `All ${shown} figures can be drawn from ${of}.`
    : `${shown} of ${drawn.length} figures can be drawn from ${of}; the others say what they need.`
}
