// What comparing runs rests on (ux.md §5.8): which probed responses they share, told apart by prompt, type and text;
// the paired difference of a run and the baseline wherever both were evaluated; where the two part; runs that differ
// in their seed alone; and many runs as one band.
import { isSum, unknownColumns, type Json, type Per, type Probes } from '@ldyn/runs'
import type { LiveData } from '../../data/live-run.ts'
import { pointAt, type Axis, type CurveLine } from '../../drawing/align.ts'
import { quantile } from '../../data/curves.ts'
import { flatten } from '../../screens/config-tree.ts'

const kept = new WeakMap<Probes, ReadonlyMap<string, number>>()

/** Columns by what they are the response of; absent ones are left out. */
const namesOf = (probes: Probes): ReadonlyMap<string, number> => {
  const known = kept.get(probes)
  if (known) return known
  const absent = new Set(probes.absent)
  const names = new Map<string, number>()
  probes.columns.forEach(({ row, type }, i) => {
    if (absent.has(i)) return
    const { prompt, responses } = probes.rows[row]
    const name = `${type}\u0000${prompt}\u0000${responses[type] ?? ''}`
    // The same response twice is the first of the two.
    if (!names.has(name)) names.set(name, i)
  })
  kept.set(probes, names)
  return names
}

export interface Join {
  /** Responses that all runs watch. */
  readonly both: number
  /** By run, all that it watches, and those of them that not all others do. */
  readonly of: readonly number[]
  readonly only: readonly number[]
}

/** How many probed responses runs share. */
export const joinOf = (runs: readonly LiveData[]): Join => {
  const names = runs.map(({ probes }) => (probes ? namesOf(probes) : new Map<string, number>()))
  const [first, ...others] = names
  let both = 0
  for (const name of first.keys()) if (others.every(other => other.has(name))) both++
  return { both, of: names.map(({ size }) => size), only: names.map(({ size }) => size - both) }
}

/** Settings in which repetitions of a run may differ: the seed, and where things are written. */
const REPEATED = /^(seed|out|name|id|data_seed)$|(^|\.)seed$/

/** The settings without seed, as text: equal for runs that differ in nothing else. */
const configKey = ({ manifest }: Pick<LiveData, 'manifest'>): string =>
  JSON.stringify([
    manifest.model.hash || manifest.model.path,
    manifest.stages.map(({ name, loss, updates }) => [name, loss, updates]),
    flatten(manifest.config as Json)
      .filter(({ path }) => !REPEATED.test(path))
      .map(({ path, text }) => [path, text])
      .sort(([a], [b]) => a.localeCompare(b)),
  ])

/** Places of runs by settings, in order of the first of each; imported logs say too little to be the same. */
export const seedGroups = (runs: readonly LiveData[]): readonly (readonly number[])[] => {
  const groups = new Map<string, number[]>()
  runs.forEach((run, r) => {
    const key = run.manifest.imported ? `imported ${r}` : configKey(run)
    groups.set(key, [...(groups.get(key) ?? []), r])
  })
  return [...groups.values()]
}

export interface DifferenceRequest {
  readonly metric: string
  readonly type: string
  readonly per: Per
  readonly axis?: Axis
  readonly baseAxis?: Axis
}

export interface Difference {
  /** On the axis of the run. */
  readonly steps: readonly number[]
  readonly updates: readonly number[]
  readonly stages: readonly string[]
  readonly mean: readonly number[]
  readonly se: readonly number[]
  /** Probes that both have. */
  readonly n: number
}

/**
 * Run less baseline, paired by probe, at every evaluation of the run that lies within the baseline's; between two
 * evaluations of the baseline its values are interpolated. Undefined where they share no such response.
 */
