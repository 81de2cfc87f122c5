// The figures of Compare: a type keeps its colour, the run is told by dash and letter; beyond a dozen runs a type is
// one band. Every builder is a generator that stops between two curves, since there may be fifty runs.
import { inOrder, letter, runDash, stageMarks, type Look } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import type { Curves } from '../data/curves.ts'
import type { LiveData } from '../data/live-run.ts'
import { pointAt, valueRange, type Axis, type CurveLine, type CurvePanel } from '../drawing/align.ts'
import type { View } from '../state/address.ts'
import { whyNot } from './axis.ts'
import { bundleOf, differenceOf, divergenceAt, overSeeds, type Bundle, type Difference } from './compare-data.ts'
import { bandText, linesOf, perText, textOf, typesIn } from './dynamics.ts'
import type { CurvesModel } from './panel.ts'
import { alignedStage, comparedAxes, whyNotAligned } from './stage-axis.ts'

/** More runs than this share a band. */
export const MOST_LINES = 12

/** What is asked of the runs; runs that differ in their seed alone may be one group. */
export interface Comparison {
  readonly runs: readonly LiveData[]
  readonly groups: readonly (readonly number[])[]
  readonly baseline: number
  readonly view: Pick<View, 'metric' | 'per' | 'spread' | 'change' | 'versus' | 'along' | 'mode' | 'hidden' | 'alignAt'>
}

export interface Compared {
  readonly panels: readonly CurvesModel[]
  /** By type and run, against the baseline; undefined where they share no probe. */
  readonly differences: ReadonlyMap<string, readonly (Difference | undefined)[]>
  readonly ends: readonly End[]
  readonly notes: readonly string[]
  /** The step of the cursor, which counts the first run's updates, at an update of another. */
  readonly cursorAt: (run: number, step: number) => number
}

/** Where one run ended, by type. */
export interface End {
  readonly run: number
  readonly type: string
  readonly last: number
  readonly change: number
  /** Undefined for one value, which says nothing of its noise. */
  readonly changeSe: number | undefined
  /** Against the baseline, paired, at the last evaluation that both cover. */
  readonly difference?: { readonly mean: number; readonly se: number | undefined; readonly at: number }
}

type Line = CurveLine & { readonly run: number; readonly type: string }

const perOf = ({ metric, per }: Comparison['view']): View['per'] => (isSum(metric) ? per : 'response')

/** The update of a run that lies where the first one's `step` does. */
const stepIn = (axes: readonly Axis[] | undefined, run: number, step: number): number =>
  axes === undefined || run === 0 ? step : Math.round(axes[run].stepAt(axes[0].at(step)))

/** All curves of all runs on their axes, one run's curve of one type at a time. */
function* linesOfAll(
  { runs, view }: Comparison,
  curves: Curves,
  axes: readonly Axis[] | undefined,
): Generator<void, readonly Line[]> {
  const lines: Line[] = []
  const { metric, spread, change, versus } = view
  for (const { key } of typesIn(runs)) {
    for (const [r, run] of runs.entries()) {
      const [line] = linesOf([run], curves, {
        metric,
        type: key,
        per: perOf(view),
        spread,
        // A step is the first run's: the others' is the one at the same place.
        since: !change ? undefined : versus === undefined ? 'first' : stepIn(axes, r, versus),
      })
      if (line) {
        const steps = axes ? line.steps.map(axes[r].at) : line.steps
        lines.push({
          ...line,
          run: r,
          type: key,
          key: `${key} ${letter(r)}`,
          label: `${letter(r)} ${line.label}`,
          look: { ...line.look, dash: runDash(r) },
          ...(axes && { steps, updates: line.steps }),
        })
      }
      yield
    }
  }
  return lines
}

