// Recorded updates as what the screen shows: which one is meant, means by response type, the balance of its
// directions. Changes are after minus before, Σ over response tokens, in nats.
import { inOrder } from '@ldyn/figures'
import type { DecompositionLine } from '@ldyn/runs'

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
export const kindOf = (direction: string): string => direction.replace(/^\d+ /, '')

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
