// The response types of runs: in which order they stand, and each one's look and name among the others.
import { inOrder, responseType, type Look, type ResponseType } from '@ldyn/figures'
import type { LiveData } from '../data/live-run.ts'

/** All types of some runs, each once, in the order in which they are always listed. */
export const typesIn = (runs: readonly LiveData[]): readonly ResponseType[] =>
  inOrder([...new Set(runs.flatMap(run => run.types))])

/** How a type looks among those of a run: types of a probe set of one's own are told apart by their place. */
export const lookOf = (types: readonly string[], type: string): Look =>
  inOrder(types).find(({ key }) => key === type)?.look ?? responseType(type).look

/** A type's name beside its line: those that both chosen and rejected have are told apart. */
export const nameOf = (key: string): string => {
  const { group, short } = responseType(key)
  if (key === 'chosen' || key === 'rejected' || short === key) return key
  return group === 'chosen' ? `y⁺ ${short}` : group === 'rejected' ? `y⁻ ${short}` : short
}
