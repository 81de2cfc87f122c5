// The figures of Compare: a type keeps its colour, the run is told by dash and letter; beyond a dozen runs a type is
// one band.
import { letter, runDash, stageMarks, type Look } from '@ldyn/figures'
import { pointAt, valueRange, type Axis, type CurveLine, type CurvePanel } from '../../drawing/align.ts'
import { bundleOf, type Bundle } from './data.ts'
import type { Compared, Comparison, Line } from './comparison.ts'
import { bandFor, capital, textOf, unitText } from '../metrics.ts'
import { namedType, typesIn } from '../types.ts'
import type { CurvesModel } from '../panel.ts'

/** More runs than this share a band. */
export const MOST_LINES = 12

const panelOf = (
  comparison: Comparison,
  axes: readonly Axis[] | undefined,
  own: Pick<CurvePanel, 'id' | 'title' | 'says' | 'lines'> & Partial<CurvePanel>,
): CurvesModel => {
  const { runs, view } = comparison
  const panel: CurvePanel = {
    section: 'overview',
    zero: view.change,
    unit: unitText(view.metric, view.per, { change: view.change }),
    band: bandFor(view.spread, view.change),
    stages: stageMarks(runs, axes && ((step, r) => axes[r].at(step))),
    ...(axes && { axis: axes[0], xName: axes[0].name }),
    ...own,
  }
  return { id: panel.id, kind: 'curves', title: panel.title, says: panel.says, apart: metricSays(comparison), panel }
}

/** What all figures of a comparison show, said once above them; each one's own caption says of what. */
export const metricSays = ({ baseline, view }: Pick<Comparison, 'baseline' | 'view'>): string => {
  const { says } = textOf(view.metric)
  if (view.mode !== 'minus') return says
  return `${says} Each line is a run less ${letter(baseline)}, on the probes that both have: above 0 the run has more of it.`
}

/** The name of a run's line where the figure says the type: its letter, with the run behind it. */
const namedRun = ({ names }: Comparison, r: number): Pick<CurveLine, 'label' | 'reading'> => ({
  label: letter(r),
  reading: names[r],
})

/** A line through what a bundle has in the middle, with the band that is asked for. */
const bundleLine = (
  bundle: Bundle,
  own: { key: string; label: string; reading?: string; look: Look; type: string },
  middle: 'median' | 'mean',
  band: 'quartiles' | 'range' | 'none',
  of: Pick<CurveLine, 'steps' | 'stages'>,
): CurveLine => ({
  ...own,
  steps: bundle.steps,
  // Runs may be in different stages at one place: the one named is that of the first.
  stages: bundle.steps.map(x => of.stages[Math.max(0, pointAt(of.steps, x))]),
  mean: bundle[middle],
  n: Math.max(...bundle.n),
  ...(band === 'quartiles' ? { low: bundle.q1, high: bundle.q3 } : {}),
  ...(band === 'range' ? { low: bundle.low, high: bundle.high } : {}),
})

