/**
 * A run's numbers as the figures need them: for every evaluation one value a probe, so that means, standard errors and
 * above all *paired* differences (the same probe before and after, or under two runs) come from one place.
 *
 * A standard error is s/√n with s² = Σ(x − x̄)²/(n − 1), over probes. That of a change is over the probes' own changes:
 * probes differ far more from each other than a step moves them, so bands of two curves may overlap where the change
 * between them is beyond doubt.
 */
import {
  isSum,
  unknownColumns,
  type Per,
  type Probes,
  type Run,
  type RunManifest,
  type ScalarColumn,
} from '@ldyn/runs'

export interface StageSpan {
  readonly name: string
  /** As in the manifest: sft, dpo, …; the stage's own name where the manifest does not list it. */
  readonly loss: string
  /** Updates over the whole run. */
  readonly from: number
  readonly to: number
}

export interface EvaluationAt {
  readonly step: number
  readonly stage: string
}

export interface RunData {
  /** The run's id. */
  readonly id: string
  readonly manifest: RunManifest
  readonly probes: Probes | undefined
  readonly types: readonly string[]
  readonly evaluations: readonly EvaluationAt[]
  readonly stages: readonly StageSpan[]
  readonly scalars: ReadonlyMap<string, ScalarColumn>
  /** By metric: one row an evaluation, one value a probe column. */
  readonly rows: ReadonlyMap<string, readonly ArrayLike<number>[]>
}

/** Stages that have numbers on file, in the order in which they were trained. */
export const stageSpans = ({ evaluations, scalars, manifest }: Pick<Run, 'evaluations' | 'scalars' | 'manifest'>): readonly StageSpan[] => {
  const seen = new Map<string, { first: number; last: number }>()
  // Thousands of lines, one after another of the same stage.
  let [of, span]: [string | undefined, { first: number; last: number }] = [undefined, { first: 0, last: 0 }]
  const see = (name: string, step: number) => {
    if (name !== of) {
      span = seen.get(name) ?? { first: step, last: step }
      seen.set(name, span)
      of = name
    }
    if (step < span.first) span.first = step
    if (step > span.last) span.last = step
  }
  for (const { stage, step } of evaluations) see(stage, step)
  for (const { steps, stages } of scalars.values()) for (let i = 0; i < steps.length; i++) see(stages[i], steps[i])
  const planned = manifest.stages
  const order = (name: string) => planned.findIndex((stage) => stage.name === name)
  let end = 0
  return [...seen]
    .sort(([a, one], [b, other]) => order(a) - order(b) || one.first - other.first)
    .map(([name, { first, last }]) => {
      const info = planned[order(name)]
      // A stage begins where the one before it ended: its first line on file is already one update later.
      const from = Math.min(first, end)
      end = Math.max(last, end)
      return { name, loss: info?.loss ?? name, from, to: end }
    })
}

/** Reads all that figures are made of. Throws RunError. */
export const gather = async (run: Run): Promise<RunData> => {
  const rows = new Map<string, readonly ArrayLike<number>[]>()
  if (run.probes)
    for (const metric of run.manifest.columns.metrics) rows.set(metric, await run.metric(metric))
  return {
    id: run.manifest.id,
    manifest: run.manifest,
    probes: run.probes,
    types: run.types,
    evaluations: run.evaluations.map(({ step, stage }) => ({ step, stage })),
    stages: stageSpans(run),
    scalars: run.scalars,
    rows,
  }
}

/** One value a probe at every evaluation. */
export interface Sample {
  /** Index of the probe row of each value. */
  readonly probes: readonly number[]
  readonly at: readonly (readonly number[])[]
}

export interface Estimate {
  readonly mean: number
  readonly se: number
  readonly n: number
}

/** Mean and standard error; 0 for the error of a single value, which says nothing of the spread. */
export const estimate = (values: readonly number[]): Estimate => {
  const n = values.length
  if (n === 0) return { mean: 0, se: 0, n }
  // Asked for millions of values of a large run: loops, not calls.
  let sum = 0
  for (let k = 0; k < n; k++) sum += values[k]
  const mean = sum / n
  let squares = 0
  for (let k = 0; k < n; k++) squares += (values[k] - mean) ** 2
  return { mean, se: n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n), n }
}

// Probes never change once they are read, and a story asks for the columns of every type several times.
const columnsKept = new WeakMap<Probes, Map<string, readonly number[]>>()

/** Columns in which the metric of a type is known; none where the run does not hold it. */
export const columnsOf = ({ rows, probes }: RunData, metric: string, type: string): readonly number[] => {
  if (!probes || !rows.has(metric)) return []
  const kept = columnsKept.get(probes) ?? new Map<string, readonly number[]>()
  columnsKept.set(probes, kept)
  const name = `${metric} ${type}`
  const known = kept.get(name)
  if (known) return known
  const unknown = unknownColumns(probes, metric)
  const found = probes.columns.flatMap((column, i) => (column.type === type && !unknown.has(i) ? [i] : []))
  kept.set(name, found)
  return found
}

/** The metric of one type, one value a probe that has it; undefined where the run does not hold it. */
export const sampleOf = (
  data: RunData,
  metric: string,
  type: string,
  per: Per = 'response',
): Sample | undefined => {
  const rows = data.rows.get(metric)
  if (!rows || !data.probes || rows.length === 0 || (per === 'token' && !isSum(metric))) return undefined
  const columns = columnsOf(data, metric, type)
  if (columns.length === 0) return undefined
  // An imported log may not say how long its responses are.
  if (per === 'token' && columns.some((i) => data.probes!.columns[i].tokens === 0)) return undefined
  const by = columns.map((i) => (per === 'token' ? data.probes!.columns[i].tokens : 1))
  return {
    probes: columns.map((i) => data.probes!.columns[i].row),
    at: rows.map((row) => {
      const values = new Array<number>(columns.length)
      for (let k = 0; k < columns.length; k++) values[k] = row[columns[k]] / by[k]
      return values
    }),
  }
}

