// @ldyn/figures/paper: the figures of the paper, made of any run or set of runs. A page loads it when it is wanted.
import type { Per } from '@ldyn/runs'
import { slugs } from '../svg.ts'
import { figure9 } from './confidence.ts'
import { figure3, figure4 } from './learning.ts'
import { figure5 } from './mitigation.ts'
import { FIGURES, notDrawn, type FigureId, type PaperFigure, type PaperRun } from './model.ts'
import { knowsLengths } from './per-token.ts'
import { figure1 } from './one-update.ts'
import { figure8 } from './proxies.ts'
import { figureE } from './squeeze.ts'

type Maker = (run: PaperRun, all: readonly PaperRun[]) => PaperFigure
const one: Readonly<Partial<Record<FigureId, Maker>>> = {
  fig1: figure1,
  fig3: figure3,
  fig4: figure4,
  fig9: figure9,
}
const several: Readonly<Partial<Record<FigureId, (runs: readonly PaperRun[]) => PaperFigure>>> = {
  fig5: figure5,
  fig8: figure8,
  appE: figureE,
}

/** Figures 1, 3, 4 and 9 are of one run, and made of each; 5, 8 and App. E show all runs. In the paper's order. */
export const paperFigures = (
  given: readonly PaperRun[],
  wanted: readonly FigureId[] = FIGURES,
  { per = 'response' }: { readonly per?: Per } = {},
): readonly PaperFigure[] => {
  if (given.length === 0) return []
  const runs = given.map((run): PaperRun => ({ ...run, per }))
  const names = slugs(runs.map(({ id }) => id))
  const named = (figure: PaperFigure): PaperFigure => (per === 'token' ? perToken(figure, runs) : figure)
  return FIGURES.filter((id) => wanted.includes(id)).flatMap((id) => {
    const make = one[id]
    if (!make) return [named(several[id]!(runs))]
    return runs.map((run, r) => {
      const figure = named(make(run, runs))
      return runs.length === 1
        ? figure
        : { ...figure, file: `${figure.file}-${names[r]}`, title: `${figure.title}: ${run.id}` }
    })
  })
}

/** What is drawn per token says so in its name; of a log that knows no lengths nothing can be. */
const perToken = (figure: PaperFigure, runs: readonly PaperRun[]): PaperFigure => {
  if (!PER_TOKEN.includes(figure.id)) return figure
  const lost = runs.find((run) => figure.runs.includes(run.id) && !knowsLengths(run))
  if (lost) {
    const what = `Per token: ${lost.id} does not say how many tokens its responses have.`
    return notDrawn(figure, { what }, ...figure.lacks)
  }
  if (figure.panels.length === 0) return figure
  const differs = ['log π is per token; the paper’s figure has sums over tokens.', ...figure.differs]
  return { ...figure, file: `${figure.file}-per-token`, differs }
}
/** LBK′ and SignDelta′ are defined on sums, and App. E on single tokens. */
const PER_TOKEN: readonly FigureId[] = ['fig1', 'fig3', 'fig4', 'fig5', 'fig9']

export { learnedType, proxyOf } from './influence.ts'
export { PAPER_METRICS } from './metrics.ts'
export { FIGURES } from './model.ts'
export type { FigureId, HeatPanel, Label, Lack, PaperFigure, PaperPanel, PaperRun } from './model.ts'
export { ONE_COLUMN, paperSvg, TWO_COLUMNS } from './print.ts'
export { paperCsv, paperTable } from './table.ts'
export type { Table } from './table.ts'
