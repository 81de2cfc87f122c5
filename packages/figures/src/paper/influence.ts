/**
 * Influence of what was learned on what was observed (paper.md §6.3). From evaluations alone, as the released notebook
 * has it: for every two that follow each other, with δ the change of each probe's Σ log π,
 *
 *     LBK′ = ‖δ‖₂ / (√mean ‖A_o‖ · mean p_e),     SignDelta′ = mean(δ) / (√mean ‖A_o‖ · mean p_e).
 *
 * From updates that were decomposed (observe.decompose): the exact first-order change of each type by what the update
 * learned, times the updates that each decomposed one stands for. Only this tells y⁺ from y⁻ within one stage.
 */
import type { DecompositionLine } from '@ldyn/runs'
import { columnsOf, estimate } from '../series.ts'
import { meansOnly, stepsOf, type Span } from './about.ts'
import type { PaperRun } from './model.ts'

export interface Proxy {
  /** Step at the end of each interval. */
  readonly steps: readonly number[]
  /** Undefined where the log holds means alone: a norm over probes needs the probes. */
  readonly lbk: readonly number[] | undefined
  readonly signDelta: readonly number[]
  /** Σ over intervals, with the standard error over probes. */
  readonly sum: {
    readonly signDelta: number
    readonly error: number | undefined
    readonly lbk: number | undefined
  }
  /** The type whose ‖A‖ or p_e stands in for this one's: a log may hold those of one type alone. */
  readonly standIn: string | undefined
}

const mean = (values: readonly number[]): number => values.reduce((n, x) => n + x, 0) / values.length

/** Mean of a row over some columns. Rows are read where they lie: a long run has millions of values. */
const meanAt = (row: ArrayLike<number>, columns: readonly number[]): number => {
  let sum = 0
  for (const c of columns) sum += row[c]
  return sum / columns.length
}

interface Known {
  readonly columns: readonly number[]
  readonly of: string
}

/** Where the metric of the type stands, or that of the only type that has it. */
const knownOf = (run: PaperRun, metric: string, type: string): Known | undefined => {
  for (const of of [type, ...run.types]) {
    const columns = columnsOf(run, metric, of)
    if (columns.length > 0) return { columns, of }
  }
  return undefined
}

/** Undefined where the run has not all of logp, a_norm and p_e. */
export const proxyOf = ({ run, at }: Span, type: string): Proxy | undefined => {
  const own = columnsOf(run, 'logp', type)
  const [a, p] = [knownOf(run, 'a_norm', type), knownOf(run, 'p_e', type)]
  const [logp, aRows, pRows] = ['logp', 'a_norm', 'p_e'].map((metric) => run.rows.get(metric))
  if (own.length === 0 || !a || !p || !logp || !aRows || !pRows) return undefined
  const whole = !meansOnly(run)
  const [signDelta, lbk]: [number[], number[]] = [[], []]
  const totals = own.map(() => 0)
  at.slice(1).forEach((e, i) => {
    const before = at[i]
    const scale = Math.sqrt(meanAt(aRows[before], a.columns)) * meanAt(pRows[before], p.columns)
    let [sum, squares] = [0, 0]
    own.forEach((c, k) => {
      const moved = (logp[e][c] - logp[before][c]) / scale
      totals[k] += moved
      sum += moved
      squares += moved * moved
    })
    signDelta.push(sum / own.length)
    lbk.push(Math.sqrt(squares))
  })
  const total = estimate(totals)
  return {
    steps: stepsOf(run, at.slice(1)),
    lbk: whole ? lbk : undefined,
    signDelta,
    sum: {
      signDelta: total.mean,
      error: whole && total.n > 1 ? total.se : undefined,
      lbk: whole ? lbk.reduce((n, x) => n + x, 0) : undefined,
    },
    standIn: [a, p].find(({ of }) => of !== type)?.of,
  }
}

/** s ← w·s + (1 − w)·x from the first value on, as the notebook draws its curves. */
export const smoothed = (values: readonly number[], weight: number): readonly number[] => {
  let s = values[0]
  return values.map((x, i) => (s = i === 0 ? x : weight * s + (1 - weight) * x))
}

/** `17 chosen target` → chosen; `17 rejected` → rejected; `carry-over` stays. */
export const learnedType = (direction: string): string => {
  const words = direction.split(' ')
  const term = words.at(-1)!
  if (term !== 'target') return term
  return words.length > 1 && !/^\d+$/.test(words.at(-2)!) ? words.at(-2)! : term
}

export interface Exact {
  readonly learned: string
  /** Nats a probe by observed type, over the whole stage. */
  readonly of: ReadonlyMap<string, number>
  readonly decomposed: number
}

/** By what was learned in the stage; none where no update of it was decomposed. */
export const exactInfluence = ({ run, stage }: Span): readonly Exact[] => {
  const lines = (run.updates ?? []).filter((line) => line.stage === stage.name)
  if (lines.length === 0) return []
  const standsFor = (stage.to - stage.from) / lines.length
  const learned = [...new Set(lines.flatMap(directionsOf).map(learnedType))]
  const observed = [...new Set(lines.flatMap(({ probes }) => probes.map(({ type }) => type)))]
  return learned.map((name) => ({
    learned: name,
    decomposed: lines.length,
    of: new Map(
      observed.map((type) => [type, standsFor * lines.reduce((n, line) => n + partOf(line, type, name), 0)]),
    ),
  }))
}

const directionsOf = ({ probes }: DecompositionLine): readonly string[] =>
  probes.flatMap(({ directions }) => Object.keys(directions))

/** Mean over a type's probes of what the directions of one learned thing predict. */
const partOf = ({ probes }: DecompositionLine, type: string, learned: string): number => {
  const own = probes.filter((probe) => probe.type === type)
  const parts = own.map(({ directions }) =>
    Object.entries(directions).reduce((n, [name, x]) => n + (learnedType(name) === learned ? x : 0), 0),
  )
  return parts.length === 0 ? 0 : mean(parts)
}