/** One panel a type: every run a line; groups of seeds one line each; many runs one band with the baseline in it. */
export const overlayPanels = (
  comparison: Comparison,
  lines: readonly Line[],
  axes: readonly Axis[] | undefined,
): readonly CurvesModel[] => {
  const { runs, names, groups, baseline, view } = comparison
  const grouped = groups.some(({ length }) => length > 1)
  return typesIn(runs).flatMap(type => {
    const own = lines.filter(line => line.type === type.key)
    if (own.length === 0) return []
    const id = `only-${type.key}`
    const base = { id, title: type.key, says: `${capital(type.says)}.` }
    if (groups.length > MOST_LINES) {
      const range = view.spread === 'range'
      const first = own.find(({ run }) => run === baseline)
      const bundle = bundleOf(own)
      const all = { key: 'all runs', label: 'median', look: { ...type.look, dash: '', width: 2.4 }, type: type.key }
      return [
        panelOf(comparison, axes, {
          ...base,
          lines: [
            bundleLine(bundle, all, 'median', view.spread === 'none' ? 'none' : range ? 'range' : 'quartiles', first ?? own[0]),
            ...(first
              ? [
                  {
                    ...first,
                    ...namedRun(comparison, baseline),
                    look: { ...first.look, dash: '4 4', width: 1.4 },
                    se: undefined,
                    low: undefined,
                    high: undefined,
                  },
                ]
              : []),
          ],
          band:
            view.spread === 'none'
              ? undefined
              : range
                ? `lowest to highest of the ${own.length} runs`
                : `middle half of the ${own.length} runs (quartiles); their line is the median`,
        }),
      ]
    }
    if (grouped) {
      const bundles = groups.flatMap((members, g) => {
        const mine = own.filter(({ run }) => members.includes(run))
        if (mine.length === 0) return []
        const name = members.map(letter).join('')
        const look = { ...type.look, dash: runDash(g) }
        return [
          bundleLine(
            bundleOf(mine),
            {
              key: `${type.key} ${name}`,
              label: name,
              reading: members.length > 1 ? `${members.length} seeds` : names[members[0]],
              look,
              type: type.key,
            },
            'mean',
            view.spread === 'none' ? 'none' : 'range',
            mine[0],
          ),
        ]
      })
      return [
        panelOf(comparison, axes, {
          ...base,
          lines: bundles,
          band: view.spread === 'none' ? undefined : 'lowest to highest of the seeds; the line is their mean',
        }),
      ]
    }
    const named = own.map(line => ({ ...line, ...namedRun(comparison, line.run) }))
    return [panelOf(comparison, axes, { ...base, lines: named })]
  })
}

/** One panel a run, all on one scale. */
export const sidePanels = (
  comparison: Comparison,
  lines: readonly Line[],
  axes: readonly Axis[] | undefined,
): readonly CurvesModel[] => {
  const { runs, names, view } = comparison
  const shown = lines.filter(({ type, run }) => !view.hidden.includes(type) && run < MOST_LINES)
  const made = runs.slice(0, MOST_LINES).map((run, r) => {
    const types = typesIn([run])
    return panelOf(comparison, axes, {
      id: `run-${r}`,
      title: `${letter(r)} ${names[r]}`,
      says: 'Every response type of this run; all runs on one scale.',
      stages: stageMarks([run], axes && (step => axes[r].at(step))),
      lines: shown
        .filter(line => line.run === r)
        .map(line => ({
          ...line,
          key: line.type,
          ...namedType(line.type),
          look: types.find(({ key }) => key === line.type)?.look ?? line.look,
        })),
    })
  })
  const ranges = made.map(({ panel }) => valueRange(panel, { from: -Infinity, to: Infinity }))
  const range = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))] as const
  return made.map(model => ({ ...model, panel: { ...model.panel, range } }))
}

/** One panel a type: each run less the baseline. */
export const minusPanels = (
  comparison: Comparison,
  differences: Compared['differences'],
  axes: readonly Axis[] | undefined,
): readonly CurvesModel[] => {
  const { runs, names, baseline, groups, view } = comparison
  return typesIn(runs).flatMap(type => {
    const found = differences.get(type.key) ?? []
    const lines = found.flatMap((difference, r): CurveLine[] =>
      difference && r !== baseline
        ? [
            {
              key: `${type.key} ${letter(r)}`,
              label: `${letter(r)} − ${letter(baseline)}`,
              reading: `${names[r]} less ${names[baseline]}`,
              type: type.key,
              look: { ...type.look, dash: runDash(r) },
              steps: difference.steps,
              ...(axes && { updates: difference.updates }),
              stages: difference.stages,
              mean: difference.mean,
              se: difference.se,
              n: difference.n,
            },
          ]
        : [],
    )
    if (lines.length === 0) return []
    const many = groups.length > MOST_LINES
    const all = { key: 'all runs', label: `median of ${lines.length}`, look: type.look, type: type.key }
    return [
      panelOf(comparison, axes, {
        id: `minus-${type.key}`,
        title: `${type.key}: less ${letter(baseline)}`,
        says: `${capital(type.says)}.`,
        unit: unitText(view.metric, view.per, { less: letter(baseline) }),
        zero: true,
        lines: many ? [bundleLine(bundleOf(lines), all, 'median', 'quartiles', lines[0])] : lines,
        band: many
          ? `middle half of the ${lines.length} runs (quartiles); the line is the median`
          : '± one standard error of the paired differences',
      }),
    ]
  })
}
