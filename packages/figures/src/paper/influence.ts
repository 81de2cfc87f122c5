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
import { estimate, sampleOf, type Sample } from '../series.ts'
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

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((n, x) => n + x * x, 0))

/** The metric of the type, or of the only type that has it. */
const scaleOf = (run: PaperRun, metric: string, type: string): { sample: Sample; of: string } | undefined => {
  const own = sampleOf(run, metric, type)
  if (own) return { sample: own, of: type }
  for (const other of run.types) {
    const sample = sampleOf(run, metric, other)
    if (sample) return { sample, of: other }
  }
  return undefined
}

/** Undefined where the run has not all of logp, a_norm and p_e. */
export const proxyOf = ({ run, at }: Span, type: string): Proxy | undefined => {
  const logp = sampleOf(run, 'logp', type)
  const [a, p] = [scaleOf(run, 'a_norm', type), scaleOf(run, 'p_e', type)]
  if (!logp || !a || !p) return undefined
  const whole = !meansOnly(run)
  const intervals = at.slice(1).map((e, i) => {
    const before = at[i]
    const delta = logp.at[e].map((x, k) => x - logp.at[before][k])
    const scale = Math.sqrt(mean(a.sample.at[before])) * mean(p.sample.at[before])
    return delta.map((x) => x / scale)
  })
  const total = estimate(logp.probes.map((_, k) => intervals.reduce((n, delta) => n + delta[k], 0)))
  const lbk = whole ? intervals.map(norm) : undefined
  return {
    steps: stepsOf(run, at.slice(1)),
    lbk,
    signDelta: intervals.map(mean),
    sum: {
      signDelta: total.mean,
      error: whole && total.n > 1 ? total.se : undefined,
      lbk: lbk?.reduce((n, x) => n + x, 0),
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