/** The mean over several types of each probe row, over those that the row has. */
export const meanOfTypes = (
  data: RunData,
  metric: string,
  types: readonly string[],
  per: Per = 'response',
): Sample | undefined => {
  const samples = types.flatMap((type) => sampleOf(data, metric, type, per) ?? [])
  if (samples.length === 0) return undefined
  const probes = [...new Set(samples.flatMap((sample) => sample.probes))].sort((a, b) => a - b)
  const places = samples.map((sample) => new Map(sample.probes.map((probe, k) => [probe, k])))
  // By probe, which samples have it and where: looked up once, not at every evaluation.
  const found = probes.map((probe) =>
    samples.flatMap((sample, s) => {
      const k = places[s].get(probe)
      return k === undefined ? [] : [{ sample, k }]
    }),
  )
  return {
    probes,
    at: samples[0].at.map((_, e) =>
      found.map((own) => {
        let sum = 0
        for (const { sample, k } of own) sum += sample.at[e][k]
        return sum / own.length
      }),
    ),
  }
}

interface KeptMeans {
  readonly probes: Probes | undefined
  readonly byTypes: Map<string, number[]>
}
// By rows: those of a run that is followed grow in place, and what was averaged of them is not averaged again.
const meansKept = new WeakMap<readonly ArrayLike<number>[], KeptMeans>()
/** Evaluations between two turns of whoever waits. */
const MEANS_AT_ONCE = 32

/**
 * The mean over probes of `meanOfTypes`, response by response, at every evaluation, in pieces; undefined where the run
 * does not hold it. Rows may grow at their end and must not change otherwise.
 */
export function* meansOf(
  data: RunData,
  metric: string,
  types: readonly string[],
): Generator<void, readonly number[] | undefined> {
  const rows = data.rows.get(metric)
  if (!rows) return undefined
  let kept = meansKept.get(rows)
  if (kept?.probes !== data.probes) kept = undefined
  if (!kept) meansKept.set(rows, (kept = { probes: data.probes, byTypes: new Map() }))
  const name = types.join(' ')
  const means = kept.byTypes.get(name) ?? []
  kept.byTypes.set(name, means)
  while (means.length < rows.length) {
    const piece = rows.slice(means.length, means.length + MEANS_AT_ONCE)
    const sample = meanOfTypes({ ...data, rows: new Map([[metric, piece]]) }, metric, types)
    if (!sample) return undefined
    for (const values of sample.at) means.push(estimate(values).mean)
    yield
  }
  return means.length > 0 ? means : undefined
}

/** The run at these evaluations (indices) alone: what is said of two ends needs no copy of what lies between. */
export const onlyAt = (data: RunData, evaluations: readonly number[]): RunData => ({
  ...data,
  evaluations: evaluations.map((e) => data.evaluations[e]),
  rows: new Map(
    [...data.rows].map(([metric, rows]) => [metric, rows.length > 0 ? evaluations.map((e) => rows[e]) : []]),
  ),
})

/** a − b at every evaluation, over the probes that both have. */
export const minus = (a: Sample, b: Sample): Sample => {
  const place = new Map(b.probes.map((probe, k) => [probe, k]))
  const both = a.probes.flatMap((probe, k) => (place.has(probe) ? [[k, place.get(probe)!] as const] : []))
  return {
    probes: both.map(([k]) => a.probes[k]),
    at: a.at.map((row, e) => both.map(([k, l]) => row[k] - b.at[e][l])),
  }
}

/** The probes' own changes from evaluation i to evaluation j. */
export const changes = (sample: Sample, i: number, j: number): readonly number[] =>
  sample.at[j].map((x, k) => x - sample.at[i][k])

export const change = (sample: Sample, i: number, j: number): Estimate => estimate(changes(sample, i, j))

/** The sample less its first evaluation, so that every curve starts at 0 and its error is that of the change. */
export const sinceStart = (sample: Sample): Sample => ({
  probes: sample.probes,
  at: sample.at.map((_, e) => changes(sample, 0, e)),
})

/** Names one probed response so that two runs' equal ones can be paired: prompt, type and text. */
export const probeName = (data: RunData, probe: number, type: string): string => {
  const { prompt, responses } = data.probes!.rows[probe]
  return JSON.stringify([prompt, type, responses[type] ?? ''])
}

/** Indices of the evaluations from a stage's beginning to its end; undefined where fewer than two. */
export const evaluationsOf = (data: RunData, stage: StageSpan): readonly number[] | undefined => {
  const own = data.evaluations.flatMap((evaluation, i) => (evaluation.stage === stage.name ? [i] : []))
  if (own.length === 0) return undefined
  // The stage's first numbers are the last ones of the stage before, where it was not evaluated at its own start.
  const before = own[0] - 1
  const starts = data.evaluations[own[0]].step <= stage.from || before < 0
  const all = starts ? own : [before, ...own]
  return all.length < 2 ? undefined : all
}

/** Whether a stage pushed one response up and another down. What an imported log does not say is not supposed. */
export const isPreference = (stage: StageSpan): boolean => !/^(sft|extend|nll|lm|unknown|rl)\b/i.test(stage.loss)
