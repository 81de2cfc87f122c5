// What a table says of compared runs: when each parted from the baseline, and the means over seeds.
import { inOrder } from '@ldyn/figures'
import { divergenceAt, overSeeds } from './data.ts'
import type { Compared, End } from './comparison.ts'

export interface Parting {
  readonly run: number
  readonly type: string
  /** The run's own update. */
  readonly step: number
  readonly mean: number
  readonly se: number
  readonly n: number
}

/** By run, the types in which it parts from the baseline, the earliest first. */
export const partings = ({ differences }: Pick<Compared, 'differences'>): readonly Parting[] =>
  [...differences].flatMap(([type, own]) =>
    own.flatMap((difference, run): Parting[] => {
      const at = difference ? divergenceAt(difference) : -1
      return difference && at >= 0
        ? [
            {
              run,
              type,
              step: difference.updates[at],
              mean: difference.mean[at],
              se: difference.se[at],
              n: difference.n,
            },
          ]
        : []
    }),
  ).sort((a, b) => a.step - b.step || a.run - b.run)

/** The last values of groups of seeds, by type: mean and 95 % interval over seeds. */
export const seedEnds = (
  ends: readonly End[],
  groups: readonly (readonly number[])[],
): readonly {
  readonly group: number
  readonly type: string
  readonly mean: number
  readonly half: number | undefined
  readonly n: number
}[] =>
  inOrder([...new Set(ends.map(({ type }) => type))]).flatMap(({ key }) =>
    groups.flatMap((members, group) => {
      const values = ends.filter(end => end.type === key && members.includes(end.run)).map(({ last }) => last)
      return values.length === 0 ? [] : [{ group, type: key, n: values.length, ...overSeeds(values) }]
    }),
  )