const panelOf = (
  { runs, view }: Comparison,
  axes: readonly Axis[] | undefined,
  own: Pick<CurvePanel, 'id' | 'title' | 'says' | 'lines'> & Partial<CurvePanel>,
): CurvesModel => {
  const { title, unit } = textOf(view.metric)
  const per = perText(view.metric, view.per)
  const panel: CurvePanel = {
    section: 'overview',
    zero: view.change,
    unit: `${view.change ? 'Δ ' : ''}${title}, ${per}${unit && ` (${unit})`}`,
    band: bandText[view.spread],
    stages: stageMarks(runs, axes && ((step, r) => axes[r].at(step))),
    ...(axes && { axis: axes[0], xName: axes[0].name }),
    ...own,
  }
  return { id: panel.id, kind: 'curves', title: panel.title, says: panel.says, panel }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const saysOf = (comparison: Comparison, says: string): string => {
  const { title } = textOf(comparison.view.metric)
  return `${capital(says)}. ${title}, ${perText(comparison.view.metric, comparison.view.per)}; mean over probes.`
}

/** A line through what a bundle has in the middle, with the band that is asked for. */
const bundleLine = (
  bundle: Bundle,
  own: { key: string; label: string; look: Look; type: string },
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
const overlayPanels = (
  comparison: Comparison,
  lines: readonly Line[],
  axes: readonly Axis[] | undefined,
): readonly CurvesModel[] => {
  const { runs, groups, baseline, view } = comparison
  const grouped = groups.some(({ length }) => length > 1)
  return typesIn(runs).flatMap(type => {
    const own = lines.filter(line => line.type === type.key)
    if (own.length === 0) return []
    const id = `only-${type.key}`
    const base = { id, title: type.key, says: saysOf(comparison, type.says) }
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
                    label: letter(baseline),
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
            { key: `${type.key} ${name}`, label: `${name} ${type.short}`, look, type: type.key },
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
    return [panelOf(comparison, axes, { ...base, lines: own })]
  })
}

/** One panel a run, all on one scale. */
const sidePanels = (
  comparison: Comparison,
  lines: readonly Line[],
  axes: readonly Axis[] | undefined,
): readonly CurvesModel[] => {
  const { runs, view } = comparison
  const shown = lines.filter(({ type, run }) => !view.hidden.includes(type) && run < MOST_LINES)
  const made = runs.slice(0, MOST_LINES).map((run, r) => {
    const types = typesIn([run])
    return panelOf(comparison, axes, {
      id: `run-${r}`,
      title: `${letter(r)} ${run.id}`,
      says: saysOf(comparison, 'every response type of this run; all runs on one scale'),
      stages: stageMarks([run], axes && (step => axes[r].at(step))),
      lines: shown
        .filter(line => line.run === r)
        .map(line => ({
          ...line,
          key: line.type,
          label: line.label.replace(/^[A-Z]+ /, ''),
          look: types.find(({ key }) => key === line.type)?.look ?? line.look,
        })),
    })
  })
  const ranges = made.map(({ panel }) => valueRange(panel, { from: -Infinity, to: Infinity }))
  const range = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))] as const
  return made.map(model => ({ ...model, panel: { ...model.panel, range } }))
}

/** One panel a type: each run less the baseline. */
const minusPanels = (
  comparison: Comparison,
  differences: Compared['differences'],
  axes: readonly Axis[] | undefined,
): readonly CurvesModel[] => {
  const { runs, baseline, groups, view } = comparison
  const { title } = textOf(view.metric)
  return typesIn(runs).flatMap(type => {
    const found = differences.get(type.key) ?? []
    const lines = found.flatMap((difference, r): CurveLine[] =>
      difference && r !== baseline
        ? [
            {
              key: `${type.key} ${letter(r)}`,
              label: `${letter(r)} − ${letter(baseline)}`,
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
        says: `${capital(type.says)}. ${title}, ${perText(view.metric, view.per)}: the run less ${letter(baseline)}, the same probes; above 0 it is more probable in the run.`,
        zero: true,
        lines: many ? [bundleLine(bundleOf(lines), all, 'median', 'quartiles', lines[0])] : lines,
        band: many
          ? `middle half of the ${lines.length} runs (quartiles); the line is the median`
          : '± one standard error of the paired differences',
      }),
    ]
  })
}

