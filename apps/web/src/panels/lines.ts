// Lines of a metric: one for each run that has it, of one response type or of whatever else a group is the mean of.
// A type keeps its colour, dash and marker everywhere; where there are several runs the dash says the run.
import { letter, runDash, stepName, type Look } from '@ldyn/figures'
import type { Curves, Units } from '../data/curves.ts'
import { evaluationAt } from '../data/evaluation.ts'
import type { LiveData } from '../data/live-run.ts'
import { smooth, type CurveLine } from '../drawing/align.ts'
import type { Spread, View } from '../state/address.ts'
import { lookOf, namedType } from './types.ts'

export interface LineRequest {
  readonly metric: string
  readonly type: string
  readonly per: View['per']
  readonly spread: Spread
  /** Changes since this step. */
  readonly since?: number | 'first'
  readonly smooth?: number
  /** What the lines are called, where that is not their type; behind it what that means. */
  readonly label?: string
  readonly reading?: string
  readonly look?: Look
  readonly key?: string
  /** What one value of the line is the mean of, where it is not one response of the type. */
  readonly units?: (run: LiveData) => Units | undefined
}

// All lines of a run have the same steps: whoever draws them tells by the array that they do.
const placesKept = new WeakMap<LiveData, Pick<CurveLine, 'steps' | 'stages' | 'counts'>>()

const placesOf = (run: LiveData): Pick<CurveLine, 'steps' | 'stages' | 'counts'> => {
  let found = placesKept.get(run)
  if (!found) {
    found = {
      steps: run.evaluations.map(({ step }) => step),
      stages: run.evaluations.map(({ stage }) => stage),
      ...(stepName(run) === 'evaluation' && { counts: 'evaluation' }),
    }
    placesKept.set(run, found)
  }
  return found
}

/** One line for each run that has it; the dash says the run where there are several. */
export const linesOf = (
  runs: readonly LiveData[],
  curves: Curves,
  request: LineRequest,
): readonly CurveLine[] =>
  runs.flatMap((run, r): CurveLine[] => {
    const { metric, type, per, spread, since } = request
    const base = since === undefined ? undefined : since === 'first' ? 0 : evaluationAt(run, since)
    const units = request.units?.(run)
    if (request.units && !units) return []
    const curve = curves.of(run, { metric, type, per, spread, since: base, units })
    if (!curve || curve.mean.length === 0) return []
    const look = lookOf(run.types, type)
    const { label, reading } = request.label === undefined ? namedType(type) : { ...request, label: request.label }
    const key = request.key ?? type
    const many = runs.length > 1
    const own = request.look ?? look
    return [
      {
        key: many ? `${key} ${letter(r)}` : key,
        type,
        label: many ? `${letter(r)} ${label}` : label,
        ...(reading !== undefined && { reading }),
        look: many ? { ...own, dash: runDash(r) } : own,
        ...placesOf(run),
        mean: curve.mean,
        se: curve.se,
        n: curve.n,
        ...(spread === 'iqr' || spread === 'range' || spread === 'boot' ? { low: curve.low, high: curve.high } : {}),
        ...(request.smooth ? { smoothed: smooth(curve.mean, request.smooth) } : {}),
      },
    ]
  })
