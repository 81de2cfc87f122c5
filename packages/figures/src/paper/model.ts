/**
 * A figure of the paper, made from a run: what is drawn, in words and numbers. Print (print.ts) and CSV (table.ts) are
 * both made from this and from nothing else, so that neither can show what the other does not.
 */
import type { DecompositionLine, Per } from '@ldyn/runs'
import type { Panel } from '../lines.ts'
import type { Look } from '../response-types.ts'
import type { RunData } from '../series.ts'

/** A run; `updates` are the updates that it decomposed (observe.decompose), where they were read. */
export interface PaperRun extends RunData {
  readonly updates?: readonly DecompositionLine[]
  /** Sums over a response's tokens are drawn divided by their number. */
  readonly per?: Per
}

export const FIGURES = ['fig1', 'fig3', 'fig4', 'fig5', 'fig8', 'fig9', 'appE'] as const
export type FigureId = (typeof FIGURES)[number]

/** A name as print sets it: a base in italics with what stands above and below the line. */
export interface Sign {
  readonly base: string
  readonly sup?: string
  readonly sub?: string
  /** The base is no symbol: not in italics. */
  readonly upright?: boolean
}
export type Label = string | Sign

export interface Curve {
  /** In the CSV. */
  readonly key: string
  readonly label: Label
  readonly look: Look
  readonly x: readonly number[]
  readonly y: readonly number[]
  /** Half the height of the band. */
  readonly error?: readonly number[]
  /** What `y` was before smoothing. */
  readonly raw?: readonly number[]
  /** A fit or another line that was not measured: thin, without markers. */
  readonly thin?: boolean
}

interface Titled {
  readonly title: string
}

export interface CurvesPanel extends Titled {
  readonly kind: 'curves'
  readonly xLabel: string
  readonly yLabel: string
  readonly curves: readonly Curve[]
  readonly stages: Panel['stages']
  /** A line at 0 means something. */
  readonly zero?: boolean
  /** Names at the ends of the lines; without them the legend has to do. */
  readonly ends: boolean
}

export interface Bar {
  readonly key: string
  readonly label: Label
  readonly look: Look
  readonly value: number
  readonly error?: number
}

export interface BarsPanel extends Titled {
  readonly kind: 'bars'
  readonly xLabel: string
  readonly bars: readonly Bar[]
}

export interface HeatPanel extends Titled {
  readonly kind: 'heat'
  readonly xLabel: string
  readonly yLabel: string
  readonly rows: readonly { readonly key: string; readonly label: Label }[]
  readonly columns: readonly { readonly key: string; readonly label: Label }[]
  /** [row][column]; undefined where nothing is known. */
  readonly values: readonly (readonly (number | undefined)[])[]
  /** What the values were made from, in the same places: influence before each column was divided. */
  readonly raw?: readonly (readonly (number | undefined)[])[]
  /** Diverging around 0, or from 0 up. */
  readonly scale: 'diverging' | 'sequential'
  /** What the numbers of the scale are. */
  readonly unit: string
}

/** Two distributions over the same places, as steps: before in grey, after in blue. */
export interface StepsPanel extends Titled {
  readonly kind: 'steps'
  readonly xLabel: string
  readonly yLabel: string
  readonly places: readonly string[]
  readonly before: readonly number[]
  readonly after: readonly number[]
  /** The values are log₁₀ of probabilities, and the axis says so. */
  readonly log: boolean
  /** Places that the update was on, by index. */
  readonly marks: readonly { readonly at: number; readonly text: string; readonly up: boolean }[]
}

export type PaperPanel = CurvesPanel | BarsPanel | HeatPanel | StepsPanel

/** What the runs do not hold, and the command that would make it. */
export interface Lack {
  readonly what: string
  readonly command?: string
}

export interface PaperFigure {
  readonly id: FigureId
  /** "Figure 3", "Appendix E". */
  readonly name: string
  /** Of the file, without ending: unique among the figures made together. */
  readonly file: string
  /** Ids of the runs that it shows. */
  readonly runs: readonly string[]
  readonly title: string
  /** Computed from the numbers drawn. */
  readonly caption: string
  /** Where data, model or drawing are not the paper's. */
  readonly differs: readonly string[]
  readonly lacks: readonly Lack[]
  /** None where there is nothing to draw. */
  readonly panels: readonly PaperPanel[]
  /** Panels side by side at the full width of a page. */
  readonly across: number
  readonly legend: readonly {
    readonly key: string
    readonly label: Label
    readonly says: string
    readonly look: Look
  }[]
}

/** A figure of which nothing can be drawn, and what it takes to have it. */
export const notDrawn = (
  about: Pick<PaperFigure, 'id' | 'name' | 'file' | 'runs' | 'title' | 'across'>,
  ...lacks: readonly Lack[]
): PaperFigure => ({ ...about, caption: '', differs: [], lacks, panels: [], legend: [] })
