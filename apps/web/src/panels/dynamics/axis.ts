// What the horizontal axis can count beside updates (ux.md §5.3, §5.8): examples learned, tokens, minutes on the
// wall. Each is read off the run, never guessed: where the run does not say, it is not offered, with why.
import { letter, stepName } from '@ldyn/figures'
import type { Json } from '@ldyn/runs'
import type { LiveData } from '../../data/live-run.ts'
import type { Axis, CurveLine, CurvePanel } from '../../drawing/align.ts'
import type { Along } from '../../state/address.ts'

type Point = readonly [step: number, x: number]

/** A rising piecewise linear map through points, and its inverse; beyond the ends the last slope goes on. */
export const throughPoints = (name: string, points: readonly Point[]): Axis => {
  const between = (from: 0 | 1, to: 0 | 1) => (value: number): number => {
    let [i, end] = [0, points.length - 1]
    while (i < end) {
      const middle = (i + end) >> 1
      if (points[middle][from] > value) end = middle
      else i = middle + 1
    }
    const [a, b] = [points[Math.max(0, i - 1)], points[Math.max(1, i)] ?? points[0]]
    const wide = b[from] - a[from]
    return wide > 0 ? a[to] + ((value - a[from]) / wide) * (b[to] - a[to]) : a[to]
  }
  return { name, at: between(0, 1), stepAt: between(1, 0) }
}

const asRecord = (value: Json | undefined): { readonly [key: string]: Json } | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : undefined

/** Examples that one update of a stage learns (a pair is one); undefined where the settings do not say. */
export const examplesAnUpdate = (
  { manifest }: Pick<LiveData, 'manifest'>,
  stage: string,
): number | undefined => {
  const stages = asRecord(manifest.config)?.stages
  const own = (Array.isArray(stages) ? (stages as readonly Json[]) : [])
    .map(asRecord)
    .find(one => one?.name === stage)
  const [batch, accumulate] = [own?.batch, own?.accumulate ?? 1]
  return typeof batch === 'number' && typeof accumulate === 'number' && batch > 0 && accumulate > 0
    ? batch * accumulate
    : undefined
}

const examplePoints = (run: LiveData): readonly Point[] | undefined => {
  const points: Point[] = [[0, 0]]
  for (const { name, from, to } of run.stages) {
    const each = examplesAnUpdate(run, name)
    if (each === undefined) return undefined
    const [start, had] = points.at(-1)!
    if (to > start) points.push([to, had + (to - Math.max(from, start)) * each])
  }
  return points.length > 1 ? points : undefined
}

/** Names under which trainers log how many tokens were learned so far. */
const TOKENS = ['num_tokens', 'num_input_tokens_seen', 'tokens']

const risen = (steps: ArrayLike<number>, values: ArrayLike<number>): Point[] => {
  const points: Point[] = []
  for (let i = 0; i < steps.length; i++) {
    const last = points.at(-1)
    // Of a step that was done again, and of a clock that was set back, the later point stands no lower.
    if (last && steps[i] <= last[0]) continue
    points.push([steps[i], Math.max(last?.[1] ?? -Infinity, values[i])])
  }
  return points
}

const tokenColumn = (run: LiveData) => TOKENS.map(name => run.scalars.get(name)).find(Boolean)

const tokenPoints = (run: LiveData): readonly Point[] | undefined => {
  const column = tokenColumn(run)
  const points = column && risen(column.steps, column.values)
  return points && points.length > 0 && points.at(-1)![1] > 0 ? [[0, 0], ...points.filter(([s]) => s > 0)] : undefined
}

interface Clock {
  readonly steps: ArrayLike<number>
  readonly times: ArrayLike<number>
  /** When the run began. */
  readonly began: number
}

