// Why a type moved between two steps, from the updates that were taken apart while the model was trained
// (decompose.jsonl, ux.md §5.3): which of them moved it, by how much, and which part of the update did it. Changes
// are after minus before, Σ over response tokens, in nats, mean over the followed responses of the type.
import { estimate, type Estimate } from '@ldyn/figures'
import type { DecompositionLine } from '@ldyn/runs'
import { columnsFor } from '../../data/curves.ts'
import type { LiveData } from '../../data/live-run.ts'

/** One recorded update, as it moved a type. */
export interface Cause {
  readonly step: number
  readonly stage: string
  readonly actual: number
  readonly predicted: number
}

export interface Causes {
  readonly type: string
  /** Updates after `from` up to `to` are meant. */
  readonly from: number
  readonly to: number
  /** Responses that were followed, and the probe rows that they are of. */
  readonly followed: number
  readonly rows: readonly number[]
  /** Recorded updates of the interval, the strongest in the direction of the sum first. */
  readonly updates: readonly Cause[]
  readonly actual: number
  readonly predicted: number
  /** What the first order says each part did, over all recorded updates: the most lowering first. */
  readonly parts: readonly { readonly name: string; readonly value: number }[]
  /** The same by training example, where examples were told apart; the strongest first, at most ten. */
  readonly examples: readonly { readonly row: number; readonly value: number }[]
}

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0)

/** What one update did to a type. */
interface Own extends Cause {
  readonly rows: readonly number[]
  readonly parts: ReadonlyMap<string, number>
  readonly examples: ReadonlyMap<number, number>
}

const add = <K>(to: Map<K, number>, key: K, value: number): void => void to.set(key, (to.get(key) ?? 0) + value)

// Lines never change once they are read, and the cursor passes them again and again.
const kept = new WeakMap<DecompositionLine, Map<string, Own | undefined>>()

/** Undefined where the update followed none of the type. */
const ownOf = (update: DecompositionLine, type: string): Own | undefined => {
  let byType = kept.get(update)
  if (!byType) kept.set(update, (byType = new Map()))
  if (!byType.has(type)) byType.set(type, makeOwn(update, type))
  return byType.get(type)
}

const makeOwn = (update: DecompositionLine, type: string): Own | undefined => {
  const own = update.probes.filter(probe => probe.type === type)
  if (own.length === 0) return undefined
  const [parts, examples] = [new Map<string, number>(), new Map<number, number>()]
  for (const { directions } of own)
    for (const [name, value] of Object.entries(directions)) {
      const [, row, kind] = /^(?:(\d+) )?(.*)$/s.exec(name)!
      add(parts, kind, value / own.length)
      if (row !== undefined) add(examples, Number(row), value / own.length)
    }
  return {
    step: update.s,
    stage: update.stage,
    actual: sum(own.map(({ actual }) => actual)) / own.length,
    predicted: sum(own.map(({ predicted }) => predicted)) / own.length,
    rows: own.map(({ row }) => row),
    parts,
    examples,
  }
}

/** Undefined where no update of the interval was taken apart, or none followed the type. */
export const causesOf = (
  run: Pick<LiveData, 'updates'>,
  type: string,
  from: number,
  to: number,
): Causes | undefined => {
  const found = run.updates.flatMap(update => (update.s > from && update.s <= to ? (ownOf(update, type) ?? []) : []))
  if (found.length === 0) return undefined
  const actual = sum(found.map(one => one.actual))
  const [parts, examples] = [new Map<string, number>(), new Map<number, number>()]
  for (const own of found) {
    for (const [name, value] of own.parts) add(parts, name, value)
    for (const [row, value] of own.examples) add(examples, row, value)
  }
  const falls = actual < 0
  return {
    type,
    from,
    to,
    followed: Math.max(...found.map(({ rows }) => rows.length)),
    rows: [...new Set(found.flatMap(({ rows }) => rows))].sort((a, b) => a - b),
    updates: found
      .map(({ step, stage, actual: moved, predicted }) => ({ step, stage, actual: moved, predicted }))
      .sort((a, b) => (falls ? a.actual - b.actual : b.actual - a.actual)),
    actual,
    predicted: sum(found.map(one => one.predicted)),
    parts: [...parts].map(([name, value]) => ({ name, value })).sort((a, b) => a.value - b.value),
    examples: [...examples]
      .map(([row, value]) => ({ row, value }))
      .sort((a, b) => (falls ? a.value - b.value : b.value - a.value))
      .slice(0, 10),
  }
}

/** The probes' own change between two evaluations (indices), summed over a response; for as many pairs as are asked. */
export const changesOf = (
  run: LiveData,
  metric: string,
  type: string,
  only?: ReadonlySet<number>,
): ((from: number, to: number) => Estimate | undefined) | undefined => {
  const rows = run.rows.get(metric)
  const columns = columnsFor(run, metric, type, 'response')?.columns.filter(
    i => !only || only.has(run.probes!.columns[i].row),
  )
  if (!rows || !columns || columns.length === 0) return undefined
  return (from, to) =>
    rows[from] && rows[to] ? estimate(columns.map(i => rows[to][i] - rows[from][i])) : undefined
}

export interface Carriers {
  /** The fewest updates that make up this share of all that moved the same way. */
  readonly updates: readonly Cause[]
  readonly share: number
  readonly of: number
}

/** The fewest updates that carry at least `share` of what went in the direction of the sum. */
export const carriersOf = ({ updates, actual }: Causes, share = 0.7): Carriers | undefined => {
  const same = updates.filter(one => Math.sign(one.actual) === Math.sign(actual))
  const whole = sum(same.map(one => one.actual))
  if (whole === 0) return undefined
  let had = 0
  const count = same.findIndex(one => (had += one.actual) / whole >= share - 1e-12) + 1
  const kept = same.slice(0, count)
  return { updates: kept, share: sum(kept.map(one => one.actual)) / whole, of: updates.length }
}

/** The longest way down of a curve: from a high to the lowest value after it; undefined where it never falls. */
export const fallOf = (
  mean: readonly number[],
): { readonly from: number; readonly to: number; readonly by: number } | undefined => {
  let high = 0
  let best: { from: number; to: number; by: number } | undefined
  mean.forEach((value, i) => {
    if (value > mean[high]) high = i
    else if (mean[high] - value > (best?.by ?? 0)) best = { from: high, to: i, by: mean[high] - value }
  })
  return best
}
