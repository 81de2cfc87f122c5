/**
 * What a predicted update does to the probes, summed up: by response type, to the margin, to the likeliest token, and
 * which pairs of the update did it. Changes are of Σ log π over a response's tokens, in nats, mean over probes.
 */
import type { ProbeSet } from '../explaining/probe-set.ts'
import type { EncodedRow } from '../tokens/tokenise.ts'
import type { StageExample } from '../training/stage.ts'

/** A mean over probes and its standard error, nats per response. */
export interface Effect {
  readonly change: number
  readonly se: number
  readonly n: number
}

export interface PredictedEffect {
  readonly name: string
  readonly says: string
  /** Pulls one response and pushes another: what a nat of margin costs is then worth comparing. */
  readonly preference: boolean
  /** Δ log π by response type, summed over tokens. */
  readonly types: Readonly<Record<string, Effect>>
  /** Of log π(chosen) − log π(rejected), probe by probe. */
  readonly margin: Effect | undefined
  /** Of Σ log max π along chosen. */
  readonly argmax: Effect | undefined
  /** Δ log π(chosen) and Δ argmax for each nat of margin gained; undefined where none is gained. */
  readonly perMargin: { readonly chosen: number; readonly argmax: number } | undefined
  readonly gradNorm: number
}

export interface Contribution {
  /** Data row of the pair. */
  readonly row: number
  /** What its terms do to log π(chosen) of the probes, mean, nats: they add up over pairs to the whole. */
  readonly chosen: number
}

/** The worst pairs that are left out: a quarter of them, one at least. */
export const worstOf = (pairs: readonly Contribution[]): readonly Contribution[] =>
  pairs.slice(0, Math.max(1, Math.floor(pairs.length / 4))).filter(({ chosen }) => chosen < 0)

const effectOf = (values: readonly number[]): Effect => {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  const se = n < 2 ? 0 : Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1) / n)
  return { change: mean, se, n }
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0)

/** Σ over tokens of each response's change, by type and probe row. */
const sumsByType = (
  probes: ProbeSet,
  logp: readonly Float64Array[],
): ReadonlyMap<string, ReadonlyMap<number, number>> => {
  const found = new Map<string, Map<number, number>>()
  probes.responses.forEach(({ example, type }, i) => {
    const own = found.get(type) ?? new Map<number, number>()
    found.set(type, own.set(example, sum(logp[i])))
  })
  return found
}

export const byType = (probes: ProbeSet, logp: readonly Float64Array[]): Readonly<Record<string, Effect>> =>
  Object.fromEntries(
    [...sumsByType(probes, logp)].map(([type, values]) => [type, effectOf([...values.values()])]),
  )

/** All that is told of one predicted update. `logp` is its change by response and token, `top` that of Σ log max π. */
export const summarised = (
  about: Pick<PredictedEffect, 'name' | 'says' | 'preference'>,
  probes: ProbeSet,
  logp: readonly Float64Array[],
  top: ReadonlyMap<number, number>,
  gradNorm: number,
): PredictedEffect => {
  const sums = sumsByType(probes, logp)
  const [chosen, rejected] = [sums.get('chosen'), sums.get('rejected')]
  const gaps = [...(chosen ?? [])].flatMap(([row, up]) =>
    rejected?.has(row) ? [up - rejected.get(row)!] : [],
  )
  const margin = gaps.length > 0 ? effectOf(gaps) : undefined
  const argmax = top.size > 0 ? effectOf([...top.values()]) : undefined
  const types = byType(probes, logp)
  const gained = margin && margin.change > 0 && types.chosen && argmax ? margin.change : undefined
  return {
    ...about,
    types,
    margin,
    argmax,
    gradNorm,
    perMargin:
      gained === undefined
        ? undefined
        : { chosen: types.chosen.change / gained, argmax: argmax!.change / gained },
  }
}

/** What each example's terms do to log π(chosen) of the probes, by data row. */
export const contributions = (
  probes: ProbeSet,
  directions: ReadonlyMap<string, readonly Float64Array[]>,
  examples: readonly StageExample[],
  rows: readonly EncodedRow[],
): readonly Contribution[] => {
  const chosen = probes.responses.flatMap(({ type }, i) => (type === 'chosen' ? [i] : []))
  const byRow = new Map<number, number>()
  for (const [name, values] of directions) {
    const example = examples[Number(/^\d+(?= )/.exec(name)?.[0] ?? NaN)]
    if (!example) continue
    const { row } = rows[example.row].row
    byRow.set(
      row,
      (byRow.get(row) ?? 0) + chosen.reduce((total, i) => total + sum(values[i]), 0) / chosen.length,
    )
  }
  return [...byRow].map(([row, change]) => ({ row, chosen: change })).sort((a, b) => a.chosen - b.chosen)
}