/** The longest column of the log, which has the time of every update; undefined where no time has passed. */
const clockOf = (run: LiveData): Clock | undefined => {
  if (run.manifest.imported) return undefined
  const column = [...run.scalars.values()].reduce<Omit<Clock, 'began'> | undefined>(
    (longest, one) => (!longest || one.steps.length > longest.steps.length ? one : longest),
    undefined,
  )
  if (!column || column.steps.length === 0) return undefined
  const began = run.events.find(event => event.type === 'stage' && event.edge === 'start')?.t ?? column.times[0]
  for (let i = column.times.length - 1; i >= 0; i--) if (column.times[i] > began) return { ...column, began }
  return undefined
}

/** Milliseconds since the run began, by step. */
const wallPoints = (run: LiveData): readonly Point[] | undefined => {
  const column = clockOf(run)
  if (!column) return undefined
  const { began } = column
  const points = risen(column.steps, Array.from(column.times, t => Math.max(0, t - began)))
  return points.at(-1)![1] > 0 ? [[0, 0], ...points.filter(([s]) => s > 0)] : undefined
}

const pointsOf = (run: LiveData, along: Exclude<Along, 'step'>): readonly Point[] | undefined =>
  along === 'examples' ? examplePoints(run) : along === 'tokens' ? tokenPoints(run) : wallPoints(run)

/** What an axis of some runs counts: a recorded log may have evaluations where another run has updates. */
export const alongText = (runs: readonly Pick<LiveData, 'manifest'>[], along: Along): string =>
  along === 'step'
    ? [...new Set(runs.map(run => `${stepName(run)}s`))].sort().reverse().join(' or ')
    : along === 'wall'
      ? 'wall time'
      : along

/** Whether there are points, without making them: of a run that grows this is asked at every tick. */
const goesAlong = (run: LiveData, along: Exclude<Along, 'step'>): boolean =>
  along === 'examples'
    ? examplePoints(run) !== undefined
    : along === 'tokens'
      ? (tokenColumn(run)?.values.findLast(value => value > 0) ?? 0) > 0
      : clockOf(run) !== undefined

/** Why a run cannot be drawn along something; undefined where it can. */
export const whyNot = (run: LiveData, along: Along): string | undefined =>
  along === 'step' || goesAlong(run, along)
    ? undefined
    : along === 'examples'
      ? 'the run’s settings do not say how many examples an update learns'
      : along === 'tokens'
        ? 'the training log has no column of tokens'
        : 'the training log has no times'

const units = [
  [3_600_000, 'hours'],
  [60_000, 'minutes'],
  [1_000, 'seconds'],
] as const

/** The axes of some runs, in one unit; undefined for updates, and where one of the runs does not know it. */
export const axesOf = (runs: readonly LiveData[], along: Along): readonly Axis[] | undefined => {
  if (along === 'step') return undefined
  const points = runs.map(run => pointsOf(run, along))
  if (points.some(one => one === undefined)) return undefined
  const longest = Math.max(...points.map(one => one!.at(-1)![1]))
  const [size, name] =
    along === 'wall' ? (units.find(([ms]) => longest >= 2 * ms) ?? units[2]) : ([1, along] as const)
  return points.map(one => throughPoints(name, one!.map(([step, x]) => [step, x / size])))
}

/** Which run a line is of, by the letter that its key ends in where there are several. */
export const runOfKey =
  (runs: number) =>
  ({ key }: Pick<CurveLine, 'key'>): number =>
    runs < 2
      ? 0
      : Math.max(
          0,
          Array.from({ length: runs }, (_, r) => letter(r)).findIndex(one => key.endsWith(` ${one}`)),
        )

/** A panel on other axes: `axes[i]` for the lines that `runOf` says are of run i; the first one is the cursor's. */
export const onAxes = (
  panel: CurvePanel,
  axes: readonly Axis[] | undefined,
  runOf: (line: CurveLine, place: number) => number = () => 0,
): CurvePanel =>
  axes === undefined
    ? panel
    : {
        ...panel,
        axis: axes[0],
        xName: axes[0].name,
        stages: panel.stages.map(({ step, name }) => ({ step: axes[0].at(step), name })),
        lines: panel.lines.map((line, l) => ({
          ...line,
          updates: line.steps,
          steps: line.steps.map(axes[runOf(line, l)].at),
        })),
      }
