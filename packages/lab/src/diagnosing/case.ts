/** A run's curves, stage by stage, as the diagnosis wants them: from a run of ours or an imported log. */
import { unknownColumns, type ImportNote, type Run } from '@ldyn/runs'
import type { Track } from './trend.ts'

export interface CaseStage {
  readonly name: string
  /** As the manifest or an imported log says it. */
  readonly loss: string
  /** `preference` pulls one response and pushes another; `unknown` where an imported log does not say. */
  readonly kind: 'sft' | 'preference' | 'unknown'
  /** Probe curves by name (`logp chosen`): from the stage's beginning on. */
  readonly probes: ReadonlyMap<string, Track>
  /** Columns of the training log. */
  readonly log: ReadonlyMap<string, Track>
  readonly evaluations: number
  /** The last step of the stage before; 0 for the first. */
  readonly begins: number
}

export interface Case {
  readonly id: string
  readonly stages: readonly CaseStage[]
  readonly types: readonly string[]
  readonly prompts: readonly string[]
  /** Each response's text, by row and type; '' where it is not known. */
  readonly text: (row: number, type: string) => string
  /** Response tokens by row and type; 0 where they are not known. */
  readonly tokens: (row: number, type: string) => number
  /**
   * Log π by token of a response at the start and the end of a window; undefined where the run does not hold
   * them.
   */
  readonly tokenChange?: (
    row: number,
    type: string,
    from: number,
    to: number,
  ) => readonly number[] | undefined
  readonly notes: readonly ImportNote[]
  readonly missing: readonly string[]
  /** Why the run ended, where it failed. */
  readonly failure: string | undefined
  readonly imported: boolean
}

const kindOf = (loss: string): CaseStage['kind'] =>
  /^(sft|extend|nll|lm)\b/i.test(loss)
    ? 'sft'
    : /^(unknown|rl|recorded)\b/i.test(loss)
      ? 'unknown'
      : 'preference'

/**
 * Evaluations of a stage: its own, and the last one before where the stage was not evaluated at its own
 * start. `at` are their indices in the run.
 */
const evaluationsOf = (run: Run, stage: string): readonly number[] => {
  const own = run.evaluations.flatMap((evaluation, i) => (evaluation.stage === stage ? [i] : []))
  if (own.length === 0 || own[0] === 0) return own
  const before = own[0] - 1
  return run.evaluations[before].step < run.evaluations[own[0]].step ? [before, ...own] : own
}

/** Reads all curves. Throws RunError. */
export const caseOf = async (run: Run): Promise<Case> => {
  const { probes, manifest } = run
  const rows = new Map<string, readonly Float32Array[]>()
  if (probes) for (const metric of manifest.columns.metrics) rows.set(metric, await run.metric(metric))
  const single = !manifest.imported?.meansOnly
  const tracksOf = (evaluations: readonly number[]): ReadonlyMap<string, Track> => {
    const tracks = new Map<string, Track>()
    if (!probes) return tracks
    for (const [metric, values] of rows) {
      const unknown = unknownColumns(probes, metric)
      for (const type of run.types) {
        const columns = probes.columns.flatMap((column, i) =>
          column.type === type && !unknown.has(i) ? [i] : [],
        )
        if (columns.length === 0 || evaluations.length === 0) continue
        const table = evaluations.map((e) => columns.map((i) => values[e][i]))
        const name = `${metric} ${type}`
        tracks.set(name, {
          name,
          metric,
          type,
          steps: evaluations.map((e) => run.steps[e]),
          mean: table.map((row) => row.reduce((sum, x) => sum + x, 0) / row.length),
          ...(single && { values: table, rows: columns.map((i) => probes.columns[i].row) }),
          of: single ? 'probes' : 'means',
        })
      }
    }
    return tracks
  }
  const logOf = (stage: string): ReadonlyMap<string, Track> =>
    new Map(
      [...run.scalars].flatMap(([name, column]) => {
        const own = [...column.steps.keys()].filter((i) => column.stages[i] === stage)
        if (own.length === 0) return []
        const pick = (values: Float64Array) => own.map((i) => values[i])
        return [
          [
            name,
            {
              name,
              metric: name,
              steps: pick(column.steps),
              mean: pick(column.values),
              of: 'batches',
            } as const,
          ],
        ]
      }),
    )
  const names = [
    ...new Set([...manifest.stages.map(({ name }) => name), ...run.evaluations.map(({ stage }) => stage)]),
  ]
  const column = new Map(probes?.columns.map((one, i) => [`${one.row} ${one.type}`, i]))
  const failed = run.events.findLast((event) => event.type === 'status' && event.status === 'failed')
  const tokenTable = manifest.columns.tokens.includes('logp') ? await run.tokens('logp') : undefined
  const stageEvaluations = new Map(names.map((name) => [name, evaluationsOf(run, name)]))
  const lastStepOf = (name: string): number =>
    Math.max(
      0,
      ...run.evaluations.flatMap(({ step, stage }) => (stage === name ? [step] : [])),
      ...[...logOf(name).values()].map(({ steps }) => steps.at(-1)!),
    )
  return {
    id: manifest.id,
    stages: names.map((name, k) => {
      const evaluations = stageEvaluations.get(name)!
      const loss = manifest.stages.find((stage) => stage.name === name)?.loss ?? name
      return {
        name,
        loss,
        kind: kindOf(loss),
        probes: tracksOf(evaluations),
        log: logOf(name),
        evaluations: evaluations.length,
        begins: Math.max(0, ...names.slice(0, k).map(lastStepOf)),
      }
    }),
    types: run.types,
    prompts: probes?.rows.map(({ prompt }) => prompt) ?? [],
    text: (row, type) => probes?.rows[row]?.responses[type] ?? '',
    tokens: (row, type) => probes?.columns[column.get(`${row} ${type}`) ?? -1]?.tokens ?? 0,
    ...(tokenTable && {
      tokenChange: (row: number, type: string, from: number, to: number) => {
        const found = probes!.columns[column.get(`${row} ${type}`) ?? -1]
        const at = (step: number) => run.steps.findLastIndex((s) => s === step)
        const [a, b] = [tokenTable[at(from)], tokenTable[at(to)]]
        if (!found || found.tokens === 0 || !a || !b) return undefined
        return Array.from({ length: found.tokens }, (_, t) => b[found.offset + t] - a[found.offset + t])
      },
    }),
    notes: manifest.imported?.notes ?? [],
    missing: manifest.imported?.missing ?? [],
    failure: failed?.type === 'status' ? (failed.reason ?? 'it says no reason') : undefined,
    imported: manifest.imported !== undefined,
  }
}
