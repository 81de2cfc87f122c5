// Comparing any number of runs: all their curves, their differences to the baseline and where they ended. A generator
// that stops between two curves, since there may be fifty runs (data/sliced.ts).
import { letter, runDash } from '@ldyn/figures'
import { isSum } from '@ldyn/runs'
import type { Curves } from '../../data/curves.ts'
import type { Axis } from '../../drawing/align.ts'
import type { View } from '../../state/address.ts'
import { alongText, whyNot } from '../dynamics/axis.ts'
import { differenceOf, type Difference } from './data.ts'
import { minusPanels, MOST_LINES, overlayPanels, sidePanels } from './panels.ts'
import type { Compared, Comparison, End, Line } from './comparison.ts'
import { linesOf } from '../lines.ts'
import { typesIn } from '../types.ts'
import { alignedStage, comparedAxes, whyNotAligned } from './stage-axis.ts'

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
          look: { ...line.look, dash: runDash(r) },
          ...(axes && { steps, updates: line.steps }),
        })
      }
      yield
    }
  }
  return lines
}

/** Where a run ended with a type; undefined where it has no values of it. */
const endOf = (
  { runs, view }: Comparison,
  curves: Curves,
  type: string,
  run: number,
  difference: Difference | undefined,
): End | undefined => {
  const request = { metric: view.metric, type, per: perOf(view), spread: 'se' as const }
  const [value] = linesOf([runs[run]], curves, request)
  const [moved] = linesOf([runs[run]], curves, { ...request, since: 'first' })
  if (!value || !moved) return undefined
  const at = difference ? difference.mean.length - 1 : -1
  return {
    run,
    type,
    last: value.mean.at(-1)!,
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
  }
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
      const end = endOf(comparison, curves, key, r, own[r])
      if (end) ends.push(end)
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
      ...(why.length > 0 ? [`The axis counts ${alongText(runs, 'step')}. ${why.slice(0, 3).join('; ')}.`] : []),
      ...(unaligned === undefined ? [] : [unaligned]),
      ...(view.mode === 'side' && runs.length > MOST_LINES
        ? [`The first ${MOST_LINES} of ${runs.length} runs stand side by side; the table has all.`]
        : []),
    ],
  }
}
