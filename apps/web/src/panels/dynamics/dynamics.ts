// The curves of response types: what the paper's Figures 3 and 4 are made of, for any metric. One line a type,
// its colour, dash and marker always the same; sums over a response and values per token are never on one axis.
import { notesOn, placeName, stageMarks } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import type { Curves } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'
import type { CurveLine, CurvePanel } from '../../drawing/align.ts'
import type { View } from '../../state/address.ts'
import { linesOf } from '../lines.ts'
import { bandFor, textOf, unitText } from '../metrics.ts'
import { noProbes } from '../no-probes.ts'
import type { PanelModel } from '../panel.ts'
import { typesIn } from '../types.ts'
import { alongText, axesOf, onAxes, runOfKey, whyNot } from './axis.ts'
import { groupsOf } from './grouping.ts'
import { marksOf } from './marks.ts'

const missingMetric = (runs: readonly LiveData[], metric: string): PanelModel => ({
  id: 'dynamics',
  kind: 'missing',
  title: textOf(metric).title,
  says: textOf(metric).says,
  missing: runs.every(run => !run.probes)
    ? noProbes(runs[0])
    : runs.some(run => run.manifest.imported)
      ? { what: `The imported log does not hold ${textOf(metric).title} for any response type.` }
      : { what: 'The probes have not been evaluated yet.' },
})

/** What stands around lines of one metric: title, unit, stages, the band in words. */
const curvesModel = (
  runs: readonly LiveData[],
  view: Pick<View, 'metric' | 'per' | 'change' | 'versus' | 'spread' | 'smooth'>,
  lines: readonly CurveLine[],
  by: string,
): PanelModel => {
  const { metric, change, spread } = view
  const per = isSum(metric) ? view.per : 'response'
  const { title, says } = textOf(metric)
  // One value a line: of one probe, unless the log holds nothing but means.
  const single =
    lines.length > 0 &&
    lines.every(({ n }) => n === 1) &&
    !runs.some(run => run.manifest.imported?.meansOnly)
  const what = change
    ? `Change of ${title} since ${view.versus === undefined ? 'the first evaluation' : `${placeName(runs[0])} ${view.versus}`}`
    : title
  const panel: CurvePanel = {
    id: 'dynamics',
    section: 'logp',
    title: `${what} ${by}`,
    lines,
    stages: stageMarks(runs),
    zero: change,
    says,
    unit: unitText(metric, per, { change, single }),
    ...(!single && { band: bandFor(spread, change) }),
  }
  return {
    id: 'dynamics',
    kind: 'curves',
    title: panel.title,
    says: panel.says,
    panel,
    notes: [
      ...runs.flatMap(run => notesOn(run, [metric])),
      ...(view.smooth > 0
        ? [
            `Lines are a moving average (EMA ${view.smooth}, debiased) over the values, which are drawn faintly.`,
          ]
        : []),
    ],
  }
}

/** The panel of some lines, or why there are none. */
const orMissing = (
  runs: readonly LiveData[],
  view: View,
  lines: readonly CurveLine[],
  by: string,
): PanelModel => {
  const { metric, hidden } = view
  const { title, says } = textOf(metric)
  const reading = runs.some(
    run => run.probes && run.manifest.columns.metrics.includes(metric) && !run.rows.has(metric),
  )
  if (lines.length === 0 && reading) return { id: 'dynamics', kind: 'loading', title, says }
  const all = typesIn(runs)
  if (lines.length === 0 && (all.length === 0 || all.some(({ key }) => !hidden.includes(key))))
    return missingMetric(runs, metric)
  return curvesModel(runs, view, lines, by)
}

/** Curves of a metric, one a response type. */
export const dynamicsPanel = (runs: readonly LiveData[], curves: Curves, view: View): PanelModel => {
  const { metric, change, spread, hidden } = view
  const per = isSum(metric) ? view.per : 'response'
  const since = change ? (view.versus ?? 'first') : undefined
  const lines = typesIn(runs)
    .filter(({ key }) => !hidden.includes(key))
    .flatMap(type =>
      linesOf(runs, curves, { metric, type: type.key, per, spread, since, smooth: view.smooth }),
    )
  return orMissing(runs, view, lines, 'by response type')
}

/**
 * The main figure of the Dynamics screen: curves grouped as the view asks, on the axis that it asks for, with what
 * happened on the way. `said` are groups that are not drawn, and why.
 */
export const mainPanel = (runs: readonly LiveData[], curves: Curves, view: View): PanelModel => {
  const { metric, change, spread, hidden, along, logY } = view
  const per = isSum(metric) ? view.per : 'response'
  const since = change ? (view.versus ?? 'first') : undefined
  const { groups, by, said } = groupsOf(runs, curves, view)
  const lines = groups
    .filter(({ key }) => !hidden.includes(key))
    .flatMap(group =>
      linesOf(runs, curves, { metric, per, spread, since, smooth: view.smooth, ...group }),
    )
  const model = orMissing(runs, view, lines, by)
  if (model.kind !== 'curves') return model
  const axes = axesOf(runs, along)
  const why = runs.map(run => whyNot(run, along)).find(one => one !== undefined)
  const panel = onAxes({ ...model.panel, logY, marks: marksOf(runs[0]) }, axes, runOfKey(runs.length))
  return {
    ...model,
    panel,
    notes: [
      ...(model.notes ?? []),
      ...said,
      ...(why === undefined ? [] : [`The axis counts ${alongText(runs, 'step')}: ${why}.`]),
      ...(logY && lines.some(({ mean }) => mean.some(value => value <= 0))
        ? ['The vertical axis is asinh: logarithmic far from 0 on both sides of it, even near it.']
        : []),
    ],
  }
}
