// Why a type moved between two steps, from the updates that were taken apart while the model was trained
// (decompose.jsonl, ux.md §5.3): which of them moved it, by how much, and which part of the update did it. Changes
// are after minus before, Σ over response tokens, in nats, mean over the followed responses of the type.
import type { DecompositionLine } from '@ldyn/runs'
import type { LiveData } from '../data/live-run.ts'

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

/** What one update did to a type; undefined where it followed none of it. */
const causeOf = (update: DecompositionLine, type: string): (Cause & { readonly n: number }) | undefined => {
  const own = update.probes.filter(probe => probe.type === type)
  const n = own.length
  if (n === 0) return undefined
  return {
    n,
    step: update.s,
    stage: update.stage,
    actual: sum(own.map(({ actual }) => actual)) / n,
    predicted: sum(own.map(({ predicted }) => predicted)) / n,
  }
}

/** Undefined where no update of the interval was taken apart, or none followed the type. */
export const causesOf = (
  run: Pick<LiveData, 'updates'>,
  type: string,
  from: number,
  to: number,
): Causes | undefined => {
  const inside = run.updates.filter(({ s }) => s > from && s <= to)
  const found = inside.flatMap(update => causeOf(update, type) ?? [])
  if (found.length === 0) return undefined
  const actual = sum(found.map(one => one.actual))
  const [parts, examples] = [new Map<string, number>(), new Map<number, number>()]
  for (const { probes } of inside) {
    const own = probes.filter(probe => probe.type === type)
    for (const { directions } of own)
      for (const [name, value] of Object.entries(directions)) {
        const [, row, kind] = /^(?:(\d+) )?(.*)$/s.exec(name)!
        parts.set(kind, (parts.get(kind) ?? 0) + value / own.length)
        if (row !== undefined) examples.set(Number(row), (examples.get(Number(row)) ?? 0) + value / own.length)
      }
  }
  return {
    type,
    from,
    to,
    followed: Math.max(...found.map(({ n }) => n)),
    rows: [
      ...new Set(
        inside.flatMap(({ probes }) => probes.flatMap(probe => (probe.type === type ? [probe.row] : []))),
      ),
    ].sort((a, b) => a - b),
    updates: found
      .map(({ n: _n, ...cause }) => cause)
      .sort((a, b) => (actual < 0 ? a.actual - b.actual : b.actual - a.actual)),
    actual,
    predicted: sum(found.map(one => one.predicted)),
    parts: [...parts].map(([name, value]) => ({ name, value })).sort((a, b) => a.value - b.value),
    examples: [...examples]
      .map(([row, value]) => ({ row, value }))
      .sort((a, b) => (actual < 0 ? a.value - b.value : b.value - a.value))
      .slice(0, 10),
  }
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
