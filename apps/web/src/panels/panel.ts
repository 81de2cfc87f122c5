// A panel: what every figure of the viewer is made of. One model gives the drawing, its table, its CSV and its
// SVG, so that none can show what another does not (ux.md R11). Where a run lacks what a panel needs, the model
// says what, and which command would make it; the panel is then greyed, never hidden.
import { csvLine, describe, figure, rowsOf, textWidth, type Panel, type Size } from '@ldyn/figures'
import type { VNode } from 'preact'
import type { Command } from './making.ts'
import { bandOf, windowFor, type CurveLine, type CurvePanel } from '../drawing/align.ts'
import type { Trouble } from '../data/run-store.ts'

export type Cell = string | number | undefined

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface Missing {
  /** A sentence: what is not there, and why. */
  readonly what: string
  /** The command line that would make it. */
  readonly command?: Command
  /** What can be had in another way, and how. */
  readonly also?: { readonly what: string; readonly command: Command }
}

interface Named {
  /** Stands in addresses: stable, unique on its screen. */
  readonly id: string
  readonly title: string
  /** What is drawn, with its sign and unit: one or two sentences. */
  readonly says: string
  /** What is said once above several panels: said with this one where it stands by itself, in a file or on the page. */
  readonly apart?: string
  /** Cautions about these very numbers: known defects of a log, averages, thinning. */
  readonly notes?: readonly string[]
}

export interface CurvesModel extends Named {
  readonly kind: 'curves'
  readonly panel: CurvePanel
  readonly height?: number
}

/** Anything else: draws itself, and still has its table. */
export interface DrawnModel extends Named {
  readonly kind: 'drawn'
  readonly draw: () => VNode
  readonly table: () => Table
  /** A file that holds more than the page shows; else the file is what the page shows (shell/panel/picture.ts). */
  readonly svg?: () => string | undefined
}

export interface MissingModel extends Named {
  readonly kind: 'missing'
  readonly missing: Missing
}
export interface LoadingModel extends Named {
  readonly kind: 'loading'
  readonly part?: string
}
export interface TroubleModel extends Named {
  readonly kind: 'trouble'
  readonly trouble: Trouble
  readonly retry?: () => void
}

export type PanelModel = CurvesModel | DrawnModel | MissingModel | LoadingModel | TroubleModel

/** What a panel says where it stands by itself. */
export const saysAlone = ({ says, apart }: PanelModel): string => (apart === undefined ? says : `${says} ${apart}`)

const placeName = (step: number, stage: string): string => `${step} ${stage}`

/**
 * The table twin of a figure's panel: every number that is drawn, at full precision. Where the axis does not count
 * updates, the update stands beside it, unless runs differ in it.
 */
export const tableOf = (panel: CurvePanel): Table => {
  const { lines, xName } = panel
  const places = lines.map(
    ({ steps, stages }) => new Map(steps.map((step, i) => [placeName(step, stages[i]), i])),
  )
  const spread = lines.some(line => line.low)
  return {
    head: [
      ...(xName === undefined ? ['step'] : [xName, 'step']),
      'stage',
      ...lines.flatMap(({ key, se, low, smoothed }) => [
        key,
        ...(spread && low ? [`${key} low`, `${key} high`] : se ? [`${key} ± se`] : []),
        ...(smoothed ? [`${key} smoothed`] : []),
      ]),
    ],
    rows: rowsOf(panel).map(({ step, stage, values }) => {
      const at = places.map(place => place.get(placeName(step, stage)))
      const updates = new Set(lines.flatMap(({ updates }, l) => (at[l] === undefined ? [] : [updates?.[at[l]]])))
      return [
        ...(xName === undefined ? [step] : [step, updates.size === 1 ? [...updates][0] : undefined]),
        stage,
        ...values.flatMap((value, l): Cell[] => {
          const { low, high, se, smoothed } = lines[l]
          const i = value ? (at[l] ?? -1) : -1
          return [
            value?.mean,
            ...(spread && low ? [low[i], high?.[i]] : se ? [value?.se] : []),
            ...(smoothed ? [smoothed[i]] : []),
          ]
        }),
      ]
    }),
  }
}

/** The numbers of what is drawn; of curves, of the part that a zoom shows. */
export const tableFor = (model: PanelModel, zoom?: readonly [number, number]): Table | undefined =>
  model.kind === 'curves' ? tableOf(within(model.panel, zoom)) : model.kind === 'drawn' ? model.table() : undefined

/** RFC 4180, \n ends, all digits. */
export const csvOf = ({ head, rows }: Table): string =>
  `${[head, ...rows].map(csvLine).join('\n')}\n`

/** The part of a panel that a zoom shows: what is exported is what is drawn. */
export const within = (panel: CurvePanel, zoom: readonly [number, number] | undefined): CurvePanel => {
  if (!zoom) return panel
  const [from, to] = windowFor(panel, zoom)
  const lines = panel.lines.flatMap(line => {
    const kept = [...line.steps.keys()].filter(i => line.steps[i] >= from && line.steps[i] <= to)
    const pick = <T>(values: readonly T[]): T[] => kept.map(i => values[i])
    return kept.length === 0
      ? []
      : [
          {
            ...line,
            steps: pick(line.steps),
            stages: pick(line.stages),
            mean: pick(line.mean),
            ...(line.se && { se: pick(line.se) }),
            ...(line.low && { low: pick(line.low) }),
            ...(line.high && { high: pick(line.high) }),
            ...(line.smoothed && { smoothed: pick(line.smoothed) }),
            ...(line.updates && { updates: pick(line.updates) }),
          },
        ]
  })
  return { ...panel, lines }
}

/** A file stands alone: it is wide enough for what its lines' names mean, up to a page. */
const sizeFor = (lines: readonly CurveLine[]): { readonly size?: Size } => {
  if (lines.every(({ reading }) => reading === undefined)) return {}
  const longest = Math.max(...lines.map(({ label, reading }) => textWidth(`${label} ${reading ?? ''}`)))
  return { size: { width: Math.min(760, Math.max(580, Math.ceil((longest + 40) / 0.4))), height: 300 } }
}

/** The panel as an SVG file, made of its model; undefined where the file is what the page shows. */
export const svgFor = (
  model: PanelModel,
  zoom?: readonly [number, number],
  logX = false,
): string | undefined => {
  if (model.kind === 'drawn') return model.svg?.()
  if (model.kind !== 'curves') return undefined
  const { lines, ...rest } = within(model.panel, zoom)
  // The file has the band that the page has, or none.
  const band = bandOf(model.panel)
  const banded = band !== undefined
  const all = lines.flatMap(({ mean, low }) => [...mean, ...(banded && low ? low : [])])
  const bends = {
    ...(logX && { x: 'asinh' as const }),
    ...(rest.logY && { y: all.every(value => value > 0) ? ('log' as const) : ('asinh' as const) }),
  }
  const panel: Panel = {
    ...rest,
    bends,
    // A picture goes where its page does not: what its band is goes with it, and what was averaged.
    says: [saysAlone(model), banded ? `Band: ${band}.` : '', ...(model.notes ?? [])].filter(Boolean).join(' '),
    lines: lines.map(line => (banded ? line : { ...line, se: undefined, low: undefined, high: undefined })),
  }
  if (panel.lines.length === 0) return undefined
  return figure([panel], panel.title, sizeFor(lines))
}

/** One paragraph for those who cannot see the drawing. */
export const describeModel = (model: PanelModel): string =>
  model.kind === 'curves' && model.panel.lines.length > 0
    ? describe({ ...model.panel, says: saysAlone(model) })
    : saysAlone(model)