export const differenceOf = (
  run: LiveData,
  base: LiveData,
  { metric, type, per, axis, baseAxis }: DifferenceRequest,
): Difference | undefined => {
  const [rows, baseRows] = [run.rows.get(metric), base.rows.get(metric)]
  if (!rows || !baseRows || !run.probes || !base.probes || (per === 'token' && !isSum(metric))) return undefined
  const [unknown, baseUnknown] = [unknownColumns(run.probes, metric), unknownColumns(base.probes, metric)]
  const baseNames = namesOf(base.probes)
  const pairs = [...namesOf(run.probes)].flatMap(([name, i]) => {
    const j = baseNames.get(name)
    const own = run.probes!.columns[i]
    if (j === undefined || own.type !== type || unknown.has(i) || baseUnknown.has(j)) return []
    const by = per === 'token' ? own.tokens : 1
    return by > 0 ? [{ i, j, by }] : []
  })
  if (pairs.length === 0) return undefined
  const at = (evaluations: LiveData['evaluations'], own?: Axis): number[] =>
    evaluations.map(({ step }) => own?.at(step) ?? step)
  const [xs, baseXs] = [at(run.evaluations, axis), at(base.evaluations, baseAxis)]
  const n = pairs.length
  const found: { steps: number[]; updates: number[]; stages: string[]; mean: number[]; se: number[] } = {
    steps: [],
    updates: [],
    stages: [],
    mean: [],
    se: [],
  }
  const values = new Float64Array(n)
  for (let e = 0; e < rows.length && e < xs.length; e++) {
    const a = pointAt(baseXs, xs[e])
    if (a < 0 || baseRows[a] === undefined) continue
    const between = baseXs[a] < xs[e]
    if (between && (a + 1 >= baseXs.length || baseRows[a + 1] === undefined)) continue
    const share = between ? (xs[e] - baseXs[a]) / (baseXs[a + 1] - baseXs[a]) : 0
    const [low, high] = [baseRows[a], baseRows[between ? a + 1 : a]]
    let sum = 0
    for (let k = 0; k < n; k++) {
      const { i, j, by } = pairs[k]
      values[k] = (rows[e][i] - (low[j] + (high[j] - low[j]) * share)) / by
      sum += values[k]
    }
    const mean = sum / n
    let squares = 0
    for (let k = 0; k < n; k++) squares += (values[k] - mean) ** 2
    found.steps.push(xs[e])
    found.updates.push(run.evaluations[e].step)
    found.stages.push(run.evaluations[e].stage)
    found.mean.push(mean)
    found.se.push(n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n))
  }
  return found.mean.length === 0 ? undefined : { ...found, n }
}

/**
 * The first point at which a difference is beyond two standard errors, and is so at the next one too; −1 where there
 * is none. With one probe there is no error and so no telling.
 */
export const divergenceAt = ({ mean, se, n }: Pick<Difference, 'mean' | 'se' | 'n'>): number => {
  if (n < 2) return -1
  const apart = (i: number): boolean => mean[i] !== 0 && Math.abs(mean[i]) > 2 * se[i]
  return mean.findIndex((_, i) => apart(i) && (i === mean.length - 1 || apart(i + 1)))
}

/** More places than this on an axis nobody sees. */
const MOST_PLACES = 400

/** The value of a line at a place between its points; undefined beyond its ends. */
export const valueAt = ({ steps, mean }: Pick<CurveLine, 'steps' | 'mean'>, x: number): number | undefined => {
  const i = pointAt(steps, x)
  if (i < 0) return undefined
  if (steps[i] === x) return mean[i]
  if (i + 1 >= steps.length) return undefined
  return mean[i] + ((x - steps[i]) / (steps[i + 1] - steps[i])) * (mean[i + 1] - mean[i])
}

export interface Bundle {
  readonly steps: readonly number[]
  readonly median: readonly number[]
  readonly mean: readonly number[]
  readonly low: readonly number[]
  readonly high: readonly number[]
  readonly q1: readonly number[]
  readonly q3: readonly number[]
  /** Lines at each place: some end earlier. */
  readonly n: readonly number[]
}

/** Many lines as one: median, mean, quartiles and extremes at every place that one of them has, at most 400 of them. */
export const bundleOf = (lines: readonly Pick<CurveLine, 'steps' | 'mean'>[]): Bundle => {
  const all = [...new Set(lines.flatMap(({ steps }) => [...steps]))].sort((a, b) => a - b)
  const places =
    all.length <= MOST_PLACES
      ? all
      : Array.from({ length: MOST_PLACES }, (_, i) => all[Math.round((i * (all.length - 1)) / (MOST_PLACES - 1))])
  const columns = places.map(x =>
    Float64Array.from(lines.flatMap(line => valueAt(line, x) ?? [])).sort(),
  )
  const of = (f: (sorted: Float64Array) => number): number[] => columns.map(f)
  return {
    steps: places,
    median: of(sorted => quantile(sorted, 0.5)),
    mean: of(sorted => sorted.reduce((sum, x) => sum + x, 0) / sorted.length),
    low: of(sorted => sorted[0]),
    high: of(sorted => sorted.at(-1)!),
    q1: of(sorted => quantile(sorted, 0.25)),
    q3: of(sorted => quantile(sorted, 0.75)),
    n: of(sorted => sorted.length),
  }
}

/** Two-sided 97.5 % points of Student's t, by degrees of freedom from 1; 1.96 beyond thirty. */
const T = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
]

/** Mean and half the width of its 95 % interval over seeds (Student's t); undefined for one, which has none. */
export const overSeeds = (
  values: readonly number[],
): { readonly mean: number; readonly half: number | undefined } => {
  const n = values.length
  const mean = values.reduce((sum, x) => sum + x, 0) / n
  if (n < 2) return { mean, half: undefined }
  const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1))
  return { mean, half: ((T[n - 2] ?? 1.96) * sd) / Math.sqrt(n) }
}
