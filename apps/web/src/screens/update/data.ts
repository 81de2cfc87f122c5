// Recorded updates as what the screen shows: which one is meant, means by response type, the balance of its
// directions. Changes are after minus before, Σ over response tokens, in nats.
import { inOrder } from '@ldyn/figures'
import type { DecomposedResponse, DecomposedTokens, DecompositionLine } from '@ldyn/runs'

/** The recorded update at or before a step; the last one for undefined. */
export const updateAt = (
  updates: readonly DecompositionLine[],
  step: number | undefined,
): DecompositionLine | undefined => {
  if (step === undefined) return updates.at(-1)
  return updates.findLast(({ s }) => s <= step) ?? updates[0]
}

export interface TypeChange {
  readonly type: string
  /** Probes behind the means. */
  readonly n: number
  readonly predicted: number
  readonly actual: number
  /** Means of the directions; they add up to `predicted`. */
  readonly directions: ReadonlyMap<string, number>
}

/** Groups direction names by kind where examples were told apart: "17 rejected" is a "rejected". */
const kindOf = (direction: string): string => direction.replace(/^\d+ /, '')

/** Means over the probes that were followed, by response type. */
export const byType = ({ probes }: Pick<DecompositionLine, 'probes'>): readonly TypeChange[] =>
  inOrder([...new Set(probes.map(({ type }) => type))]).map(({ key }): TypeChange => {
    const own = probes.filter(({ type }) => type === key)
    const mean = (of: (probe: (typeof own)[number]) => number): number =>
      own.reduce((sum, probe) => sum + of(probe), 0) / own.length
    const names = [...new Set(own.flatMap(({ directions }) => Object.keys(directions).map(kindOf)))]
    const sum = (probe: (typeof own)[number], kind: string): number =>
      Object.entries(probe.directions).reduce(
        (total, [name, value]) => (kindOf(name) === kind ? total + value : total),
        0,
      )
    return {
      type: key,
      n: own.length,
      predicted: mean(({ predicted }) => predicted),
      actual: mean(({ actual }) => actual),
      directions: new Map(names.map(kind => [kind, mean(probe => sum(probe, kind))])),
    }
  })

export interface Agreement {
  /** 1 − Σ(actual − predicted)² / Σ(actual − mean)²; undefined where all actual changes are alike. */
  readonly r2: number | undefined
  /** ‖actual − predicted‖ / ‖actual‖ over responses; undefined where nothing moved. */
  readonly relative: number | undefined
}

/** How well the first order told the step, over all followed responses. */
export const agreementOf = ({ probes }: Pick<DecompositionLine, 'probes'>): Agreement => {
  const mean = probes.reduce((sum, { actual }) => sum + actual, 0) / probes.length
  const [rest, spread, size] = probes.reduce(
    ([a, b, c], { actual, predicted }) => [
      a + (actual - predicted) ** 2,
      b + (actual - mean) ** 2,
      c + actual ** 2,
    ],
    [0, 0, 0],
  )
  return {
    r2: spread > 0 ? 1 - rest / spread : undefined,
    relative: size > 0 ? Math.sqrt(rest / size) : undefined,
  }
}

/** Which part of a direction's colour: what chosen gave, what rejected gave, and the rest. */
export const sideOf = (direction: string): 'chosen' | 'rejected' | 'other' => {
  const kind = kindOf(direction)
  return kind.startsWith('chosen') ? 'chosen' : kind.startsWith('rejected') ? 'rejected' : 'other'
}

/** The followed response of that probe and type, else the first of the type, else the first. */
export const responseInFocus = (
  { probes }: Pick<DecompositionLine, 'probes'>,
  probe: number | undefined,
  type: string | undefined,
): DecomposedResponse | undefined =>
  probes.find(one => one.row === probe && one.type === type) ??
  probes.find(one => one.type === type) ??
  probes[0]

/** Agreement over the tokens of one response. */
export const tokenAgreement = ({
  actual,
  predicted,
}: Pick<DecomposedTokens, 'actual' | 'predicted'>): Agreement =>
  agreementOf({
    probes: actual.map((value, i) => ({
      row: 0,
      type: '',
      actual: value,
      predicted: predicted[i],
      directions: {},
    })),
  })

/** Steps of recorded updates from `from` to `to`, both included. */
export const updatesIn = (
  updates: readonly DecompositionLine[],
  range: readonly [number, number] | undefined,
): readonly DecompositionLine[] =>
  range ? updates.filter(({ s }) => s >= range[0] && s <= range[1]) : updates

/** Means by type, summed over updates: what all of them together did to each type. `n` is that of the last one. */
export const summedByType = (updates: readonly DecompositionLine[]): readonly TypeChange[] => {
  const sums = new Map<string, TypeChange>()
  for (const update of updates) {
    for (const change of byType(update)) {
      const before = sums.get(change.type)
      const directions = new Map(before?.directions)
      for (const [name, value] of change.directions) directions.set(name, (directions.get(name) ?? 0) + value)
      sums.set(change.type, {
        type: change.type,
        n: change.n,
        predicted: (before?.predicted ?? 0) + change.predicted,
        actual: (before?.actual ?? 0) + change.actual,
        directions,
      })
    }
  }
  return inOrder([...sums.keys()]).map(({ key }) => sums.get(key)!)
}

export interface UpdateBar {
  readonly step: number
  readonly stage: string
  readonly predicted: number
  readonly actual: number
  /** By kind of direction; they add up to `predicted`. */
  readonly parts: ReadonlyMap<string, number>
}

/** What each recorded update did to one response, or, of all probes, to the mean of a type. */
export const barsOf = (
  updates: readonly DecompositionLine[],
  type: string,
  probe: number | undefined,
): readonly UpdateBar[] =>
  updates.flatMap((update): UpdateBar[] => {
    const probes = update.probes.filter(
      one => one.type === type && (probe === undefined || one.row === probe),
    )
    if (probes.length === 0) return []
    const [change] = byType({ probes })
    return [
      {
        step: update.s,
        stage: update.stage,
        predicted: change.predicted,
        actual: change.actual,
        parts: change.directions,
      },
    ]
  })