/** Everything that the screen shows of these runs. */
export function* compareAll(comparison: Comparison, curves: Curves): Generator<void, Compared> {
  const { runs, view, baseline } = comparison
  const stage = alignedStage(runs, view.alignAt)
  const axes = comparedAxes(runs, view.along, stage)
  const unaligned = whyNotAligned(runs, view.alignAt)
  const why = runs.flatMap((run, r) => {
    const text = whyNot(run, view.along)
    return text === undefined ? [] : [`${letter(r)}: ${text}`]
  })
  const lines = yield* linesOfAll(comparison, curves, axes)
  const differences = new Map<string, (Difference | undefined)[]>()
  const ends: End[] = []
  for (const { key } of typesIn(runs)) {
    const own: (Difference | undefined)[] = []
    for (const [r, run] of runs.entries()) {
      own.push(
        r === baseline
          ? undefined
          : differenceOf(run, runs[baseline], {
              metric: view.metric,
              type: key,
              per: perOf(view),
              ...(axes && { axis: axes[r], baseAxis: axes[baseline] }),
            }),
      )
      const request = { metric: view.metric, type: key, per: perOf(view), spread: 'se' as const }
      const [value] = linesOf([run], curves, request)
      const [moved] = linesOf([run], curves, { ...request, since: 'first' })
      if (value && moved) {
        const last = value.mean.length - 1
        const difference = own[r]
        const at = difference ? difference.mean.length - 1 : -1
        ends.push({
          run: r,
          type: key,
          last: value.mean[last],
          change: moved.mean.at(-1)!,
          changeSe: (moved.n ?? 0) > 1 ? moved.se?.at(-1) : undefined,
          ...(difference &&
            at >= 0 && {
              difference: {
                mean: difference.mean[at],
                se: difference.n > 1 ? difference.se[at] : undefined,
                at: difference.updates[at],
              },
            }),
        })
      }
      yield
    }
    differences.set(key, own)
  }
  const panels =
    view.mode === 'side'
      ? sidePanels(comparison, lines, axes)
      : view.mode === 'minus'
        ? minusPanels(comparison, differences, axes)
        : overlayPanels(comparison, lines, axes)
  return {
    panels,
    differences,
    ends,
    cursorAt: (run, step) => (axes ? Math.max(0, Math.round(axes[0].stepAt(axes[run].at(step)))) : step),
    notes: [
      ...(why.length > 0 ? [`The axis counts updates. ${why.slice(0, 3).join('; ')}.`] : []),
      ...(unaligned === undefined ? [] : [unaligned]),
      ...(view.mode === 'side' && runs.length > MOST_LINES
        ? [`The first ${MOST_LINES} of ${runs.length} runs stand side by side; the table has all.`]
        : []),
    ],
  }
}

export interface Parting {
  readonly run: number
  readonly type: string
  /** The run's own update. */
  readonly step: number
  readonly mean: number
  readonly se: number
  readonly n: number
}

/** By run, the types in which it parts from the baseline, the earliest first. */
export const partings = ({ differences }: Pick<Compared, 'differences'>): readonly Parting[] =>
  [...differences].flatMap(([type, own]) =>
    own.flatMap((difference, run): Parting[] => {
      const at = difference ? divergenceAt(difference) : -1
      return difference && at >= 0
        ? [
            {
              run,
              type,
              step: difference.updates[at],
              mean: difference.mean[at],
              se: difference.se[at],
              n: difference.n,
            },
          ]
        : []
    }),
  ).sort((a, b) => a.step - b.step || a.run - b.run)

/** The last values of groups of seeds, by type: mean and 95 % interval over seeds. */
export const seedEnds = (
  ends: readonly End[],
  groups: readonly (readonly number[])[],
): readonly {
  readonly group: number
  readonly type: string
  readonly mean: number
  readonly half: number | undefined
  readonly n: number
}[] =>
  inOrder([...new Set(ends.map(({ type }) => type))]).flatMap(({ key }) =>
    groups.flatMap((members, group) => {
      const values = ends.filter(end => end.type === key && members.includes(end.run)).map(({ last }) => last)
      return values.length === 0 ? [] : [{ group, type: key, n: values.length, ...overSeeds(values) }]
    }),
  )

